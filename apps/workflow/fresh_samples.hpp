#pragma once
// mano train --generate: the options, and the samples they describe, made while training goes on.

#include <CLI/CLI.hpp>
#include <string>

#include "apps/options/field_options.hpp"
#include "surrogate/training/train_request.hpp"

namespace mano {

struct FreshOptions {
  FieldOptions field;  ///< its kind is that of --generate, its seed --field-seed
  std::string resolution, problem_name = "benchmark";
  int samples = 1000;  ///< of an epoch
  int threads = 1;     ///< that draw and solve
};

void add_fresh_options(CLI::App& app, FreshOptions& options);

/// Whether --generate was given.
bool wants_fresh(const FreshOptions& options);

/// On a GPU by batch/sample_maker.hpp where `device` is one and the grid small enough, else by threads. `epochs` is how many will be
/// drawn. Throws InvalidInput for options that are missing or do not go together.
FreshSamples fresh_samples(const FreshOptions& options, const TrainRequest& request);

}  // namespace mano
