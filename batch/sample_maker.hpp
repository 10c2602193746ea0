#pragma once
// Many samples at once, each drawn, solved and checked: permeabilities of a random field and the pressures of one problem, on a GPU or
// by threads of a CPU. No PETSc.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/field.hpp"
#include "datagen/random_field.hpp"

namespace mano {

struct BatchRequest {
  FieldSpec field;
  std::uint64_t seed = 0;
  Grid grid;
  std::string problem_name = "benchmark";  ///< benchmark, drive or five-spot
  double tolerance = 1e-10;                ///< bound on |rhs - A p| / |rhs|, down to what rounding allows
};

/// Of one sample, as recomputed from its pressure.
struct BatchedSample {
  double relative_residual = 0.0;
  int iterations = 0;
  bool redone = false;               ///< the GPU's solution missed the tolerance, a CPU's stands in its place
  const char* method = "multigrid";  ///< "gpu-multigrid" where it is the GPU's
};

/// Where the seconds of a maker on a GPU went; zero by threads.
struct BatchTimes {
  double drawing_on_host = 0.0;
  double device = 0.0;  ///< drawing, solving and checking there
  double copying = 0.0;
};

class SampleMaker {
 public:
  virtual ~SampleMaker() = default;

  /// Samples first, ..., first + n - 1 to `permeability` and `pressure`, [n, ny, nx] each. The same field for the same seed and number
  /// as draw_field(). Throws RunFailed for a sample that no method solves to the tolerance, naming it.
  virtual std::vector<BatchedSample> make(std::uint64_t first, int n, double* permeability,
                                          double* pressure) = 0;
  virtual BatchTimes times() const { return {}; }
};

/// By `threads` threads, each with the multigrid of solver/correction.hpp. Throws InvalidInput as draw_field() and make_problem() do.
std::unique_ptr<SampleMaker> samples_by_threads(const BatchRequest& request, int threads);

/// On the current CUDA device, a sample a block of threads; two-phase fields are drawn there as well, others by `threads` threads of the
/// CPU. Throws InvalidInput for what batch/plan.hpp refuses, MissingPart where CUDA was not built, RunFailed where there is no device.
std::unique_ptr<SampleMaker> samples_on_gpu(const BatchRequest& request, int threads);

/// How a launch on the device is shaped; zeros choose by the grid. For measurements.
struct BatchLaunch {
  int threads = 0;  ///< of a block
  bool in_shared_memory = true;
  bool few_registers =
      false;          ///< 64 a thread, for more threads at once; always where a block has more than 512
  bool draws = true;  ///< two-phase fields on the device, else on the host
};
std::unique_ptr<SampleMaker> samples_on_gpu(const BatchRequest& request, int threads,
                                            const BatchLaunch& launch);

}  // namespace mano
