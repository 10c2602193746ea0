#include "surrogate/surrogate.hpp"

#include <torch/torch.h>

#include <cmath>

#include "core/error.hpp"
#include "core/files.hpp"
#include "core/resample.hpp"
#include "surrogate/checkpoint.hpp"
#include "surrogate/tensor_fields.hpp"

namespace mano {

namespace {

// Metadata alone must not make this program allocate more than the file could hold.
void check_size(const Architecture& a, const SafetensorsFile& file, const std::string& where) {
  std::int64_t numbers = 0;
  for (const auto& [name, tensor] : file.tensors)
    numbers += static_cast<std::int64_t>(tensor.bytes.size() / 4);
  const std::int64_t widest = std::max({a.dim, a.mlp, 3 * a.heads * a.dim_head});
  check(a.depth <= static_cast<std::int64_t>(file.tensors.size()) && a.depth * a.dim * widest <= numbers &&
            a.channels_in == 3 && a.channels_out == 1,
        "{}: its {} numbers are of another architecture than its metadata say", where, numbers);
}

}  // namespace

struct Surrogate::Impl {
  ModelCard card;
  MultipoleModel model;
  torch::Device device;
};

Surrogate::Surrogate(const std::filesystem::path& model_path, const std::string& device_name) {
  const auto path = checkpoint_path(model_path);
  const SafetensorsFile file = read_safetensors(path);
  ModelCard card = card_from_metadata(file.metadata, path.string());
  check_size(card.architecture, file, path.string());
  MultipoleModel model(card.architecture, 0);
  load_parameters(model, file, "", path.string());
  const torch::Device device = device_from(device_name);
  model.to(device, torch::kFloat32);
  impl_ = std::make_unique<Impl>(Impl{std::move(card), std::move(model), device});
}

Surrogate::~Surrogate() = default;
Surrogate::Surrogate(Surrogate&&) noexcept = default;

const ModelCard& Surrogate::card() const {
  return impl_->card;
}

int Surrogate::threads() const {
  return torch::get_num_threads();
}

std::string Surrogate::device() const {
  return impl_->device.is_cuda() ? "cuda" : "cpu";
}

void Surrogate::check_fits(const Grid& grid, std::size_t batch) const {
  // 'mano benchmark' measures 9 to 10 numbers a channel where h d = C, on the CPU.
  const Architecture& a = impl_->card.architecture;
  const double per_token = sizeof(float) * (7.0 * a.dim + 5.0 * a.heads * a.dim_head);
  check_memory(
      per_token * static_cast<double>(grid.cells() * batch),
      fmt::format("predicting {} field{} of {} at once", batch, batch == 1 ? "" : "s", grid.resolution()));
}

std::vector<Field> Surrogate::predict(const std::vector<Field>& permeabilities) const {
  if (permeabilities.empty()) return {};
  check_fits(permeabilities[0].grid, permeabilities.size());
  for (const Field& k : permeabilities) check_permeability(k, "predict");
  const torch::InferenceMode inference;
  const ModelCard& card = impl_->card;
  const Grid& grid = permeabilities[0].grid;
  const auto k = stack_values(permeabilities).to(impl_->device);
  const auto input = network_input(k, grid, card.location, card.normalization);
  const auto output = denormalized(impl_->model.forward(input), card.normalization)
                          .to(torch::kCPU, torch::kFloat64)
                          .contiguous();
  if (!torch::isfinite(output).all().item<bool>()) {
    throw RunFailed(
        "the prediction is not finite: the weights are not, or the permeability is beyond single precision");
  }
  std::vector<Field> pressures(permeabilities.size(), Field(grid));
  const double* values = output.data_ptr<double>();
  for (Field& pressure : pressures) {
    std::copy(values, values + grid.cells(), pressure.values.begin());
    values += grid.cells();
  }
  return pressures;
}

Field Surrogate::predict(const Field& permeability) const {
  return predict(std::vector<Field>{permeability}).front();
}

void Surrogate::check_problem(const std::string& setup, const Grid& grid, Location location,
                              const std::string& where) const {
  const ModelCard& c = impl_->card;
  const auto close = [](double a, double b) { return std::abs(a - b) <= 1e-9 * std::abs(b); };
  check(setup == c.setup,
        "{}: set-up is '{}', the model was trained for '{}' (--force predicts all the same)", where, setup,
        c.setup);
  check(close(grid.lx, c.lx) && close(grid.ly, c.ly),
        "{}: domain is {}x{}, the model was trained on {}x{} (--force predicts all the same)", where, grid.lx,
        grid.ly, c.lx, c.ly);
  check(location == c.location,
        "{}: values sit at the {}, the model was trained on values at the {} (--force)", where,
        to_string(location), to_string(c.location));
}

Resolution Surrogate::base_resolution(const Resolution& target) const {
  const auto cells = [](const Resolution& r) { return static_cast<double>(r.nx) * r.ny; };
  const auto& seen = impl_->card.resolutions;
  Resolution best = seen.front();
  for (const Resolution& r : seen) {
    const bool fits = r.nx <= target.nx && r.ny <= target.ny;
    const bool best_fits = best.nx <= target.nx && best.ny <= target.ny;
    if (fits != best_fits ? fits : (fits ? cells(r) > cells(best) : cells(r) < cells(best))) best = r;
  }
  return best;
}

Field Surrogate::predict_by_interpolation(const Field& permeability) const {
  const Resolution target{permeability.grid.nx, permeability.grid.ny};
  const Resolution base = base_resolution(target);
  const Location location = impl_->card.location;
  return interpolate_to(predict(restrict_to(permeability, base, location)), target, location);
}

}  // namespace mano
