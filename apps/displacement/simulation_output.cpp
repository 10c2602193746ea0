#include "apps/displacement/simulation_output.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "apps/displacement/displacement_options.hpp"
#include "apps/options/command_line.hpp"
#include "apps/pictures/curve.hpp"
#include "apps/pictures/vtk_image.hpp"
#include "core/files.hpp"
#include "datagen/units_json.hpp"

namespace mano {

namespace {

namespace fs = std::filesystem;

// A well, or a side through which something flows.
struct Column {
  std::string name;
  bool is_well = false;
  std::size_t number = 0;

  const OpeningState& of(const CurvePoint& point) const {
    return is_well ? point.wells[number] : point.sides[number];
  }
};

std::vector<Column> columns_of(const SimulationOutcome& o) {
  constexpr const char* kNames[] = {"left", "right", "bottom", "top"};
  std::vector<Column> columns;
  for (std::size_t w = 0; w < o.well_names.size(); ++w) columns.push_back({o.well_names[w], true, w});
  for (std::size_t side = 0; side < 4; ++side) {
    const auto& curve = o.result.curve;
    if (std::any_of(curve.begin(), curve.end(),
                    [&](const CurvePoint& p) { return p.sides[side].in != 0.0 || p.sides[side].out != 0.0; }))
      columns.push_back({kNames[side], false, side});
  }
  return columns;
}

// A field of the CSV: quoted where it must be.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

nlohmann::json finite_or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

nlohmann::json curve_json(const SimulationOutcome& o) {
  nlohmann::json json;
  const auto list = [&](const auto& value) {
    nlohmann::json values = nlohmann::json::array();
    for (const CurvePoint& p : o.result.curve) values.push_back(finite_or_null(value(p)));
    return values;
  };
  json["pore_volumes_injected"] = list([](const CurvePoint& p) { return p.pore_volumes; });
  json["time"] = list([](const CurvePoint& p) { return p.time; });
  json["cut"] = list([](const CurvePoint& p) { return p.cut; });
  json["recovery"] = list([](const CurvePoint& p) { return p.recovery; });
  json["produced"] = list([](const CurvePoint& p) { return p.produced; });
  json["openings"] = nlohmann::json::array();
  for (const Column& c : columns_of(o)) {
    json["openings"].push_back({{"name", c.name},
                                {"kind", c.is_well ? "well" : "side"},
                                {"rate", list([&](const CurvePoint& p) { return c.of(p).rate(); })},
                                {"cut", list([&](const CurvePoint& p) { return c.of(p).cut; })},
                                {"pressure", list([&](const CurvePoint& p) { return c.of(p).pressure; })}});
  }
  return json;
}

void write_images(const fs::path& pvd, const SimulationOutcome& o, std::vector<std::string>& written) {
  const UnitNames n = o.units.names();
  const fs::path folder = pvd.parent_path() / pvd.stem();
  fs::create_directories(folder);
  std::vector<PvdEntry> entries;
  const auto& snapshots = o.result.snapshots;
  for (std::size_t i = 0; i < snapshots.size(); ++i) {
    const Snapshot& s = snapshots[i];
    CellFlux flux = s.flux;
    for (Field* component : {&flux.x, &flux.y}) {
      for (double& value : component->values) value *= o.units.velocity();
    }
    const std::string name = fmt::format(
        "{:0{}}.vti", i + 1, std::max<std::size_t>(2, fmt::format("{}", snapshots.size()).size()));
    write_vti(folder / name, {.grid = s.saturation.grid,
                              .active = o.displacement.problem.active,
                              .scalars = {{"saturation", s.saturation},
                                          {with_unit("pressure", n.pressure), s.pressure},
                                          {with_unit("permeability", n.permeability), o.permeability}},
                              .vectors = {{with_unit("flux", n.velocity), {flux.x, flux.y}}}});
    entries.push_back({(fs::path(pvd.stem()) / name).string(), s.at.pore_volumes});
  }
  write_pvd(pvd, entries);
  written.push_back(pvd.string());
}

void draw_curves(const fs::path& stem, const SimulationOutcome& o, std::vector<std::string>& written) {
  const Fluids& f = o.displacement.fluids;
  Curve cut{f.injected + " cut", {}, {}}, recovery{f.displaced + " recovery", {}, {}};
  for (const CurvePoint& p : o.result.curve) {
    for (auto [curve, value] : {std::pair{&cut, p.cut}, {&recovery, p.recovery}}) {
      curve->x.push_back(p.pore_volumes);
      curve->y.push_back(value);
    }
  }
  const auto keep = [&](const std::string& path) {
    if (!path.empty()) written.push_back(path);
  };
  keep(draw_chart(stem.string() + ".png", {.title = o.description,
                                           .x_label = "pore volumes injected",
                                           .y_label = "part",
                                           .log_y = false,
                                           .curves = {cut, recovery}}));
  CurveChart rates{.title = o.description,
                   .x_label = "pore volumes injected",
                   .y_label = with_unit("rate", o.units.names().rate),
                   .log_y = false};
  for (const Column& c : columns_of(o)) {
    Curve injected{fmt::format("{}: {}", c.name, f.injected), {}, {}},
        displaced{fmt::format("{}: {}", c.name, f.displaced), {}, {}};
    bool any = false;
    for (const CurvePoint& p : o.result.curve) {
      injected.x.push_back(p.pore_volumes);
      displaced.x.push_back(p.pore_volumes);
      injected.y.push_back(std::abs(c.of(p).injected()));
      displaced.y.push_back(std::abs(c.of(p).displaced()));
      any = any || displaced.y.back() > 0;
    }
    rates.curves.push_back(injected);
    if (any) rates.curves.push_back(displaced);
  }
  keep(draw_chart(stem.string() + "-rates.png", rates));
}

}  // namespace

std::string curves_csv(const SimulationOutcome& o) {
  const UnitNames n = o.units.names();
  const Fluids& f = o.displacement.fluids;
  std::string text = fmt::format("pore volumes injected,{},{},{},{}", csv_field(with_unit("time", n.time)),
                                 csv_field(f.injected + " cut"), csv_field(f.displaced + " recovery"),
                                 csv_field(with_unit(f.displaced + " produced", n.volume)));
  const auto columns = columns_of(o);
  for (const Column& c : columns) {
    text += "," + csv_field(with_unit(fmt::format("{} {} rate", c.name, f.injected), n.rate));
    text += "," + csv_field(with_unit(fmt::format("{} {} rate", c.name, f.displaced), n.rate));
    if (c.is_well) text += "," + csv_field(with_unit(c.name + " pressure", n.pressure));
  }
  text += "\n";
  for (const CurvePoint& p : o.result.curve) {
    text += fmt::format("{:.10g},{:.10g},{:.10g},{:.10g},{:.10g}", p.pore_volumes, p.time, p.cut, p.recovery,
                        p.produced);
    for (const Column& c : columns) {
      const OpeningState& state = c.of(p);
      text += fmt::format(",{:.10g},{:.10g}", state.injected(), state.displaced());
      if (c.is_well) text += std::isfinite(state.pressure) ? fmt::format(",{:.10g}", state.pressure) : ",";
    }
    text += "\n";
  }
  return text;
}

nlohmann::json to_json(const SimulationOutcome& o) {
  const SimulationResult& r = o.result;
  const CurvePoint& last = r.curve.back();
  nlohmann::json json{{"fluids", to_json(o.displacement.fluids)},
                      {"pore_volume", r.pore_volume},
                      {"pore_volumes_injected", last.pore_volumes},
                      {"time", last.time},
                      {"cut", last.cut},
                      {"recovery", last.recovery},
                      {"breakthrough", finite_or_null(r.breakthrough)},
                      {"mass_balance_error", r.mass_balance_error},
                      {"transport", to_string(o.options.transport)},
                      {"step_tolerance", o.options.step_tolerance},
                      {"steps", r.steps.size()},
                      {"pressure_solves", r.pressure_solves},
                      {"cycles", r.cycles},
                      {"transport_passes", r.transport_passes},
                      {"seconds", o.seconds},
                      {"inactive_cells", o.displacement.problem.active.inactive()}};
  nlohmann::json times = nlohmann::json::array();
  for (const Snapshot& s : r.snapshots) times.push_back(s.at.pore_volumes);
  json["snapshots"] = times;
  if (o.error)
    json["step_error"] = {
        {"saturation", o.error->saturation}, {"cut", o.error->cut}, {"recovery", o.error->recovery}};
  if (!o.units.consistent()) json["units"] = units_json(o.units);
  json["curve"] = curve_json(o);
  return json;
}

void print_simulation(const SimulationOutcome& o) {
  const SimulationResult& r = o.result;
  const Fluids& f = o.displacement.fluids;
  const UnitNames n = o.units.names();
  say(o.description);
  if (!o.units.consistent()) say(o.units.description());
  say(
      fmt::format("{} displaces {}: viscosity ratio {:g}, exponents {:g} and {:g}, end points {:g} and {:g}, "
                  "residuals {:g} and {:g}",
                  f.injected, f.displaced, f.viscosity_ratio, f.injected_exponent, f.displaced_exponent,
                  f.injected_end_point, f.displaced_end_point, f.injected_residual, f.displaced_residual));
  say(
      fmt::format("{} steps, {} pressure solves of {:.1f} cycles, {} passes of {} transport: {:.3g} s; mass "
                  "balance error at most {:.2g} a step",
                  r.steps.size(), r.pressure_solves, static_cast<double>(r.cycles) / r.pressure_solves,
                  r.transport_passes, to_string(o.options.transport), o.seconds, r.mass_balance_error));
  if (o.error) {
    const std::vector<double>& changes = o.error->saturation;
    const auto most = std::max_element(changes.begin(), changes.end());
    say(
        fmt::format("steps twice as long change the saturation by {:.2g} % at the end (relative L2), at most "
                    "{:.2g} %, at {:g} pore volumes; the cut by {:.2g}, the recovery by {:.2g}",
                    100 * changes.back(), 100 * *most, r.snapshots[most - changes.begin()].at.pore_volumes,
                    o.error->cut, o.error->recovery));
  }
  say(fmt::format("  {:<22} {:<14} {:<14} {}", "pore volumes injected", with_unit("time", n.time),
                  f.injected + " cut", f.displaced + " recovery"));
  for (const Snapshot& s : r.snapshots)
    say(fmt::format("  {:<22.6g} {:<14.6g} {:<14.4f} {:.4f}", s.at.pore_volumes, s.at.time, s.at.cut,
                    s.at.recovery));
  say(std::isnan(r.breakthrough)
          ? fmt::format("no breakthrough: the {} cut stays below {:g} %", f.injected, 100 * kBreakthroughCut)
          : fmt::format("breakthrough ({} cut of {:g} %) at {:.4f} pore volumes injected", f.injected,
                        100 * kBreakthroughCut, r.breakthrough));
}

std::vector<std::string> write_simulation(const fs::path& pvd, const SimulationOutcome& o) {
  std::vector<std::string> written;
  const fs::path stem = pvd.parent_path() / pvd.stem();
  write_images(pvd, o, written);
  write_text_atomically(stem.string() + ".csv", curves_csv(o));
  written.push_back(stem.string() + ".csv");
  write_text_atomically(stem.string() + ".json", to_json(o).dump(2) + "\n");
  written.push_back(stem.string() + ".json");
  draw_curves(stem, o, written);
  return written;
}

}  // namespace mano
