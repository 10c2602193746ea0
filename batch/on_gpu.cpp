// The GPU behind batch/sample_maker.hpp: its memory, launches of batch/gpu_kernel.cu, and the CPU in reserve.
#include <algorithm>

#include "batch/by_threads.hpp"
#include "batch/gpu_kernel.hpp"
#include "batch/sample_maker.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"

namespace mano {

namespace {

using namespace batch;

constexpr int kMostSamples = 4096;  // at once

void check_device(cudaError_t status) {
  if (status != cudaSuccess) throw RunFailed(fmt::format("CUDA: {}", cudaGetErrorString(status)));
}

template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t count) {
    check_device(cudaMalloc(&data_, std::max<std::size_t>(1, count) * sizeof(T)));
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  T* data() const { return data_; }

 private:
  T* data_ = nullptr;
};

// A stream of its own: training goes on beside it.
struct Stream {
  Stream() { check_device(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking)); }
  ~Stream() { cudaStreamDestroy(stream); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t stream = nullptr;
};

class OnGpu : public SampleMaker {
 public:
  OnGpu(const BatchRequest& request, int threads, const BatchLaunch& launch)
      : request_(request),
        host_threads_(std::max(1, threads)),
        plan_(make_plan(request.grid, request.problem_name)) {
    check_field_spec(request.field, request.grid);
    int devices = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0)
      throw RunFailed("there is no CUDA device: pass --device cpu");
    choose_launch(launch);
    draws_ = launch.draws && request.field.kind == "two-phase";
    const auto cells = request.grid.cells();
    std::vector<double> table(static_cast<std::size_t>(plan_.nx) * plan_.nx);
    cosine_table(plan_.nx, table.data());
    copy(cosines_x_->data(), table.data(), table.size() * sizeof(double));
    table.resize(static_cast<std::size_t>(plan_.ny) * plan_.ny);
    cosine_table(plan_.ny, table.data());
    copy(cosines_y_->data(), table.data(), table.size() * sizeof(double));
    const std::size_t slow = static_cast<std::size_t>(blocks_) * plan_.slow_doubles;
    slow_ = std::make_unique<DeviceArray<double>>(slow);
    fast_ = std::make_unique<DeviceArray<unsigned char>>(shape_.in_shared ? 0 : fast_bytes() * blocks_);
    permeability_ = std::make_unique<DeviceArray<double>>(cells * kMostSamples);
    pressure_ = std::make_unique<DeviceArray<double>>(cells * kMostSamples);
    outcomes_ = std::make_unique<DeviceArray<Outcome>>(kMostSamples);
  }

  std::vector<BatchedSample> make(std::uint64_t first, int n, double* permeability,
                                  double* pressure) override {
    std::vector<BatchedSample> samples(n);
    const std::size_t cells = request_.grid.cells();
    for (int at = 0; at < n; at += kMostSamples) {
      const int some = std::min(kMostSamples, n - at);
      make_some(first + at, some, permeability + at * cells, pressure + at * cells, samples.data() + at);
    }
    return samples;
  }

  BatchTimes times() const override { return times_; }

 private:
  std::size_t fast_bytes() const { return (plan_.fast_bytes<float>() + 15) / 16 * 16; }

  // As many blocks as are resident at once: each takes samples until none is left.
  void choose_launch(const BatchLaunch& launch) {
    int device = 0, shared = 0, processors = 0;
    check_device(cudaGetDevice(&device));
    check_device(cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
    check_device(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device));
    constexpr std::size_t kOwnShared = 1024;  // of the kernel itself and the system
    const int cells = plan_.nx * plan_.ny;
    shape_.shared_bytes = fast_bytes();
    shape_.in_shared =
        launch.in_shared_memory && fast_bytes() + kOwnShared <= static_cast<std::size_t>(shared);
    shape_.threads = launch.threads > 0 ? launch.threads
                     : shape_.in_shared ? std::clamp((cells / 8 + 31) / 32 * 32, 32, 512)
                                        : 256;  // measured: more blocks at once
    shape_.few_registers = launch.few_registers || shape_.threads > 512;
    check(shape_.threads % 32 == 0 && shape_.threads <= kMostThreadsOfABlock,
          "threads of a block: {}; expected a multiple of 32 up to {}", shape_.threads, kMostThreadsOfABlock);
    int resident = 0;
    check_device(resident_blocks(shape_, resident));
    if (resident == 0) throw RunFailed("CUDA: no block of the batched solver fits this device");
    blocks_ = resident * processors;
    cosines_x_ = std::make_unique<DeviceArray<double>>(static_cast<std::size_t>(plan_.nx) * plan_.nx);
    cosines_y_ = std::make_unique<DeviceArray<double>>(static_cast<std::size_t>(plan_.ny) * plan_.ny);
  }

