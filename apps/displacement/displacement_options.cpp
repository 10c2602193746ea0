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

// "0.6pv" and "365d" with the unit "pv" or "d"; empty where it ends with another one.
std::optional<double> amount_in(const std::string& text, const std::string& unit) {
  if (!text.ends_with(unit)) return std::nullopt;
  const auto value = parse_number(text.substr(0, text.size() - unit.size()));
  return value && std::isfinite(*value) && *value > 0 ? value : std::nullopt;
}

double parse_pore_volumes(const std::string& text) {
  const auto volumes = amount_in(text, "pv");
  check(!amount_in(text, "d"),
        "--until is '{}'; pass pore volumes injected here, 0.6pv: days differ from rock to rock", text);
  check(volumes.has_value(), "--until is '{}', expected pore volumes injected: 0.6pv", text);
  return *volumes;
}

// Days in pore volumes injected, where rates are given.
double pore_volumes_in(const std::string& text, double days, const Displacement& d, const Units& units) {
  check(!units.consistent(),
        "--until is '{}', which needs --units metric or field; pass pore volumes injected, 0.6pv", text);
  const double rate = prescribed_injection(d.problem);
  check(rate > 0,
        "--until is '{}', but nothing is injected at a given rate, and under pressure the rate changes: pass "
        "pore volumes injected, 0.6pv",
        text);
  double pore_volume = 0.0;
  for (std::size_t c = 0; c < d.pore.values.size(); ++c)
    pore_volume += d.problem.active[c] ? d.pore.values[c] : 0.0;
  const Grid& g = d.pore.grid;
  return days * rate / (pore_volume * g.hx() * g.hy() * g.hz());
}

}  // namespace

static constexpr const char* kGroup = "Displacement";

void add_displacement_options(CLI::App& app, DisplacementOptions& o) {
  add_fluid_options(app, o);
  app.add_option(
         "--porosity", o.porosity,
         "A number, a keyword of the permeability's file, or a file [PORO of a GRDECL file, else 1 in "
         "consistent units]")
      ->type_name("VALUE|KEYWORD|FILE")
      ->group(kGroup);
  app.add_option("--until", o.until,
                 "The end: pore volumes injected, or of `simulate` in metric and field units days, where "
                 "rates are given, 365d [0.6pv]")
      ->type_name("Npv|Nd")
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
  const bool driven = sides || !o.source.empty() || !o.wells.empty() || o.has_own_wells();
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

static SimulationOptions settle_simulation(const DisplacementOptions& o, double until) {
  SimulationOptions s;
  check(o.snapshots >= 1 && o.snapshots <= 10000, "--snapshots is {}; it must lie between 1 and 10000",
        o.snapshots);
  s.snapshots = equal_times(until, o.snapshots);
  s.transport = parse_transport_scheme(o.transport);
  check(std::isfinite(o.step_tolerance) && o.step_tolerance > 0,
        "--step-tolerance is {}; it must be finite and above zero", o.step_tolerance);
  s.step_tolerance = o.step_tolerance;
  return s;
}

SimulationOptions settle_simulation(const DisplacementOptions& o) {
  return settle_simulation(o, parse_pore_volumes(o.until));
}

SimulationOptions settle_simulation(const DisplacementOptions& o, const Displacement& displacement,
                                    const Units& units) {
  const auto days = amount_in(o.until, "d");
  return settle_simulation(
      o, days ? pore_volumes_in(o.until, *days, displacement, units) : parse_pore_volumes(o.until));
}

void check_until(const DisplacementOptions& o, double time) {
  const auto days = amount_in(o.until, "d");
  check(!days || std::abs(time / *days - 1) < 1e-6,
        "--until is '{}', but fluid also enters under pressure, {:.6g} days at the rates that are given: "
        "pass pore volumes injected, 0.6pv",
        o.until, time);
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
