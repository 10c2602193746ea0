#pragma once
// A trained network as a map from rock to a displacement in time: saturation and pressure at every stored time at once
// (`mano train` on a dataset of displacements). Equations: surrogate/multigrid/history_model.hpp. No Torch here; without Torch every
// function throws MissingPart.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datagen/dataset.hpp"
#include "surrogate/multigrid/history_guess.hpp"
#include "surrogate/surrogate.hpp"

namespace mano {

class HistorySurrogate {
 public:
  /// `model` is a checkpoint or a RUN folder; `device` is auto, cpu or cuda. Throws InvalidInput where it cannot be read, predicts no
  /// displacement, or the device cannot be used.
  HistorySurrogate(const std::filesystem::path& model, const std::string& device);
  ~HistorySurrogate();
  HistorySurrogate(HistorySurrogate&&) noexcept;

  const ModelCard& card() const;
  std::string device() const;  ///< "cpu" or "cuda"

  /// Of rocks on one grid (permeability, 0 in inactive cells), each with the first guess at every time of the card. Of each History
  /// saturation and pressure are there, 0 in inactive cells. On a grid that training did not see: Method::multigrid and interpolation add
  /// the network's correction from the training resolution; direct and interleaved take the network as it is. Throws InvalidInput for permeabilities
  /// that are not finite and above zero in active cells, another number of first guesses, or another method.
  std::vector<History> predict(const std::vector<Field>& rocks,
                               const std::vector<HistoryGuess>& first_guesses,
                               Method method = Method::multigrid) const;

  /// Half-width of the interval about a saturation that is to hold kCoverage of the true values (surrogate/trust/calibration.hpp), times
  /// the root mean square of the predicted saturations; empty where the model does not know. Calibrated at the training resolution.
  std::optional<double> interval_half_width(const History& prediction, const CellMask& active) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Whether a checkpoint or RUN folder holds a model of displacements. Throws InvalidInput where it cannot be read.
bool predicts_history(const std::filesystem::path& model);

}  // namespace mano
