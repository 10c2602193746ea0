#include "apps/displacement/displacement_options.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "apps/samples/flow_report.hpp"
#include "core/error.hpp"
#include "datagen/grdecl.hpp"

namespace mano {

namespace {

// "2,3" -> {2, 3}
void take_two(const std::string& text, const char* option, double& injected, double& displaced) {
  if (text.empty()) return;
  const auto comma = text.find(',');
  check(comma != std::string::npos,
        "--{} is '{}', expected two numbers: of the injected and of the displaced fluid, 2,2", option, text);
  const auto first = parse_number(text.substr(0, comma));
  const auto second = parse_number(text.substr(comma + 1));
  check(first && second,
        "--{} is '{}', expected two numbers: of the injected and of the displaced fluid, 2,2", option, text);
  injected = *first;
  displaced = *second;
}

double parse_pore_volumes(const std::string& text) {
  const double value =
      text.ends_with("pv") ? parse_number(text.substr(0, text.size() - 2)).value_or(0.0) : 0.0;
  check(std::isfinite(value) && value > 0, "--until is '{}', expected pore volumes injected: 0.6pv", text);
  return value;
}

}  // namespace

static constexpr const char* kGroup = "Displacement";

void add_displacement_options(CLI::App& app, DisplacementOptions& o) {
  add_fluid_options(app, o);
  app.add_option("--porosity", o.porosity,
                 "A number, a keyword of the permeability's file, or a file [PORO of a GRDECL file, else 1]")
      ->type_name("VALUE|KEYWORD|FILE")
      ->group(kGroup);
  app.add_option("--until", o.until, "Pore volumes injected at the end [0.6pv]")
      ->type_name("Npv")
      ->group(kGroup);
  app.add_option("--snapshots", o.snapshots,
                 "Equal times at which fields are stored, the last at the end [12]")
      ->group(kGroup);
}

void add_fluid_options(CLI::App& app, DisplacementOptions& o) {
  const std::string group = kGroup;
  app.add_option("--fluids", o.fluids,
                 "oil-water, co2-brine or tracer: numbers that the options below change [oil-water]")
      ->group(group);
  app.add_option("--viscosity-ratio", o.viscosity_ratio,
                 "Viscosity of the displaced fluid over that of the injected one [5]")
      ->group(group);
  app.add_option("--displaced-viscosity", o.displaced_viscosity,
                 "Of the displaced fluid in cP, in metric and field units; --viscosity is then that of the "
                 "injected one")
      ->group(group);
  app.add_option("--corey", o.exponents,
                 "Exponents of the relative permeabilities, injected and displaced fluid [2,2]")
      ->type_name("N,N")
      ->group(group);
  app.add_option("--end-points", o.end_points, "Largest relative permeabilities [1,1]")
      ->type_name("K,K")
      ->group(group);
  app.add_option("--residuals", o.residuals,
                 "Residual saturations; the rock holds that of the injected fluid at the start [0,0]")
      ->type_name("R,R")
      ->group(group);
  app.add_option("--transport", o.transport, "theta, implicit or explicit [theta]")->group(group);
  app.add_option("--step-tolerance", o.step_tolerance,
                 "Change of saturation in a step, relative root mean square [0.5]")
      ->group(group);
}

bool is_default(const DisplacementOptions& o) {
  return o == DisplacementOptions{};
}

void choose_displacement_problem(FlowOptions& o) {
  const bool sides = std::any_of(kSideOptions.begin(), kSideOptions.end(),
                                 [&](const auto& option) { return !(o.*option.second).empty(); });
  const bool driven = sides || !o.source.empty() || !o.wells.empty();
  if (o.problem_name.empty() && !driven) o.problem_name = "five-spot";
}

Fluids settle_fluids(const DisplacementOptions& o, const Units& units) {
  Fluids fluids = named_fluids(o.fluids);
  check(!o.viscosity_ratio || !o.displaced_viscosity,
        "--viscosity-ratio and --displaced-viscosity exclude each other");
  if (o.viscosity_ratio) fluids.viscosity_ratio = *o.viscosity_ratio;
  if (o.displaced_viscosity) {
    check(!units.consistent(),
          "--displaced-viscosity is {}, which needs --units metric or field; pass --viscosity-ratio",
          *o.displaced_viscosity);
    check(std::isfinite(*o.displaced_viscosity) && *o.displaced_viscosity > 0,
          "--displaced-viscosity is {}; it must be finite and above zero", *o.displaced_viscosity);
    fluids.viscosity_ratio = *o.displaced_viscosity / units.viscosity;
  }
  take_two(o.exponents, "corey", fluids.injected_exponent, fluids.displaced_exponent);
  take_two(o.end_points, "end-points", fluids.injected_end_point, fluids.displaced_end_point);
  take_two(o.residuals, "residuals", fluids.injected_residual, fluids.displaced_residual);
  check_fluids(fluids);
  return fluids;
}

SimulationOptions settle_simulation(const DisplacementOptions& o) {
  SimulationOptions s;
  const double until = parse_pore_volumes(o.until);
  check(o.snapshots >= 1 && o.snapshots <= 10000, "--snapshots is {}; it must lie between 1 and 10000",
        o.snapshots);
  s.snapshots = equal_times(until, o.snapshots);
  s.transport = parse_transport_scheme(o.transport);
  check(std::isfinite(o.step_tolerance) && o.step_tolerance > 0,
        "--step-tolerance is {}; it must be finite and above zero", o.step_tolerance);
  s.step_tolerance = o.step_tolerance;
  return s;
}

Field porosity_of(const DisplacementOptions& o, const FieldSource& source, const Sample& sample,
                  const Units& units) {
  const ReportOptions report{.report = true, .porosity = o.porosity};
  if (const auto porosity = porosity_of(report, source, sample)) return *porosity;
  check(units.consistent(), "no porosity: pass --porosity VALUE, KEYWORD or FILE; in {} units times need one",
        to_string(units.system));
  return Field(sample.permeability.grid, 1.0);
}

Displacement make_displacement(Problem problem, Field porosity, const Units& units, const Fluids& fluids) {
  check_porosity(porosity, problem.active, "porosity");
  for (double& pore : porosity.values) pore *= units.storage();
  return {std::move(problem), std::move(porosity), fluids};
}

Displacement make_displacement(const DisplacementOptions& o, const FieldSource& source,
                               const FlowSource& flow, const Sample& sample, const Fluids& fluids) {
  return make_displacement(flow.problem(sample), porosity_of(o, source, sample, flow.units()), flow.units(),
                           fluids);
}

nlohmann::json to_json(const Fluids& f) {
  return {{"name", f.name},
          {"injected", f.injected},
          {"displaced", f.displaced},
          {"viscosity_ratio", f.viscosity_ratio},
          {"exponents", {f.injected_exponent, f.displaced_exponent}},
          {"end_points", {f.injected_end_point, f.displaced_end_point}},
          {"residuals", {f.injected_residual, f.displaced_residual}}};
}

Fluids fluids_from_json(const nlohmann::json& json) {
  Fluids f;
  try {
    f.name = json.at("name");
    f.injected = json.at("injected");
    f.displaced = json.at("displaced");
    f.viscosity_ratio = json.at("viscosity_ratio");
    for (auto [key, injected, displaced] :
         {std::tuple{"exponents", &f.injected_exponent, &f.displaced_exponent},
          {"end_points", &f.injected_end_point, &f.displaced_end_point},
          {"residuals", &f.injected_residual, &f.displaced_residual}}) {
      *injected = json.at(key).at(0);
      *displaced = json.at(key).at(1);
    }
  } catch (const nlohmann::json::exception& e) {
    throw InvalidInput(fmt::format("fluids cannot be read: {}", e.what()));
  }
  check_fluids(f);
  return f;
}

}  // namespace mano
