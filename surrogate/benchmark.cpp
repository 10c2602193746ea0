#include "surrogate/benchmark.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "core/machine.hpp"
#include "surrogate/kernels/attention.hpp"
#include "surrogate/kernels/cuda_attention.hpp"
#include "surrogate/kernels/device.hpp"
#include "surrogate/kernels/gemm.hpp"
#include "surrogate/kernels/graph_recorder.hpp"
#include "surrogate/kernels/parallel.hpp"
#include "surrogate/kernels/tensor_memory.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/tensor_fields.hpp"
#include "surrogate/networks/multipole_model.hpp"
#include "surrogate/networks/windowed_model.hpp"

namespace mano {

namespace {

using torch::Tensor;

// A GPU works on after a call has returned.
void wait_for(torch::Device device) {
  if (device.is_cuda()) torch::cuda::synchronize();
}

// The best of some: what else a machine does only ever adds. Long ones are not repeated. `calls` at once: waiting for a GPU takes as
// long as a small kernel.
double best_seconds(torch::Device device, int repetitions, const std::function<void()>& work, int calls = 1) {
  double best = std::numeric_limits<double>::infinity();
  double total = 0.0;
  for (int i = 0; i < repetitions && total < 5.0; ++i) {
    wait_for(device);
    const double start = seconds_now();
    for (int c = 0; c < calls; ++c) work();
    wait_for(device);
    best = std::min(best, (seconds_now() - start) / calls);
    total += seconds_now() - start;
  }
  return best;
}

// The better one of Torch's products and, in float32 on a CPU, those of a MANO block.
double gemm_rate(torch::Device device, torch::Dtype type) {
  const int64_t n = device.is_cuda() ? 8192 : 2048;
  const auto a = torch::randn({n, n}).to(device, type);
  const auto b = torch::randn({n, n}).to(device, type);
  auto c = torch::empty_like(a);
  const double of_torch = 2.0 * n * n * n / best_seconds(device, 12, [&] { at::mm_out(c, a, b); });
  if (device.is_cuda() || type != torch::kFloat32) return of_torch;
  const int64_t pieces = 64, tokens = kPieceTokens, width = 256;
  const auto x = torch::randn({pieces, tokens, width}), w = torch::randn({pieces, width, width});
  const double ours = 2.0 * pieces * tokens * width * width /
                      best_seconds(device, 12, [&] { batched_product(x, w, Layout::plain); });
  return std::max(of_torch, ours);
}

double copy_rate(torch::Device device) {
  const int64_t count = int64_t{1} << (device.is_cuda() ? 28 : 25);  // beyond caches
  const auto from = torch::ones({count}, device);
  auto to = torch::zeros({count}, device);
  return 8.0 * count / best_seconds(device, 9, [&] { to.copy_(from); });
}

// What was freed goes back to the system, so that it counts as available.
void return_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

torch::Device device_of(const MultipoleModel& model) {
  return model.weights().output.device();
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
    case Form::recorded:
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

double norm_of_difference(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  double difference = 0.0, size = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]).square().sum().item<double>();
    size += b[i].square().sum().item<double>();
  }
  return std::sqrt(difference / size);
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
  if (form == Form::fused_bfloat16) {  // a gradient near zero is all rounding there
    const auto gradients = [](const std::vector<Tensor>& all) {
      return std::vector<Tensor>(all.begin() + 1, all.end());
    };
    return std::max(norm_of_difference({theirs[0]}, {ours[0]}),
                    norm_of_difference(gradients(theirs), gradients(ours)));
  }
  double most = 0.0;
  for (std::size_t i = 0; i < ours.size(); ++i) most = std::max(most, difference(theirs[i], ours[i]));
  return most;
}

