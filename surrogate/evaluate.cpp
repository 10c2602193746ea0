#include "surrogate/evaluate.hpp"

#include <algorithm>

#include "core/clock.hpp"
#include "core/error.hpp"

namespace mano {

namespace {

struct Samples {
  std::vector<Field> rocks, pressures;
  std::vector<CellMask> active;
};

Samples read_samples(const DatasetReader& data, std::size_t begin, std::size_t end) {
  Samples samples;
  for (std::size_t s = begin; s < end; ++s) {
    Sample sample = data.read(s);
    samples.rocks.push_back(rock_of(sample.permeability, sample.active));
    samples.active.push_back(std::move(sample.active));
    samples.pressures.push_back(std::move(sample.pressure));
  }
  return samples;
}

}  // namespace

Evaluation evaluate(const Surrogate& surrogate, const DatasetReader& data, int batch, Method method,
                    const std::function<void(std::size_t)>& progress) {
  surrogate.check_takes_inactive(data.info().has_inactive, data.path().string());
  const DatasetInfo& info = data.info();
  Evaluation e;
  e.data = data.path().string();
  e.resolution = {info.grid.nx, info.grid.ny};
  e.samples = info.samples;
  e.seen_in_training = surrogate.seen(e.resolution, method);
  e.device = surrogate.device();
  e.method = method;

  std::vector<double> l2, h1, interpolated;
  double seconds = 0.0;
  std::size_t warm = 0;  // fields of the last batch
  for (std::size_t begin = 0; begin < info.samples; begin += batch) {
    const std::size_t end = std::min(info.samples, begin + batch);
    const auto [rocks, pressures, active] = read_samples(data, begin, end);
    for (const Field& k : rocks) {
      if (const auto unlike = surrogate.card().unlike_training(k))
        e.unlike_training = e.unlike_training.value_or(0) + (unlike->empty() ? 0 : 1);
    }
    const int untimed = rocks.size() == warm ? 0 : surrogate.untimed_predictions();
    for (int i = 0; i < untimed; ++i) surrogate.predict(rocks, method);
    warm = rocks.size();
    const double start = seconds_now();
    const std::vector<Field> predictions = surrogate.predict(rocks, method);
    seconds += seconds_now() - start;
    const std::vector<Field> from_training =
        e.seen_in_training
            ? predictions
            : surrogate.predict(
                  rocks, method == Method::exact_start ? Method::exact_interpolation : Method::interpolation);
    for (std::size_t s = 0; s < predictions.size(); ++s) {
      l2.push_back(relative_l2(predictions[s], pressures[s]));
      // Calibrated for Method::multigrid alone.
      if (const auto half_width = method == Method::multigrid
                                      ? surrogate.interval_half_width(predictions[s], active[s])
                                      : std::nullopt) {
        e.covered =
            e.covered.value_or(0.0) + covered_part(predictions[s], pressures[s], *half_width, active[s]) /
                                          static_cast<double>(info.samples);
      }
      h1.push_back(relative_h1(predictions[s], pressures[s], active[s]));
      interpolated.push_back(relative_l2(from_training[s], pressures[s]));
    }
    if (progress) progress(end);
  }
  e.relative_l2 = summarize(l2);
  e.relative_h1 = summarize(h1);
  for (double error : l2) e.relative_mse += error * error / static_cast<double>(l2.size());
  e.interpolated_l2 = summarize(interpolated);
  e.seconds_per_sample = seconds / static_cast<double>(info.samples);
  return e;
}

Calibration calibrate(const Surrogate& surrogate, const DatasetReader& data, int batch,
                      const std::function<void(std::size_t)>& progress) {
  surrogate.check_takes_inactive(data.info().has_inactive, data.path().string());
  const DatasetInfo& info = data.info();
  ErrorCollector errors;
  for (std::size_t begin = 0; begin < info.samples; begin += batch) {
    const std::size_t end = std::min(info.samples, begin + batch);
    const auto [rocks, pressures, active] = read_samples(data, begin, end);
    const std::vector<Field> predictions = surrogate.predict(rocks);
    for (std::size_t s = 0; s < predictions.size(); ++s) errors.add(predictions[s], pressures[s], active[s]);
    if (progress) progress(end);
  }
  const auto calibration = errors.calibration({info.grid.nx, info.grid.ny});
  check(calibration.has_value(), "{}: {} samples; calibrating needs at least {}", data.path().string(),
        info.samples, kFewestFields);
  return *calibration;
}

}  // namespace mano
