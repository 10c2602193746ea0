#include "surrogate/surrogate.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <tuple>

#include "core/error.hpp"
#include "core/files.hpp"
#include "core/norms.hpp"
#include "surrogate/differentiable.hpp"
#include "surrogate/kernels/device.hpp"
#include "surrogate/kernels/graph_recorder.hpp"
#include "surrogate/kernels/tensor_memory.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/model.hpp"
#include "surrogate/multigrid/refinement.hpp"
#include "surrogate/multigrid/tensor_fields.hpp"

namespace mano {

bool gpu_is_available() {
  return torch::cuda::is_available();
}

namespace {

// Predictions on a GPU: a small field's is thousands of kernels of microseconds, recorded and replayed as one graph. A graph keeps the
// memory of its tensors: no more than kMost are recorded, and of what needs little of the memory.
class RecordedPredictions {
 public:
  static constexpr std::size_t kMost = 32;
  static constexpr double kPartOfMemory = 0.125;

  explicit RecordedPredictions(torch::Device device) : graphs_(device) {}

  /// pressure_by(), on the CPU, of what asks nothing of the host and needs about so many bytes.
  torch::Tensor pressure(const SurrogateModel& model, Method method, const torch::Tensor& k, const Grid& grid,
                         const Resolution& from, double bytes) {
    static std::mutex in_use;  // no other thread of the process may wait for the GPU while one records
    const std::lock_guard lock(in_use);
    const Key key{method, model.card.cycles, grid.lx, grid.ly, grid.nx, grid.ny, k.size(0)};
    const auto work = [&](const std::vector<torch::Tensor>& inputs) {
      return pressure_by(model, method, inputs[0], grid, from);
    };
    auto known = numbers_.find(key);
    if (known == numbers_.end()) {
      const bool fits = bytes < kPartOfMemory * static_cast<double>(free_bytes_of_gpu());
      if (!fits || numbers_.size() >= kMost) return work({k}).to(torch::kCPU);
      known = numbers_.emplace(key, numbers_.size()).first;
    }
    return graphs_.run(known->second, {k}, work).to(torch::kCPU);
  }

  std::size_t count() const { return graphs_.recorded(); }

 private:
  using Key =
      std::tuple<Method, int, double, double, int, int, std::int64_t>;  // all that the work depends on
  GraphRecorder graphs_;
  std::map<Key, std::size_t> numbers_;
};

}  // namespace

struct Surrogate::Impl {
  SurrogateModel model;
  int calibrated_cycles = 0;
  std::unique_ptr<RecordedPredictions> recorded = nullptr;  // on a GPU

  double bytes_needed(const Grid& grid, std::size_t batch) const {
    // 'mano benchmark' measures 9 to 10 numbers a channel where h d = C, on the CPU; the refinement's operator has 30 in float64.
    const ModelCard& card = model.card;
    const auto numbers = [](const Architecture& a) { return 7.0 * a.dim + 5.0 * a.heads * a.dim_head; };
    double per_token = sizeof(float) * numbers(card.architecture);
    if (card.refinement)
      per_token = std::max(per_token, sizeof(float) * numbers(*card.refinement) + 30.0 * sizeof(double));
    // The way begins on the network's grid, which may be the finer one.
    const Resolution base = card.network_grid(card.base_resolution({grid.nx, grid.ny}));
    const double points = static_cast<double>(std::max(base.nx, grid.nx)) * std::max(base.ny, grid.ny);
    return per_token * points * static_cast<double>(batch);
  }

