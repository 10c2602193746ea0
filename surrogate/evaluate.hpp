#pragma once
// Errors of a surrogate on a dataset.

#include <functional>
#include <optional>
#include <string>

#include "core/norms.hpp"
#include "datagen/dataset.hpp"
#include "surrogate/surrogate.hpp"

namespace mano {

struct Evaluation {
  std::string data;
  Resolution resolution;
  std::size_t samples = 0;
  bool seen_in_training = false;
  ErrorSummary relative_l2;
  ErrorSummary relative_h1;
  double relative_mse = 0.0;  ///< mean of squared relative L2
  Method method = Method::multigrid;
  /// Relative L2 of interpolating the prediction at the training resolution (of the exact solution there, with exact_start); of the
  /// prediction itself where the resolution is seen.
  ErrorSummary interpolated_l2;
  /// Part of the points that the model's interval holds, mean over the samples; empty where the model has none.
  std::optional<double> covered;
  /// Samples that ModelCard::unlike_training() finds; empty where the model does not know.
  std::optional<std::size_t> unlike_training;
  double seconds_per_sample = 0.0;  ///< of prediction, in batches, after a warm-up
  std::string device;
};

/// `progress(done)` is called after every batch.
Evaluation evaluate(const Surrogate& surrogate, const DatasetReader& data, int batch, Method method,
                    const std::function<void(std::size_t)>& progress = {});

/// Of the predictions by multigrid on `data`, which must be new to the model. `progress(done)` is called after every batch. Throws InvalidInput
/// for fewer than kFewestFields samples.
Calibration calibrate(const Surrogate& surrogate, const DatasetReader& data, int batch,
                      const std::function<void(std::size_t)>& progress = {});

}  // namespace mano
