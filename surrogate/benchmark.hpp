#pragma once
// The model's speed and memory on this machine against the form that its paper writes down and against a floor. No Torch here.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "surrogate/networks/model_work.hpp"

namespace mano {

/// What the machine does at best, by the libraries that the model uses.
struct MachineRates {
  std::string device;          ///< cpu or cuda
  std::string processor;       ///< of the CPU, or the GPU's name
  int threads = 0;             ///< of the CPU
  double gemm = 0.0;           ///< float32 matrix products, floating-point operations a second
  double gemm_bfloat16 = 0.0;  ///< the same in bfloat16
  double copy = 0.0;           ///< bytes a second, read and written
};

enum class Form {
  windowed,
  fused,
  fused_bfloat16,
  recorded,
  dense
};  ///< recorded: fused, a step replayed as a CUDA graph
const char* to_string(Form form);

struct BenchmarkRow {
  std::string preset;
  Form form = Form::fused;
  int size = 0;  ///< images of size x size
  int batch = 0;
  double inference_seconds = 0.0;  ///< of the batch; the best of the repetitions
  double step_seconds = 0.0;       ///< forward, loss, backward
  double inference_bytes = 0.0;    ///< tensors at once, at most; weights are not counted
  double step_bytes = 0.0;
  double inference_floor = 0.0;  ///< seconds of the matrix products alone, at the rate measured
  double step_floor = 0.0;
  double difference =
      0.0;  ///< of output and gradients from the fused form's in float32, relative to the largest; in
            ///< bfloat16 in the 2-norm, of the output and of all gradients together

  double tokens() const { return static_cast<double>(batch) * size * size; }
};

struct BenchmarkRequest {
  std::vector<std::string> presets{"small-published", "paper"};
  std::vector<int> sizes{16, 32, 64, 128, 256, 512};
  int tokens = 16384;  ///< a batch has as many, or is one image
  int repetitions = 3;
  std::string device = "cpu";  ///< cpu, cuda or auto
  std::vector<Form> forms{Form::windowed, Form::fused, Form::fused_bfloat16, Form::recorded, Form::dense};
};

struct Benchmark {
  MachineRates machine;
  /// Bytes a second of the attention alone, float32, 256x256, 4 heads of 32: q, k, v and the result; backward q, k, v, the
  /// gradients of all four; each once.
  double attention = 0.0;
  double attention_backward = 0.0;
  struct Attention {  ///< the same for other widths of a head, on a GPU for a million tokens
    int dim_head = 0;
    bool bfloat16 = false;
    double forward = 0.0, backward = 0.0;
  };
  std::vector<Attention> attentions;
  std::vector<BenchmarkRow> rows;
  std::vector<std::string> left_out;  ///< what was not measured, and why
};

/// `row` is called after each measurement with all so far, whose last row is the new one. Throws RunFailed where the forms' answers differ by more than rounding explains,
/// InvalidInput for a device that is not there.
Benchmark run_benchmark(const BenchmarkRequest& request, const std::function<void(const Benchmark&)>& row);

}  // namespace mano