  void make_some(std::uint64_t first, int n, double* permeability, double* pressure, BatchedSample* samples) {
    const std::size_t cells = request_.grid.cells();
    const double start = seconds_now();
    if (!draws_) {
      in_threads(host_threads_, n, [&](int i, int) {
        const Field k = draw_field(request_.field, request_.seed, first + i, request_.grid);
        std::copy(k.values.begin(), k.values.end(), permeability + i * cells);
      });
    }
    const double drawn = seconds_now();
    if (!draws_) copy(permeability_->data(), permeability, n * cells * sizeof(double));
    const double given = seconds_now();
    launch(first, n);
    const double solved = seconds_now();
    if (draws_) copy(permeability, permeability_->data(), n * cells * sizeof(double));
    copy(pressure, pressure_->data(), n * cells * sizeof(double));
    std::vector<Outcome> outcomes(n);
    copy(outcomes.data(), outcomes_->data(), n * sizeof(Outcome));
    times_.drawing_on_host += drawn - start;
    times_.device += solved - given;
    times_.copying += given - drawn + seconds_now() - solved;
    for (int i = 0; i < n; ++i) {
      samples[i] = {outcomes[i].relative_residual, outcomes[i].iterations, false, "gpu-multigrid"};
      // So that what is no number is redone too.
      if (outcomes[i].relative_residual <= std::max(request_.tolerance, outcomes[i].attainable)) continue;
      Field k(request_.grid);
      std::copy_n(permeability + i * cells, cells, k.values.begin());
      samples[i] = solve_on_cpu(request_, first + i, k, corrector_, pressure + i * cells);
      samples[i].redone = true;
    }
  }

  void copy(void* to, const void* from, std::size_t bytes) {
    check_device(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_.stream));
    check_device(cudaStreamSynchronize(stream_.stream));
  }

  void launch(std::uint64_t first, int n) {
    const Arguments a{request_.tolerance,
                      first,
                      n,
                      draws_,
                      {request_.field.low, request_.field.high, 1 / request_.field.phase_length,
                       request_.grid.lx, request_.grid.ly, request_.seed},
                      cosines_x_->data(),
                      cosines_y_->data(),
                      permeability_->data(),
                      pressure_->data(),
                      outcomes_->data(),
                      slow_->data(),
                      fast_->data()};
    const int blocks = std::min(blocks_, n);
    check_device(batch::launch(shape_, blocks, stream_.stream, plan_, a));
    check_device(cudaStreamSynchronize(stream_.stream));
  }

  BatchRequest request_;
  int host_threads_;
  Stream stream_;
  Plan plan_;
  bool draws_ = false;
  Shape shape_;
  int blocks_ = 0;
  std::unique_ptr<DeviceArray<double>> cosines_x_, cosines_y_, slow_, permeability_, pressure_;
  std::unique_ptr<DeviceArray<unsigned char>> fast_;
  std::unique_ptr<DeviceArray<Outcome>> outcomes_;
  std::unique_ptr<Corrector> corrector_;
  BatchTimes times_;
};

}  // namespace

std::unique_ptr<SampleMaker> samples_on_gpu(const BatchRequest& request, int threads,
                                            const BatchLaunch& launch) {
  return std::make_unique<OnGpu>(request, threads, launch);
}

}  // namespace mano
