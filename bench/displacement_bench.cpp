// Work and precision of the displacement simulator: quarter five-spot in two-phase rock, viscosity ratio 5, to 0.4 pore volumes, one core.
// Errors in saturation (relative L2) and cut are against the limit of small steps on the same grid, which explicit transport with a new
// pressure for every 0.002 pore volumes stands for. Times are processor time, the least of some rounds, all in one run.
//
//   displacement_bench [FILE.json] [ROCKS]
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/machine.hpp"
#include "datagen/random_field.hpp"
#include "displacement/buckley_leverett.hpp"
#include "displacement/coarse.hpp"
#include "displacement/simulator.hpp"
#include "displacement/step_doubling.hpp"

namespace {

using namespace mano;

constexpr double kEnd = 0.4;
constexpr double kLate = 0.6;  // cuts are compared at, when water has broken through

double processor_time() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

struct Case {
  std::string name;
  std::function<SimulationResult(const Displacement&, double until)> run;
  int rounds = 5;
};

SimulationOptions options_until(double until, double tolerance,
                                TransportScheme scheme = TransportScheme::theta) {
  SimulationOptions o;
  o.snapshots = {until};
  o.step_tolerance = tolerance;
  o.transport = scheme;
  return o;
}

// As long as the flow at the start allows explicitly: a pressure for each step of transport.
SimulationResult impes(const Displacement& d, double until) {
  const FractionalFlow f(d.fluids);
  TotalFlow flow(d.problem);
  const std::size_t cells = d.problem.grid().cells();
  flow.solve(std::vector<double>(cells, f.mobility(0.0)), 1e-8);
  const Transport transport(f, std::vector<double>(cells, 1.0 / static_cast<double>(cells)),
                            TransportScheme::explicit_);
  const double longest = transport.longest_explicit_step(UpstreamOrder(flow.connections(), flow.flows()));
  SimulationOptions o = options_until(until, 1.0, TransportScheme::explicit_);
  o.steps.assign(static_cast<std::size_t>(std::ceil(until / longest)), until / std::ceil(until / longest));
  return simulate(d, o);
}

std::vector<Case> cases(int n) {
  std::vector<Case> list;
  for (double tolerance : {1.0, 0.5, 0.3, 0.2, 0.1, 0.05}) {
    list.push_back({fmt::format("theta {:g}", tolerance), [=](const Displacement& d, double until) {
                      return simulate(d, options_until(until, tolerance));
                    }});
  }
  list.push_back({"implicit 0.1", [](const Displacement& d, double until) {
                    return simulate(d, options_until(until, 0.1, TransportScheme::implicit));
                  }});
  list.push_back({"explicit 0.2",
                  [](const Displacement& d, double until) {
                    return simulate(d, options_until(until, 0.2, TransportScheme::explicit_));
                  },
                  2});
  for (int factor : {2, 4})
    list.push_back({fmt::format("coarsened {}", factor), [=](const Displacement& d, double until) {
                      return simulate_coarse(d, options_until(until, 0.5), factor);
                    }});
  if (n <= 64) list.push_back({"IMPES", impes, 1});
  return list;
}

double mean(const std::vector<double>& values) {
  double sum = 0.0;
  for (double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

nlohmann::json measure(int n, int rocks) {
  std::vector<Displacement> rock;
  std::vector<SimulationResult> limit, late;
  for (int r = 0; r < rocks; ++r) {
    const Field k = draw_field({}, 1, r, Grid{n, n});
    rock.push_back({make_problem("five-spot", k), Field(k.grid, 1.0), Fluids{}});
    SimulationOptions o = options_until(kEnd, 0.05, TransportScheme::explicit_);
    o.longest_step = 0.002;
    limit.push_back(simulate(rock.back(), o));
    o.snapshots = {kLate};
    late.push_back(simulate(rock.back(), o));
  }
  fmt::print("{}x{}, {} rocks\n  {:<14} {:>10} {:>10} {:>10} {:>8} {:>8} {:>8}\n", n, n, rocks, "", "ms",
             "error %", "largest", "cut", "solves", "passes");
  nlohmann::json results = nlohmann::json::array();
  for (const Case& c : cases(n)) {
    std::vector<double> seconds, errors, cuts, solves, passes;
    for (int r = 0; r < rocks; ++r) {
      double least = 1e9;
      SimulationResult result;
      for (int round = 0; round < c.rounds; ++round) {
        const double start = processor_time();
        result = c.run(rock[r], kEnd);
        least = std::min(least, processor_time() - start);
      }
      seconds.push_back(least);
      errors.push_back(
          saturation_difference(rock[r], result.snapshots[0].saturation, limit[r].snapshots[0].saturation));
      solves.push_back(result.pressure_solves);
      passes.push_back(static_cast<double>(result.transport_passes));
      if (c.name != "IMPES")
        cuts.push_back(std::abs(c.run(rock[r], kLate).curve.back().cut - late[r].curve.back().cut));
    }
    const double largest = *std::max_element(errors.begin(), errors.end());
    results.push_back({{"name", c.name},
                       {"milliseconds", 1e3 * mean(seconds)},
                       {"relative_l2", mean(errors)},
                       {"largest_relative_l2", largest},
                       {"pressure_solves", mean(solves)},
                       {"transport_passes", mean(passes)}});
    if (!cuts.empty()) results.back()["cut_error"] = mean(cuts);
    fmt::print("  {:<14} {:>10.1f} {:>10.2f} {:>10.2f} {:>8.4f} {:>8.0f} {:>8.0f}\n", c.name,
               1e3 * mean(seconds), 100 * mean(errors), 100 * largest, cuts.empty() ? NAN : mean(cuts),
               mean(solves), mean(passes));
  }
  return {{"resolution", {n, n}}, {"rocks", rocks}, {"results", results}};
}

// L1 error of the mobile saturation along a line at 0.25 pore volumes, against Buckley and Leverett's solution.
double line_error(int n, TransportScheme scheme) {
  const Grid g{n, 1, 1.0, 1.0};
  Displacement d{make_problem("closed", Field(g, 1.0)), Field(g, 1.0), Fluids{}};
  d.problem.on(Side::left) = constant_boundary(g, Side::left, BoundaryCondition::Type::flux, -1.0);
  d.problem.on(Side::right) = constant_boundary(g, Side::right, BoundaryCondition::Type::pressure, 0.0);
  SimulationOptions o = options_until(0.25, 0.1, scheme);
  o.longest_step = 0.5 / n;
  const SimulationResult result = simulate(d, o);
  const BuckleyLeverett exact(d.fluids);
  double error = 0.0;
  for (int i = 0; i < n; ++i) {
    double mean = 0.0;
    for (int q = 0; q < 20; ++q) mean += exact.mobile_part((i + (q + 0.5) / 20) / n, 0.25) / 20;
    error += std::abs(result.snapshots[0].saturation.values[i] - mean) / n;
  }
  return error;
}

nlohmann::json measure_lines() {
  nlohmann::json lines = nlohmann::json::array();
  fmt::print("line, L1 error in saturation at 0.25 pore volumes\n");
  for (auto scheme : {TransportScheme::theta, TransportScheme::explicit_, TransportScheme::implicit}) {
    double before = 0.0;
    for (int n : {50, 100, 200, 400, 800}) {
      const double error = line_error(n, scheme);
      fmt::print("  {:<10} {:>5} {:.5f} {}\n", to_string(scheme), n, error,
                 before > 0 ? fmt::format("order {:.2f}", std::log2(before / error)) : "");
      lines.push_back({{"transport", to_string(scheme)}, {"cells", n}, {"l1", error}});
      before = error;
    }
  }
  return lines;
}

}  // namespace

int main(int argc, char** argv) {
  const int rocks = argc > 2 ? std::atoi(argv[2]) : 5;
  nlohmann::json json{{"processor", processor_name()},
                      {"until", kEnd},
                      {"cut_at", kLate},
                      {"grids", nlohmann::json::array()}};
  json["lines"] = measure_lines();
  for (int n : {32, 64, 128}) json["grids"].push_back(measure(n, n == 128 ? std::min(rocks, 2) : rocks));
  if (argc > 1) std::ofstream(argv[1]) << json.dump(1) << "\n";
  return 0;
}
