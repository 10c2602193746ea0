#include "surrogate/trust/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "core/norms.hpp"
#include "surrogate/checkpoint/safetensors.hpp"

namespace mano {

double conformal_quantile(std::vector<double> values, double coverage) {
  const double n = static_cast<double>(values.size());
  const auto rank = static_cast<std::size_t>(std::ceil((n + 1) * coverage - 1e-9));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::min(rank, values.size())) - 1;
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

void ErrorCollector::add(const Field& prediction, const Field& solution) {
  fields_.push_back(relative_l2(prediction, solution));
  const double rms = root_mean_square(prediction);
  for (double e : difference(prediction, solution).values) points_.push_back(std::abs(e) / rms);
}

double ErrorCollector::mean_l2() const {
  return std::accumulate(fields_.begin(), fields_.end(), 0.0) / static_cast<double>(fields_.size());
}

std::optional<Calibration> ErrorCollector::calibration(const Resolution& resolution) const {
  if (fields_.size() < kFewestFields) return std::nullopt;
  return Calibration{resolution, fields_.size(), conformal_quantile(points_, kCoverage),
                     conformal_quantile(fields_, kCoverage)};
}

Calibration calibrate(const Surrogate& surrogate, const DatasetReader& data, int batch,
                      const std::function<void(std::size_t)>& progress) {
  const DatasetInfo& info = data.info();
  ErrorCollector errors;
  for (std::size_t begin = 0; begin < info.samples; begin += batch) {
    const std::size_t end = std::min(info.samples, begin + batch);
    std::vector<Field> permeabilities, pressures;
    for (std::size_t s = begin; s < end; ++s) {
      Sample sample = data.read(s);
      permeabilities.push_back(std::move(sample.permeability));
      pressures.push_back(std::move(sample.pressure));
    }
    const std::vector<Field> predictions = surrogate.predict(permeabilities);
    for (std::size_t s = 0; s < predictions.size(); ++s) errors.add(predictions[s], pressures[s]);
    if (progress) progress(end);
  }
  const auto calibration = errors.calibration({info.grid.nx, info.grid.ny});
  check(calibration.has_value(), "{}: {} samples; calibrating needs at least {}", data.path().string(),
        info.samples, kFewestFields);
  return *calibration;
}

void store_calibrations(const std::filesystem::path& checkpoint,
                        const std::vector<Calibration>& calibrations) {
  SafetensorsFile file = read_safetensors(checkpoint);
  ModelCard card = card_from_metadata(file.metadata, checkpoint.string());
  for (const Calibration& c : calibrations) {
    std::erase_if(card.calibrations, [&](const Calibration& old) { return old.resolution == c.resolution; });
    card.calibrations.push_back(c);
  }
  file.metadata["calibration"] = to_metadata(card).at("calibration");
  write_safetensors(checkpoint, file);
}

}  // namespace mano
