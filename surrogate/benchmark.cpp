#include "surrogate/benchmark.hpp"

#include <fmt/core.h>
#include <torch/torch.h>

#include <algorithm>
#include <fstream>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "surrogate/multipole_model.hpp"
#include "surrogate/tensor_memory.hpp"
#include "surrogate/windowed_model.hpp"

namespace mano {

namespace {

using torch::Tensor;

template <typename Work>
double median_seconds(int repetitions, const Work& work) {
  std::vector<double> seconds;
  double total = 0.0;
  for (int i = 0; i < repetitions && total < 5.0; ++i) {  // long ones need no repetition
    const double start = seconds_now();
    work();
    seconds.push_back(seconds_now() - start);
    total += seconds.back();
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

// The best of many: a floor must not depend on what else the machine was doing.
double best_seconds(int repetitions, const std::function<void()>& work) {
  double best = 1e300;
  for (int i = 0; i < repetitions; ++i) best = std::min(best, median_seconds(1, work));
  return best;
}

double gemm_rate(torch::Dtype type) {
  const int64_t n = 2048;
  const auto a = torch::randn({n, n}).to(type);
  const auto b = torch::randn({n, n}).to(type);
  auto c = torch::empty({n, n}, type);
  return 2.0 * n * n * n / best_seconds(12, [&] { at::mm_out(c, a, b); });
}

double copy_rate() {
  const int64_t count = int64_t{1} << 25;  // 128 MB, beyond caches
  const auto from = torch::ones({count});
  auto to = torch::zeros({count});
  return 8.0 * count / best_seconds(9, [&] { to.copy_(from); });
}

// What was freed goes back to the system, so that it counts as available.
void return_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

std::string processor_name() {
  std::ifstream lines("/proc/cpuinfo");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

Tensor forward(Form form, const MultipoleModel& model, const Tensor& input) {
  switch (form) {
    case Form::windowed:
      return windowed_forward(model, input);
    case Form::dense:
      return dense_forward(model, input);
    case Form::fused_bfloat16:
      return model.forward(input, Precision::bfloat16);
    case Form::fused:
      break;
  }
  return model.forward(input);
}

void step(Form form, const MultipoleModel& model, const Tensor& input) {
  for (const Tensor& parameter : model.parameters()) parameter.mutable_grad() = Tensor();
  forward(form, model, input).square().mean().backward();
}

double difference(const Tensor& a, const Tensor& b) {
  return ((a - b).abs().max() / b.abs().max().clamp_min(1e-30)).item<double>();
}

// Of output and all gradients, from the fused form's.
double difference_from_fused(Form form, const MultipoleModel& model, const Tensor& input) {
  const auto results = [&](Form f) {
    step(f, model, input);
    std::vector<Tensor> list{forward(f, model, input).detach()};
    for (const Tensor& parameter : model.parameters()) list.push_back(parameter.grad().clone());
    return list;
  };
  const auto ours = results(Form::fused);
  const auto theirs = results(form);
  double most = 0.0;
  for (std::size_t i = 0; i < ours.size(); ++i) most = std::max(most, difference(theirs[i], ours[i]));
  return most;
}

// Compared on a small input, before a time is taken.
double checked_difference(Form form, const std::string& preset, const MultipoleModel& model) {
  if (form == Form::fused || form == Form::dense) return 0.0;
  const double found = difference_from_fused(form, model, torch::randn({2, 3, 16, 16}));
  const double allowed = form == Form::windowed ? 1e-3 : 0.1;
  if (!(found <= allowed)) {
    throw RunFailed(
        fmt::format("{}: the {} form differs from the fused one by {:.1e}, rounding explains {:.0e}", preset,
                    to_string(form), found, allowed));
  }
  return found;
}

BenchmarkRow measure(const BenchmarkRequest& request, const MachineRates& machine,
                     const MultipoleModel& model, Form form, int size) {
  BenchmarkRow row;
  row.form = form;
  row.size = size;
  row.batch = std::max(1, request.tokens / (size * size));
  const auto input = torch::randn({row.batch, 3, size, size});
  const auto infer = [&] {
    const torch::NoGradGuard no_grad;
    forward(form, model, input);
  };
  const auto train = [&] { step(form, model, input); };
  {  // the first call of each warms up, and its memory is counted
    const TensorMemory memory;
    infer();
    row.inference_bytes = static_cast<double>(memory.peak());
  }
  {
    const TensorMemory memory;
    train();
    row.step_bytes = static_cast<double>(memory.peak());
  }
  row.inference_seconds = median_seconds(request.repetitions, infer);
  row.step_seconds = median_seconds(request.repetitions, train);
  if (form != Form::dense) {
    const bool half = form == Form::fused_bfloat16;
    const double macs = model_work(model.architecture(), size, size, half ? 2 : 4).forward_macs * row.batch;
    row.inference_floor = 2 * macs / (half ? machine.gemm_bfloat16 : machine.gemm);
    row.step_floor = 3 * row.inference_floor;
  }
  return row;
}

}  // namespace

const char* to_string(Form form) {
  switch (form) {
    case Form::windowed:
      return "windowed";
    case Form::fused_bfloat16:
      return "fused, bf16";
    case Form::dense:
      return "dense";
    case Form::fused:
      break;
  }
  return "fused";
}

Benchmark run_benchmark(const BenchmarkRequest& request,
                        const std::function<void(const BenchmarkRow&)>& row) {
  constexpr int kMostDenseTokens = 4096;  // of an image: cost grows with their square
  torch::manual_seed(0);
  Benchmark result;
  result.machine = {processor_name(), torch::get_num_threads(), gemm_rate(torch::kFloat32),
                    gemm_rate(torch::kBFloat16), copy_rate()};
  for (const std::string& preset : request.presets) {
    const MultipoleModel model(architecture_preset(preset), 0);
    for (Form form : request.forms) {
      const double found = checked_difference(form, preset, model);
      double bytes_per_token = 0.0;  // of the sizes before
      for (int size : request.sizes) {
        const double tokens = std::max<double>(request.tokens, static_cast<double>(size) * size);
        const std::string what = fmt::format("{} {}, {}x{}", preset, to_string(form), size, size);
        return_memory();
        if (bytes_per_token * tokens > 0.8 * available_memory()) {
          result.left_out.push_back(fmt::format("{}: needs about {:.0f} GB, {:.0f} GB are free", what,
                                                bytes_per_token * tokens / 1e9, available_memory() / 1e9));
          continue;
        }
        if (form == Form::dense && size * size > kMostDenseTokens) {
          result.left_out.push_back(fmt::format("{}: would take minutes", what));
          continue;
        }
        BenchmarkRow measured = measure(request, result.machine, model, form, size);
        measured.preset = preset;
        measured.difference = found;
        bytes_per_token = measured.step_bytes / measured.tokens();
        result.rows.push_back(measured);
        if (row) row(measured);
      }
    }
  }
  return result;
}

}  // namespace mano
