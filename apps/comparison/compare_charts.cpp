// The curves of a comparison.
#include <algorithm>

#include "apps/comparison/comparison.hpp"
#include "apps/pictures/curve.hpp"

namespace mano {

namespace {

std::string file_name(const std::string& path) {
  return path.empty() ? "" : std::filesystem::path(path).filename().string();
}

std::vector<Curve> present(std::vector<Curve> curves) {
  std::erase_if(curves, [](const Curve& curve) { return curve.x.empty(); });
  return curves;
}

double cells_of(const ComparedResolution& r) {
  return static_cast<double>(r.resolution.nx) * r.resolution.ny;
}

Curve over_time(const WorkCurve& work) {
  Curve curve{work.name == "solver"      ? "solver, by tolerance"
              : work.name == "surrogate" ? "surrogate, by cycles through the grids"
                                         : "solver's cycles " + work.name,
              {},
              {}};
  for (const WorkPoint& p : work.points) {
    curve.x.push_back(1e3 * p.seconds);
    curve.y.push_back(p.relative_l2);
  }
  return curve;
}

Curve over_cycles(const WorkCurve& work) {
  Curve curve{work.name, {}, {}};
  for (std::size_t c = 0; c < work.points.size(); ++c) {
    curve.x.push_back(static_cast<double>(c));
    curve.y.push_back(work.points[c].relative_l2);
  }
  return curve;
}

// Error over time, and over cycles, of one resolution.
void draw_work(const std::filesystem::path& folder, ComparedResolution& r) {
  if (r.solver.points.empty()) return;
  std::vector<Curve> work{over_time(r.solver), over_time(r.surrogate)};
  std::vector<Curve> cycles;
  for (const WorkCurve& curve : r.corrected) {
    if (curve.name != "from zero") work.push_back(over_time(curve));  // the solver does no better
    cycles.push_back(over_cycles(curve));
  }
  if (r.best_batch > 1) {
    work.push_back({"surrogate, batches of " + std::to_string(r.best_batch),
                    {1e3 * r.seconds_in_batches},
                    {r.mean(&ComparedSample::relative_l2)}});
  }
  const std::string at = " at " + r.resolution.text();
  const double grid = r.mean(&ComparedSample::discretisation_l2);
  if (grid == grid) {
    const auto [least, most] = std::minmax_element(work[0].x.begin(), work[0].x.end());
    work.push_back(
        {"error of the grid itself", {*least, std::max(*most, 1e3 * r.seconds_surrogate)}, {grid, grid}});
  }
  CurveChart work_chart{"Work and precision" + at,
                        "milliseconds a sample",
                        "mean relative L2 error",
                        true,
                        true,
                        present(work),
                        {}};
  r.work_chart = file_name(draw_chart(folder / ("work-" + r.label + ".png"), work_chart));
  // From zero the error begins at 1.
  CurveChart cycles_chart{"What multigrid cycles leave" + at,
                          "cycles",
                          "mean relative L2 error",
                          false,
                          true,
                          present(cycles),
                          {}};
  r.cycles_chart = file_name(draw_chart(folder / ("cycles-" + r.label + ".png"), cycles_chart));
}

}  // namespace

void draw_charts(const std::filesystem::path& folder, Comparison& c) {
  Curve error{"surrogate", {}, {}}, interpolated{"interpolated from training", {}, {}},
      grid{"the grid itself, against the reference", {}, {}}, surrogate{"surrogate", {}, {}},
      batches{"surrogate, in batches", {}, {}}, solver{"solver, at the surrogate's error", {}, {}};
  std::vector<std::pair<double, std::string>> ticks;
  std::vector<ComparedResolution*> by_size;
  for (auto& r : c.resolutions) by_size.push_back(&r);
  std::stable_sort(by_size.begin(), by_size.end(),
                   [](const auto* a, const auto* b) { return cells_of(*a) < cells_of(*b); });
  for (ComparedResolution* by : by_size) {
    ComparedResolution& r = *by;
    const double cells = cells_of(r);
    if (!ticks.empty() && cells < 1.3 * ticks.back().first)  // two labels would overlap
      ticks.back().second += ", " + r.resolution.text();
    else
      ticks.emplace_back(cells, r.resolution.text());
    const auto add = [&](Curve& curve, double y) {
      curve.x.push_back(cells);
      curve.y.push_back(y);
    };
    const auto add_mean = [&](Curve& curve, std::optional<double> ComparedSample::*member) {
      if (const auto s = r.summary(member)) add(curve, s->mean);
    };
    add_mean(error, &ComparedSample::relative_l2);
    add_mean(interpolated, &ComparedSample::interpolated_l2);
    add_mean(grid, &ComparedSample::discretisation_l2);
    add(surrogate, 1e3 * r.seconds_surrogate);
    add(batches, 1e3 * r.seconds_in_batches);
    if (const WorkPoint* p = solver_at_surrogate_error(r)) add(solver, 1e3 * p->seconds);
    draw_work(folder, r);
  }
  if (c.resolutions.size() < 2) return;  // a point is no curve
  c.errors_chart =
      file_name(draw_chart(folder / "errors.png", {"Error by resolution", "cells", "mean relative L2 error",
                                                   true, true, present({error, interpolated, grid}), ticks}));
  c.times_chart =
      file_name(draw_chart(folder / "times.png", {"Time by resolution", "cells", "milliseconds a sample",
                                                  true, true, present({surrogate, batches, solver}), ticks}));
}

}  // namespace mano
