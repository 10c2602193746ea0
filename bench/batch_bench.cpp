// Samples a second of batch/: drawn, solved to a stated residual and checked, on a GPU and by all threads of this machine's CPU, in one run.
// Before a time is taken, the GPU's fields must equal draw_field()'s, its residuals those that solver/stencil.hpp computes from its
// pressures, and its pressures the CPU's.
//
//   batch_bench [FILE.json] [SECONDS A ROW]
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "batch/sample_maker.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/machine.hpp"
#include "solver/stencil.hpp"

using namespace mano;

namespace {

nlohmann::json rows = nlohmann::json::array();
std::string output;

void keep(const nlohmann::json& row) {
  rows.push_back(row);
  if (!output.empty()) std::ofstream(output) << rows.dump(1) << '\n';
}

struct Made {
  std::vector<double> k, p;
  std::vector<BatchedSample> samples;
};

Made made(SampleMaker& maker, const Grid& grid, std::uint64_t first, int n) {
  Made m;
  m.k.resize(grid.cells() * n);
  m.p.resize(grid.cells() * n);
  m.samples = maker.make(first, n, m.k.data(), m.p.data());
  return m;
}

double relative_difference(const std::vector<double>& a, const std::vector<double>& b, std::size_t cells) {
  double most = 0.0;
  for (std::size_t at = 0; at < a.size(); at += cells) {
    double difference = 0.0, size = 0.0;
    for (std::size_t c = at; c < at + cells; ++c) {
      difference += (a[c] - b[c]) * (a[c] - b[c]);
      size += b[c] * b[c];
    }
    most = std::max(most, std::sqrt(difference / size));
    if (!std::isfinite(difference)) return HUGE_VAL;
  }
  return most;
}

void check_answers(const BatchRequest& request, SampleMaker& gpu, SampleMaker& cpu) {
  constexpr int kSamples = 300;
  const Made a = made(gpu, request.grid, 7, kSamples), b = made(cpu, request.grid, 7, kSamples);
  const std::size_t cells = request.grid.cells();
  int fields = 0;
  double worst = 0.0, apart = 0.0;
  int redone = 0, iterations = 0;
  for (int i = 0; i < kSamples; ++i) {
    Field k(request.grid), p(request.grid);
    std::copy_n(a.k.begin() + i * cells, cells, k.values.begin());
    std::copy_n(a.p.begin() + i * cells, cells, p.values.begin());
    fields += std::equal(k.values.begin(), k.values.end(), b.k.begin() + i * cells) ? 0 : 1;
    const double residual = relative_residual(Stencil(make_problem(request.problem_name, k)), p);
    worst = std::max(worst, residual);
    apart = std::max(apart, std::abs(residual - a.samples[i].relative_residual));
    redone += a.samples[i].redone ? 1 : 0;
    iterations = std::max(iterations, a.samples[i].iterations);
  }
  const double difference = relative_difference(a.p, b.p, cells);
  fmt::print(
      "{} {} {}: {} of {} fields differ, pressures by {:.1e}; worst residual {:.1e} (reported within "
      "{:.0e}), {} "
      "iterations at most, {} redone on the CPU\n",
      request.field.kind, request.problem_name, request.grid.resolution(), fields, kSamples, difference,
      worst, apart, iterations, redone);
  keep({{"check", request.field.kind},
        {"problem", request.problem_name},
        {"resolution", request.grid.resolution()},
        {"samples", kSamples},
        {"fields_that_differ", fields},
        {"pressure_difference", difference},
        {"worst_residual", worst},
        {"most_iterations", iterations},
        {"redone", redone}});
}

void measure(const std::string& what, const BatchRequest& request, SampleMaker& maker, int n,
             double seconds) {
  made(maker, request.grid, 0, std::min(n, 512));
  const BatchTimes before = maker.times();
  Made m;
  m.k.resize(request.grid.cells() * n);
  m.p.resize(request.grid.cells() * n);
  const double start = seconds_now();
  std::uint64_t samples = 0;
  double iterations = 0.0;
  while (seconds_now() - start < seconds) {
    for (const BatchedSample& s : maker.make(samples, n, m.k.data(), m.p.data())) iterations += s.iterations;
    samples += n;
  }
  const double whole = (seconds_now() - start) / samples;
  const BatchTimes after = maker.times();
  const double device = (after.device - before.device) / samples;
  fmt::print("  {:<34} {:10.0f} samples a second", what, 1 / whole);
  if (device > 0) fmt::print("; on the device alone {:10.0f}", 1 / device);
  fmt::print(", {:.1f} iterations\n", iterations / samples);
  std::fflush(stdout);
  keep({{"what", what},
        {"field", request.field.kind},
        {"resolution", request.grid.resolution()},
        {"samples_a_second", 1 / whole},
        {"samples_a_second_on_device", device > 0 ? 1 / device : 0.0},
        {"iterations", iterations / samples}});
}

}  // namespace

int main(int argc, char** argv) try {
  output = argc > 1 ? argv[1] : "";
  const double seconds = argc > 2 ? std::stod(argv[2]) : 1.0;
  const int threads = static_cast<int>(std::thread::hardware_concurrency());
  fmt::print("{}, {} threads; relative residual 1e-10\n", processor_name(), threads);
  const auto request_of = [](const char* kind, int n, const char* problem_name) {
    BatchRequest r;
    r.field.kind = kind;
    r.field.deviation = 2.0;
    r.field.contrast = 1e6;
    r.grid = {n, n, 1.0, 1.0};
    r.problem_name = problem_name;
    return r;
  };
  for (const char* kind : {"two-phase", "lognormal", "channels"}) {
    for (const char* problem_name : {"benchmark", "drive", "five-spot"}) {
      const BatchRequest r = request_of(kind, kind[0] == 't' ? 64 : 33, problem_name);
      check_answers(r, *samples_on_gpu(r, threads), *samples_by_threads(r, threads));
    }
  }
  for (const int n : {16, 32, 64, 128}) {
    const BatchRequest r = request_of("two-phase", n, "benchmark");
    fmt::print("two-phase {0}x{0}\n", n);
    measure("CPU, all threads", r, *samples_by_threads(r, threads), 2048, seconds);
    measure("GPU", r, *samples_on_gpu(r, threads), 4096, seconds);
    const auto also = [&](const char* what, const BatchLaunch& launch, double tolerance) {
      BatchRequest other = r;
      other.tolerance = tolerance;
      measure(fmt::format("GPU, {}", what), other, *samples_on_gpu(other, threads, launch), 4096,
              seconds / 2);
    };
    also("half the threads", {std::max(32, n * n / 16), true}, r.tolerance);
    also("twice the threads", {std::min(1024, n * n / 4), true}, r.tolerance);
    also("64 registers", {0, true, true}, r.tolerance);
    also("from device memory", {0, false}, r.tolerance);
    also("from device memory, 256, 64 regs", {256, false, true}, r.tolerance);
    also("drawn on the host", {0, true, false, false}, r.tolerance);
    also("drawing and set-up alone", {}, 0.9999);
  }
} catch (const Error& e) {
  fmt::print(stderr, "batch_bench: error: {}\n", e.what());
  return e.exit_status();
}
