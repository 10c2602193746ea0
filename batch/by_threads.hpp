#pragma once
// What both makers of batch/sample_maker.hpp share.

#include <functional>

#include "batch/sample_maker.hpp"
#include "solver/correction.hpp"

namespace mano::batch {

/// body(i, worker) for i in [0, n), dealt to threads as they come free. What a body throws is thrown here, after all have ended.
void in_threads(int threads, int n, const std::function<void(int i, int worker)>& body);

/// One sample by the CPU's multigrid; `corrector` is made at its first use. Throws RunFailed naming the sample.
BatchedSample solve_on_cpu(const BatchRequest& request, std::uint64_t sample, const Field& permeability,
                           std::unique_ptr<Corrector>& corrector, double* pressure);

}  // namespace mano::batch
