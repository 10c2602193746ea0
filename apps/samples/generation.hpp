#pragma once
// What a dataset is asked to hold, and its making by threads of this process, for any random field and set-up. Without MPI.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "apps/options/flow_options.hpp"
#include "apps/options/unit_options.hpp"
#include "datagen/generator.hpp"

namespace mano {

/// Of `mano generate`.
struct GenerateOptions {
  FieldOptions field;
  FlowOptions flow;
  UnitOptions units;
  std::string resolution, also, output, json, precision = "float64", device = "cpu";
  std::size_t samples = 0;
  std::uint64_t first = 0;
  int ranks_per_sample = 1;
  double tolerance = 1e-10;
  bool overwrite = false;
};

/// Throws InvalidInput for what no dataset can be. `petsc` are PETSc's options, which the configuration records.
GenerateRequest make_generate_request(const GenerateOptions& options, const FieldSource& source,
                                      const FlowSource& flow, const std::vector<std::string>& petsc);

/// Solves and verifies a sample; may make further cells inactive.
using SampleSolution = std::function<VerifiedSolution(Sample& sample)>;

/// Makes the shards that are missing by `threads` threads, and then the files; `complete` where they were there already. `for_thread` is called
/// once a thread and resolution. Throws as prepare_generation() and generate_shards() do, and what `progress` throws: what is finished stays, and
/// the same request goes on from there.
Prepared generate_by_threads(const GenerateRequest& request, const FieldSource& source, int threads,
                             const std::function<SampleSolution()>& for_thread,
                             const std::function<void(std::size_t finished)>& progress);

/// The same of steady flow, every sample solved and verified as by apps/samples/sample_solver.hpp.
Prepared generate_by_threads(const GenerateRequest& request, const FieldSource& source,
                             const FlowSource& flow, int threads,
                             const std::function<void(std::size_t finished)>& progress);

}  // namespace mano
