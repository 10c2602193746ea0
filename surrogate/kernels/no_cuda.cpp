// Stands in for cuda_attention.cu, cuda_correction.cu, cuda_norm.cu and graph_recorder.cpp of this folder where CUDA was not built.
#include "core/error.hpp"
#include "surrogate/kernels/correction_kernels.hpp"
#include "surrogate/kernels/cuda_norm.hpp"
#include "surrogate/kernels/graph_recorder.hpp"

namespace mano {

namespace {

[[noreturn]] void missing() {
  throw MissingPart(
      "this mano was built without CUDA: build it with 'scripts/build cuda', or pass --device cpu");
}

}  // namespace

void cuda_attention(const AttentionShape&, DeviceType, const void*, void*) {
  missing();
}
long long cuda_attention_scratch(const AttentionShape&) {
  missing();
}
void cuda_attention_backward(const AttentionShape&, DeviceType, const void*, const void*, void*, float*) {
  missing();
}

bool has_cuda_norm(std::int64_t) {
  return false;
}
std::int64_t cuda_norm_blocks(std::int64_t, std::int64_t) {
  missing();
}
void cuda_norm(std::int64_t, std::int64_t, DeviceType, const void*, const CudaNormWeights&, DeviceType,
               void*) {
  missing();
}
void cuda_norm_backward(std::int64_t, std::int64_t, DeviceType, const void*, const CudaNormWeights&,
                        DeviceType, const void*, void*, float*) {
  missing();
}

std::int64_t cuda_correction_scratch(const FivePoint&) {
  missing();
}
void cuda_residual_of(const FivePoint&, const double*, double*) {
  missing();
}
void cuda_ask_for_correction(const FivePoint&, const double*, const double*, double*, double*, float*,
                             double*) {
  missing();
}
template <typename S>
void cuda_add_step(const FivePoint&, const double*, const Step&, const S*, double*, double*) {
  missing();
}
template void cuda_add_step(const FivePoint&, const double*, const Step&, const float*, double*, double*);
template void cuda_add_step(const FivePoint&, const double*, const Step&, const double*, double*, double*);

struct GraphRecorder::Impl {};
GraphRecorder::GraphRecorder(torch::Device) {}
GraphRecorder::~GraphRecorder() = default;
torch::Tensor GraphRecorder::run(std::size_t, const std::vector<torch::Tensor>& inputs, const Work& work) {
  return work(inputs);
}
std::size_t GraphRecorder::recorded() const {
  return 0;
}

std::string gpu_name() {
  missing();
}
double gpu_free_memory() {
  missing();
}

}  // namespace mano
