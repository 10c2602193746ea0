// On a machine with a GPU: its samples against those of the CPU. Without CUDA: that one is told so.
#include <gtest/gtest.h>

#include <cmath>

#include "batch/sample_maker.hpp"
#include "core/error.hpp"
#include "solver/stencil.hpp"

namespace mano {
namespace {

std::unique_ptr<SampleMaker> maker(const BatchRequest& request) {
  try {
    return samples_on_gpu(request, 2);
  } catch (const RunFailed&) {
    return nullptr;  // built with CUDA, but no device
  } catch (const MissingPart&) {
    return nullptr;
  }
}

TEST(GpuBatch, MakesTheCpusSamples) {
  for (const char* kind : {"two-phase", "lognormal", "channels"}) {
    for (const Grid& grid : {Grid{16, 16}, Grid{33, 20}, Grid{64, 64}, Grid{128, 100}}) {
      for (const char* problem_name : {"benchmark", "drive", "five-spot"}) {
        BatchRequest request{{}, 5, grid, problem_name, 1e-10};
        request.field.kind = kind;
        const auto gpu = maker(request);
        if (gpu == nullptr) GTEST_SKIP() << "no CUDA device, or built without CUDA";
        constexpr int kSamples = 40;
        std::vector<double> k(grid.cells() * kSamples), p(k.size()), k_cpu(k.size()), p_cpu(k.size());
        const auto made = gpu->make(100, kSamples, k.data(), p.data());
        samples_by_threads(request, 2)->make(100, kSamples, k_cpu.data(), p_cpu.data());
        EXPECT_EQ(k, k_cpu) << kind << " " << grid.resolution();
        for (int i = 0; i < kSamples; ++i) {
          Field field(grid), pressure(grid);
          std::copy_n(k.begin() + i * grid.cells(), grid.cells(), field.values.begin());
          std::copy_n(p.begin() + i * grid.cells(), grid.cells(), pressure.values.begin());
          const double residual = relative_residual(Stencil(make_problem(problem_name, field)), pressure);
          EXPECT_LE(residual, 1e-10) << kind << " " << problem_name << " " << grid.resolution();
          EXPECT_NEAR(residual, made[i].relative_residual, 1e-13);
          EXPECT_FALSE(made[i].redone);
        }
        double difference = 0, size = 0;
        for (std::size_t c = 0; c < p.size(); ++c) {
          difference += std::pow(p[c] - p_cpu[c], 2);
          size += std::pow(p_cpu[c], 2);
        }
        EXPECT_LT(std::sqrt(difference / size), 1e-8)
            << kind << " " << problem_name << " " << grid.resolution();
      }
    }
  }
}

TEST(GpuBatch, WhereThereIsNoGpuOneIsToldSo) {
  const BatchRequest request{{}, 0, {16, 16}};
  if (maker(request) != nullptr) GTEST_SKIP() << "there is one";
  EXPECT_THROW(samples_on_gpu(request, 1), Error);
}

}  // namespace
}  // namespace mano
