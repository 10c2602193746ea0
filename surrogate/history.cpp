#include "surrogate/history.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/norms.hpp"
#include "surrogate/checkpoint/safetensors.hpp"
#include "surrogate/kernels/device.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/grid_transfer.hpp"
#include "surrogate/multigrid/history_model.hpp"
#include "surrogate/multigrid/tensor_fields.hpp"

namespace mano {

namespace {

std::vector<Field> fields_of(const torch::Tensor& values, std::int64_t sample, const Grid& grid) {
  const auto one = values[sample].unsqueeze(1);  // [T, 1, H, W]
  std::vector<Field> fields;
  for (std::int64_t t = 0; t < one.size(0); ++t) fields.push_back(field_of(one, t, grid));
  return fields;
}

HistoryTensors by_method(const SurrogateModel& model, const torch::Tensor& rock, const torch::Tensor& guess,
                         const Grid& grid, Method method) {
  const Resolution from = model.card.base_resolution({grid.nx, grid.ny});
  switch (method) {
    case Method::multigrid:
    case Method::interpolation:
      return history_interpolated(model, rock, guess, grid, from);
    case Method::direct:
      return history_direct(model, rock, guess, grid);
    case Method::interleaved:
      return history_interleaved(model, rock, guess, grid, from);
    default:
      throw InvalidInput(
          fmt::format("method is '{}'; a displacement is predicted by interpolation, direct or interleaved",
                      to_string(method)));
  }
}

}  // namespace

struct HistorySurrogate::Impl {
  SurrogateModel model;
};

HistorySurrogate::HistorySurrogate(const std::filesystem::path& model_path, const std::string& device_name) {
  const auto path = checkpoint_path(model_path);
  impl_ = std::make_unique<Impl>(Impl{load_checkpoint(path)});
  check(impl_->model.card.history.has_value(),
        "{}: it predicts no displacement in time: train one on a dataset of 'mano generate --problem "
        "displacement'",
        path.string());
  impl_->model.to(device_from(device_name));
  impl_->model.freeze();
}

HistorySurrogate::~HistorySurrogate() = default;
HistorySurrogate::HistorySurrogate(HistorySurrogate&&) noexcept = default;

const ModelCard& HistorySurrogate::card() const {
  return impl_->model.card;
}

std::string HistorySurrogate::device() const {
  return impl_->model.device.is_cuda() ? "cuda" : "cpu";
}

std::vector<History> HistorySurrogate::predict(const std::vector<Field>& rocks,
                                               const std::vector<HistoryGuess>& first_guesses,
                                               Method method) const {
  if (rocks.empty()) return {};
  const SurrogateModel& model = impl_->model;
  const Grid& grid = rocks.front().grid;
  const std::size_t times = card().history->times.size();
  check(first_guesses.size() == rocks.size(), "predict: {} rocks, first guesses of {}", rocks.size(),
        first_guesses.size());
  for (std::size_t s = 0; s < rocks.size(); ++s) {
    check_permeability(rocks[s], "predict", card().takes_inactive() ? mask_of_rock(rocks[s]) : CellMask{});
    check(first_guesses[s].saturation.size() == times,
          "predict: first guesses at {} times, the model knows {}", first_guesses[s].saturation.size(),
          times);
  }
  const torch::InferenceMode inference;
  const auto rock = stack_values(rocks).to(model.device);
  const bool with_pressure = card().history->std_pressure_correction.has_value();
  const auto guess = guess_tensor(first_guesses, with_pressure).to(model.device);
  const auto history = bounded(model, by_method(model, rock, guess, grid, method), rock);
  if (!torch::isfinite(history.saturation).all().item<bool>() ||
      !torch::isfinite(history.pressure).all().item<bool>()) {
    throw RunFailed(
        "the prediction is not finite: the weights are not, or the permeability is beyond single precision");
  }
  std::vector<History> list;
  for (std::int64_t s = 0; s < rock.size(0); ++s)
    list.push_back({.saturation = fields_of(history.saturation, s, grid),
                    .pressure = fields_of(history.pressure, s, grid)});
  return list;
}

std::optional<double> HistorySurrogate::interval_half_width(const History& prediction,
                                                            const CellMask& active) const {
  const ModelCard& c = card();
  const Grid& grid = prediction.saturation.front().grid;
  const Calibration* calibration = c.calibration({grid.nx, grid.ny});
  if (calibration == nullptr) calibration = c.calibration(c.base_resolution({grid.nx, grid.ny}));
  if (calibration == nullptr) return std::nullopt;
  std::vector<double> all;
  for (const Field& saturation : prediction.saturation) {
    const auto values = active_values(saturation, active);
    all.insert(all.end(), values.begin(), values.end());
  }
  return calibration->half_width * root_mean_square(all);
}

bool predicts_history(const std::filesystem::path& model) {
  const auto path = checkpoint_path(model);
  return card_from_metadata(read_safetensors(path).metadata, path.string()).history.has_value();
}

}  // namespace mano
