#include "surrogate/calibration.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "surrogate/tensor_fields.hpp"

namespace mano {

namespace {

struct Errors {
  std::vector<double> fields;  // relative L2
  std::vector<double> points;  // |error| over the prediction's rms
};

void append(std::vector<double>& list, const torch::Tensor& values) {
  const auto v = values.to(torch::kCPU, torch::kFloat64).contiguous();
  list.insert(list.end(), v.data_ptr<double>(), v.data_ptr<double>() + v.numel());
}

void add_errors(const SurrogateModel& model, const TrainSet& set, int batch, Errors& errors) {
  const auto samples = torch::tensor(set.split.validation, torch::kLong);
  for (std::int64_t at = 0; at < samples.size(0); at += batch) {
    const auto some = samples.slice(0, at, at + batch).to(model.device);
    const auto prediction = model.by_ladder(set.permeability.index_select(0, some), set.info.grid,
                                            {set.info.grid.nx, set.info.grid.ny});
    const auto pressure = set.pressure.index_select(0, some);
    append(errors.fields, relative_l2(prediction, pressure));
    const auto rms = prediction.square().mean({1, 2, 3}, true).sqrt();
    append(errors.points, (prediction - pressure).abs() / rms);
  }
}

}  // namespace

double conformal_quantile(std::vector<double> values, double coverage) {
  const double n = static_cast<double>(values.size());
  const auto rank = static_cast<std::size_t>(std::ceil((n + 1) * coverage - 1e-9));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::min(rank, values.size())) - 1;
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

HeldOut held_out_errors(const SurrogateModel& model, const TrainData& data, int batch) {
  const torch::InferenceMode inference;
  HeldOut held_out;
  double fields = 0.0;
  for (const Resolution& resolution : data.card.resolutions) {
    Errors errors;
    for (const TrainSet& set : data.sets)
      if (resolution == Resolution{set.info.grid.nx, set.info.grid.ny}) add_errors(model, set, batch, errors);
    held_out.mean_l2 += std::accumulate(errors.fields.begin(), errors.fields.end(), 0.0);
    fields += static_cast<double>(errors.fields.size());
    held_out.calibrations.push_back({resolution, errors.fields.size(),
                                     conformal_quantile(std::move(errors.points), kCoverage),
                                     conformal_quantile(errors.fields, kCoverage)});
  }
  held_out.mean_l2 /= fields;
  return held_out;
}

}  // namespace mano
