#pragma once
// Bands from errors on fields that were not trained on (split conformal prediction, V. Vovk et al., Algorithmic Learning in a Random
// World (2005)). The points of all fields are pooled; those of one field are alike, so that it is the number of fields that counts.
// No Torch; without it calibrate() throws MissingPart.

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "datagen/dataset.hpp"
#include "surrogate/checkpoint/model_card.hpp"
#include "surrogate/surrogate.hpp"

namespace mano {

/// The value that a new one exceeds with probability 1 - coverage at most, where all are exchangeable: of n values the
/// ceil((n + 1) coverage)-th smallest, or the largest where there are too few.
double conformal_quantile(std::vector<double> values, double coverage);

/// Fewer fields than this calibrate nothing: the quantile would be the largest error, whatever the coverage.
inline constexpr std::size_t kFewestFields = 10;

/// Collects errors at one resolution.
class ErrorCollector {
 public:
  void add(const Field& prediction, const Field& solution);
  std::size_t fields() const { return fields_.size(); }
  double mean_l2() const;
  /// Empty with fewer than kFewestFields.
  std::optional<Calibration> calibration(const Resolution& resolution) const;

 private:
  std::vector<double> fields_;  // relative L2
  std::vector<double> points_;  // |error| over the prediction's rms
};

/// Of the ladder's predictions on `data`, which must be new to the model. `progress(done)` is called after every batch. Throws InvalidInput
/// for fewer than kFewestFields samples.
Calibration calibrate(const Surrogate& surrogate, const DatasetReader& data, int batch,
                      const std::function<void(std::size_t)>& progress = {});

/// Puts `calibrations` into the checkpoint, in place of those at the same resolutions. By rename.
void store_calibrations(const std::filesystem::path& checkpoint,
                        const std::vector<Calibration>& calibrations);

}  // namespace mano
