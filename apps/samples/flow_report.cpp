#include "apps/samples/flow_report.hpp"

#include <cmath>
#include <limits>

#include "apps/options/command_line.hpp"
#include "apps/options/companion_field.hpp"
#include "core/error.hpp"
#include "datagen/grdecl.hpp"
#include "solver/flow.hpp"
#include "solver/time_of_flight.hpp"

namespace mano {

namespace {

constexpr std::array kInjected{0.1, 0.25, 0.5, 1.0, 2.0};  // pore volumes at which the swept part is told

std::string rate_text(double rate) {
  return std::isfinite(rate) ? fmt::format("{:.6g}", rate) : "unknown";
}

}  // namespace

void add_report_options(CLI::App& app, ReportOptions& o) {
  const std::string group = "Report";
  app.add_flag(
         "--report", o.report,
         "Print rates and pressures of wells, flow through each side, pore volume and what is swept of it")
      ->group(group);
  app.add_flag("--time-of-flight", o.time_of_flight, "Add the time of flight to the result; needs a porosity")
      ->group(group);
  app.add_option("--porosity", o.porosity,
                 "A number, a keyword of the permeability's file, or a file [PORO of a GRDECL file]")
      ->type_name("VALUE|KEYWORD|FILE")
      ->group(group);
}

void check_porosity(const Field& porosity, const CellMask& active, const std::string& what) {
  bool is_any = false;
  for (std::size_t c = 0; c < porosity.values.size(); ++c) {
    check(!active[c] || (porosity.values[c] >= 0 && porosity.values[c] <= 1),
          "{} is {:g} in cell {}; it must lie between 0 and 1", what, porosity.values[c],
          porosity.grid.cell(c));
    is_any = is_any || (active[c] && porosity.values[c] > 0);
  }
  check(is_any, "{} is 0 in every active cell: there is no pore volume", what);
}

std::optional<Field> porosity_of(const ReportOptions& o, const FieldSource& source, const Sample& sample) {
  check(o.porosity.empty() || o.any(),
        "--porosity is '{}', which nothing uses: add --report or --time-of-flight", o.porosity);
  if (!o.any()) return {};
  const Grid& grid = sample.permeability.grid;
  const FieldOptions& rock = source.options();
  std::string text = o.porosity;
  if (text.empty() && is_grdecl(rock.permeability) &&
      grdecl_has(rock.permeability, "PORO", rock.include_anywhere))
    text = "PORO";
  check(!text.empty() || !o.time_of_flight,
        "--time-of-flight needs the porosity: pass --porosity VALUE, KEYWORD or FILE");
  if (text.empty()) return {};
  Field porosity(grid);
  if (const auto value = parse_number(text)) {
    porosity = Field(grid, *value);
  } else {
    const std::string keyword = is_grdecl(text) ? "PORO" : "porosity";
    const FieldSource file = open_companion(rock, text, "porosity", keyword);
    check_same_place(file, source.place(), "porosity");
    porosity = read_companion(file, grid, sample.number, "porosity");
  }
  check_porosity(porosity, sample.active, "porosity " + text);
  return porosity;
}

nlohmann::json describe_wells(const Problem& problem, const Field& pressure,
                              const std::vector<std::string>& names) {
  nlohmann::json wells = nlohmann::json::array();
  const auto states = well_states(problem, pressure);
  for (std::size_t w = 0; w < states.size(); ++w) {
    const Well& well = problem.wells[w];
    wells.push_back({{"name", names.at(w)},
                     {"cell", {well.i, well.j}},
                     {"control", well.control == Well::Control::rate ? "rate" : "bhp"},
                     {"rate", states[w].rate},
                     {"pressure", states[w].pressure}});
    if (problem.grid().flat()) continue;
    nlohmann::json& layers = wells.back()["layers"] = nlohmann::json::array();
    for (const auto& [layer, rate] : states[w].layers)
      layers.push_back({{"layer", layer + 1}, {"rate", rate}});
  }
  return wells;
}

FlowReport make_flow_report(const Problem& problem, const Field& pressure, const Units& units,
                            const std::vector<std::string>& names, const std::optional<Field>& porosity) {
  FlowReport report{.units = units,
                    .grid = problem.grid(),
                    .wells = describe_wells(problem, pressure, names),
                    .inflow = inflow(problem, pressure)};
  const auto out = outflow(problem, pressure);
  for (Side side : sides_of(problem.grid()))
    report.outflow.emplace_back(name_of(side, problem.grid()), out[static_cast<int>(side)]);
  if (!porosity) return report;
  Field pore = *porosity;
  for (double& value : pore.values) value *= units.storage();
  report.pore_volume = pore_volume(problem, pore);
  const Field tau = time_of_flight(problem, pressure, pore);
  constexpr double kLargest = std::numeric_limits<double>::max();
  report.without_flow = *report.pore_volume - swept_volume(problem, pore, tau, kLargest);
  if (report.inflow > 0) {
    for (double injected : kInjected) {
      const double time = injected * *report.pore_volume / report.inflow;
      report.swept.push_back({injected, time, swept_volume(problem, pore, tau, time)});
    }
  }
  report.time_of_flight = tau;
  return report;
}

void print_flow_report(const FlowReport& r) {
  const UnitNames n = r.units.names();
  if (r.units.consistent()) say("report in " + r.units.description(r.grid.flat()));
  if (!r.wells.empty()) {
    say(fmt::format("  {:<12} {:<14} {:<8} {:<18} {}", "well", "cell", "control", with_unit("rate", n.rate),
                    with_unit("bottom-hole pressure", n.pressure)));
    for (const auto& w : r.wells) {
      say(fmt::format("  {:<12} {:<14} {:<8} {:<18.6g} {}", w["name"].get<std::string>(),
                      fmt::format("({}, {})", w["cell"][0].get<int>(), w["cell"][1].get<int>()),
                      w["control"].get<std::string>(), w["rate"].get<double>(),
                      rate_text(w["pressure"].get<double>())));
      if (!w.contains("layers")) continue;
      for (const auto& l : w["layers"])
        say(fmt::format("  {:<12} {:<23} {:.6g}", "", fmt::format("layer {}", l["layer"].get<int>()),
                        l["rate"].get<double>()));
    }
  }
  say(fmt::format("  {:<12} {}", "side", with_unit("flow out", n.rate)));
  for (const auto& [name, flow] : r.outflow) say(fmt::format("  {:<12} {:.6g}", name, flow));
  say(fmt::format("  {} {:.6g}", with_unit("all flow in", n.rate), r.inflow));
  if (!r.pore_volume) return;
  say(fmt::format("  {} {:.6g}, without flow {:.6g}", with_unit("pore volume", n.volume), *r.pore_volume,
                  r.without_flow));
  if (r.swept.empty()) return;
  say(fmt::format("  {:<22} {:<14} {:<16} {}", "pore volumes injected", with_unit("time", n.time),
                  with_unit("swept", n.volume), "part of the pore volume"));
  for (const Swept& s : r.swept)
    say(fmt::format("  {:<22g} {:<14.6g} {:<16.6g} {:.4f}", s.pore_volumes, s.time, s.volume,
                    s.volume / *r.pore_volume));
}

nlohmann::json outflow_json(const FlowReport& r) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, flow] : r.outflow) json[name] = flow;
  return json;
}

nlohmann::json to_json(const FlowReport& r) {
  nlohmann::json json{{"wells", r.wells}, {"outflow", outflow_json(r)}, {"inflow", r.inflow}};
  if (!r.pore_volume) return json;
  json["pore_volume"] = *r.pore_volume;
  json["pore_volume_without_flow"] = r.without_flow;
  json["swept"] = nlohmann::json::array();
  for (const Swept& s : r.swept)
    json["swept"].push_back(
        {{"pore_volumes_injected", s.pore_volumes}, {"time", s.time}, {"volume", s.volume}});
  return json;
}

}  // namespace mano