// Compared on a small input, before a time is taken.
double checked_difference(Form form, const std::string& preset, const MultipoleModel& model) {
  if (form == Form::fused || form == Form::recorded || form == Form::dense) return 0.0;
  const double found = difference_from_fused(form, model, torch::randn({2, 3, 16, 16}, device_of(model)));
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
  const torch::Device device = device_of(model);
  const auto input = torch::randn({row.batch, 3, size, size}, device);
  const auto infer = [&] {
    const torch::NoGradGuard no_grad;
    forward(form, model, input);
  };
  GraphRecorder graphs(form == Form::recorded ? device : torch::kCPU);
  const Work whole_step = [&](const std::vector<Tensor>& x) {
    step(form, model, x[0]);
    return x[0];
  };
  const auto train = [&] { graphs.run(0, {input}, whole_step); };
  if (form == Form::recorded)
    while (graphs.recorded() == 0) train();
  {  // the first call of each warms up, and its memory is counted
    const TensorMemory memory(device.is_cuda());
    infer();
    row.inference_bytes = static_cast<double>(memory.peak());
  }
  {
    const TensorMemory memory(device.is_cuda());
    train();
    row.step_bytes = static_cast<double>(memory.peak());
  }
  row.inference_seconds = best_seconds(device, request.repetitions, infer);
  row.step_seconds = best_seconds(device, request.repetitions, train);
  if (form != Form::dense) {
    const bool half = form == Form::fused_bfloat16;
    const double macs = model_work(model.architecture(), size, size, half ? 2 : 4).forward_macs * row.batch;
    row.inference_floor = 2 * macs / (half ? machine.gemm_bfloat16 : machine.gemm);
    row.step_floor = 3 * row.inference_floor;
  }
  return row;
}

Benchmark::Attention attention_rate(torch::Device device, int64_t n, int64_t d, bool bfloat16) {
  const int64_t heads = 4;
  const auto type = bfloat16 ? torch::kBFloat16 : torch::kFloat32;
  const auto qkv =
      torch::randn({1, n, n, 3, heads, d}, torch::TensorOptions(device).dtype(type)).requires_grad_(true);
  const double result_bytes = static_cast<double>(qkv.element_size()) * n * n * heads * d;
  const int calls = device.is_cuda() ? 10 : 1;
  Benchmark::Attention rate{static_cast<int>(d), bfloat16};
  rate.forward = 4 * result_bytes /
                 best_seconds(
                     device, 9,
                     [&] {
                       const torch::NoGradGuard no_grad;
                       overlapping_attention(qkv, 2, 1);
                     },
                     calls);
  const auto out = overlapping_attention(qkv, 2, 1);
  const auto gradient = torch::randn_like(out);
  rate.backward =
      7 * result_bytes /
      best_seconds(
          device, 9, [&] { torch::autograd::grad({out}, {qkv}, {gradient}, /*retain_graph=*/true); }, calls);
  return rate;
}

void measure_attention(torch::Device device, Benchmark& result) {
  const auto plain = attention_rate(device, 256, 32, false);
  result.attention = plain.forward;
  result.attention_backward = plain.backward;
  if (!device.is_cuda()) return;
  for (const bool bfloat16 : {false, true})
    for (const int64_t d : {8, 16, 32})
      result.attentions.push_back(attention_rate(device, 1024, d, bfloat16));
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
    case Form::recorded:
      return "fused, graph";
    case Form::fused:
      break;
  }
  return "fused";
}

Benchmark run_benchmark(const BenchmarkRequest& request, const std::function<void(const Benchmark&)>& row) {
  constexpr int kMostDenseTokens = 4096;  // of an image: cost grows with their square
  torch::manual_seed(0);
  Benchmark result;
  const torch::Device device = device_from(request.device);
  result.machine = {device.is_cuda() ? "cuda" : "cpu",
                    device.is_cuda() ? gpu_name() : processor_name(),
                    torch::get_num_threads(),
                    gemm_rate(device, torch::kFloat32),
                    gemm_rate(device, torch::kBFloat16),
                    copy_rate(device)};
  measure_attention(device, result);
  for (const std::string& preset : request.presets) {
    const Architecture shape = architecture_preset(preset);
    check(shape.patch == 1 && shape.convolutions == 0,
          "preset is '{}'; the benchmark is of MANO as published: small-published, large-published or paper",
          preset);
    MultipoleModel model(shape, 0);
    model.to(device, torch::kFloat32);
    for (Form form : request.forms) {
      if (form == Form::recorded && !device.is_cuda()) continue;
      const double found = checked_difference(form, preset, model);
      double bytes_per_token = 0.0;  // of the sizes before
      for (int size : request.sizes) {
        const double tokens = std::max<double>(request.tokens, static_cast<double>(size) * size);
        const std::string what = fmt::format("{} {}, {}x{}", preset, to_string(form), size, size);
        return_memory();
        const double available =
            device.is_cuda() ? gpu_free_memory() : static_cast<double>(available_memory());
        if (bytes_per_token * tokens > 0.8 * available) {
          result.left_out.push_back(fmt::format("{}: needs about {:.0f} GB, {:.0f} GB are free", what,
                                                bytes_per_token * tokens / 1e9, available / 1e9));
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
        if (row) row(result);
      }
    }
  }
  return result;
}

}  // namespace mano