  torch::Tensor pressure(Method method, const torch::Tensor& k, const Grid& grid) {
    const Resolution from = model.card.base_resolution({grid.nx, grid.ny});
    const bool solves = method == Method::exact_start || method == Method::exact_interpolation;
    if (!recorded || solves) return pressure_by(model, method, k, grid, from).to(torch::kCPU);
    return recorded->pressure(model, method, k, grid, from,
                              bytes_needed(grid, static_cast<std::size_t>(k.size(0))));
  }
};

Surrogate::Surrogate(const std::filesystem::path& model_path, const std::string& device_name) {
  const auto path = checkpoint_path(model_path);
  impl_ = std::make_unique<Impl>(Impl{load_checkpoint(path)});
  impl_->calibrated_cycles = impl_->model.card.cycles;
  check(impl_->model.card.classes.empty(),
        "{}: it tells kinds of rock and predicts no pressure: use 'mano classify'", path.string());
  check(!impl_->model.card.history,
        "{}: it predicts displacements in time and no steady pressure (mano predict and evaluate take it "
        "with data of displacements, mano.load_displacement in Python)",
        path.string());
  const Architecture& a = impl_->model.card.architecture;
  check((a.channels_in == 3 || a.channels_in == 4) && a.channels_out == 1,
        "{}: the network maps {} channels to {}, a surrogate 3 or 4 to 1", path.string(), a.channels_in,
        a.channels_out);
  impl_->model.to(device_from(device_name));
  impl_->model.freeze();
  if (impl_->model.device.is_cuda())
    impl_->recorded = std::make_unique<RecordedPredictions>(impl_->model.device);
}

Surrogate::~Surrogate() = default;
Surrogate::Surrogate(Surrogate&&) noexcept = default;

const ModelCard& Surrogate::card() const {
  return impl_->model.card;
}

int Surrogate::threads() const {
  return torch::get_num_threads();
}

std::size_t Surrogate::recorded_predictions() const {
  return impl_->recorded ? impl_->recorded->count() : 0;
}

int Surrogate::untimed_predictions() const {
  return impl_->recorded ? 2 : 1;
}

std::string Surrogate::device() const {
  return impl_->model.device.is_cuda() ? "cuda" : "cpu";
}

void Surrogate::check_fits(const Grid& grid, std::size_t batch) const {
  const double bytes = impl_->bytes_needed(grid, batch);
  const std::string what =
      fmt::format("predicting {} field{} of {} at once", batch, batch == 1 ? "" : "s", grid.resolution());
  if (!impl_->model.device.is_cuda()) return check_memory(bytes, what);
  const double free = static_cast<double>(free_bytes_of_gpu());
  check(bytes <= free,
        "{} needs about {:.3g} GB of the GPU's memory, {:.3g} GB are free: use fewer at once or --device cpu",
        what, bytes / 1e9, free / 1e9);
}

std::vector<Field> Surrogate::predict(const std::vector<Field>& permeabilities, Method method) const {
  if (permeabilities.empty()) return {};
  check_method(method);
  check_fits(permeabilities[0].grid, permeabilities.size());
  for (const Field& k : permeabilities) {
    const CellMask active = card().takes_inactive() ? mask_of_rock(k) : CellMask{};
    check_permeability(k, "predict", active);
    check(active.inactive() < k.values.size(), "predict: no cell is active");
  }
  const torch::InferenceMode inference;
  const Grid& grid = permeabilities[0].grid;
  const auto k = stack_values(permeabilities).to(impl_->model.device);
  const auto output = impl_->pressure(method, k, grid).contiguous();
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

Field Surrogate::predict(const Field& permeability, Method method) const {
  return predict(std::vector<Field>{permeability}, method).front();
}

void Surrogate::check_method(Method method) const {
  const ModelCard& c = impl_->model.card;
  const bool solves =
      method == Method::exact_start || method == Method::exact_interpolation || method == Method::jacobi;
  check(method != Method::zero_start || c.knows_equation,
        "method is 'zero-start', but the model has no refinement of the equation's own residual");
  check(!solves || knows_equation(c.problem_name, c.location),
        "method is '{}', but problem '{}' does not tell the equation", to_string(method), c.problem_name);
}

void Surrogate::check_problem(const std::string& problem_name, const Grid& grid, Location location,
                              const std::string& where) const {
  const ModelCard& c = impl_->model.card;
  const auto close = [](double a, double b) { return std::abs(a - b) <= 1e-9 * std::abs(b); };
  check(problem_name == c.problem_name,
        "{}: problem is '{}', the model was trained for '{}' (--force predicts all the same)", where,
        problem_name, c.problem_name);
  check(close(grid.lx, c.lx) && close(grid.ly, c.ly),
        "{}: domain is {}x{}, the model was trained on {}x{} (--force predicts all the same)", where, grid.lx,
        grid.ly, c.lx, c.ly);
  check(location == c.location,
        "{}: values sit at the {}, the model was trained on values at the {} (--force)", where,
        to_string(location), to_string(c.location));
}

void Surrogate::check_takes_inactive(bool has_inactive, const std::string& where) const {
  card().check_takes_inactive(has_inactive, where);
}

std::optional<double> Surrogate::interval_half_width(const Field& prediction, const CellMask& active) const {
  if (impl_->model.card.cycles != impl_->calibrated_cycles) return std::nullopt;
  const Resolution own{prediction.grid.nx, prediction.grid.ny};
  const Calibration* calibration = impl_->model.card.calibration(own);
  if (calibration == nullptr) calibration = impl_->model.card.calibration(base_resolution(own));
  if (calibration == nullptr) return std::nullopt;
  return calibration->half_width * root_mean_square(active_values(prediction, active));
}

void Surrogate::set_cycles(int cycles) {
  ModelCard& c = impl_->model.card;
  const int most = c.most_cycles();
  check(cycles >= 0 && cycles <= most, "cycles is {}; {}", cycles,
        most > 1    ? fmt::format("it must lie in [0, {}]", most)
        : most == 1 ? std::string("where the equation is not known it is 0 or 1")
                    : std::string("a model without refinement has 0"));
  c.cycles = cycles;
}

int Surrogate::cycles_for(double accuracy) const {
  const std::vector<double>& errors = impl_->model.card.cycle_errors;
  check(accuracy > 0 && accuracy < 1, "accuracy is {}; it must lie in (0, 1)", accuracy);
  check(!errors.empty(),
        "the checkpoint does not record what each number of cycles leaves, as those trained today do: pass "
        "--cycles N");
  const auto reached =
      std::find_if(errors.begin(), errors.end(), [&](double error) { return error <= accuracy; });
  check(reached != errors.end(),
        "accuracy {} is not reached: after {} cycles {:.2g} was left on the held-out part", accuracy,
        errors.size() - 1, *std::min_element(errors.begin(), errors.end()));
  return static_cast<int>(reached - errors.begin());
}

bool Surrogate::seen(const Resolution& resolution, Method method) const {
  const ModelCard& c = impl_->model.card;
  if (method != Method::direct && method != Method::interleaved) return c.seen(resolution);
  return std::any_of(c.resolutions.begin(), c.resolutions.end(),
                     [&](const Resolution& r) { return c.network_grid(r) == resolution; });
}

Resolution Surrogate::base_resolution(const Resolution& target) const {
  return impl_->model.card.base_resolution(target);
}

}  // namespace mano
