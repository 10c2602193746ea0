#pragma once
// A trained MANO as a map from permeability to pressure. No Torch here: apps include this. Without Torch every function
// throws MissingPart.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/field.hpp"
#include "surrogate/checkpoint/model_card.hpp"

namespace mano {

/// How a prediction is made: from the network's grid up a hierarchy of grids, refined on each (docs/mano.md), or as one of
/// these, for comparison.
enum class Method {
  multigrid,
  interpolation,  ///< the multigrid prediction at the training resolution, then bilinear in one step: the line to beat
  direct,      ///< the network alone on the grid as it is: as published
  jacobi,      ///< multigrid with 16 damped Jacobi steps a grid in place of the refinement: solver's work
  zero_start,  ///< multigrid from zero, without the base network: what that adds
  exact_start,  ///< multigrid from the exact solution at the training resolution: what the refinement alone does
  exact_interpolation,  ///< that solution interpolated
  interleaved           ///< the network alone on coarser grids laid into each other, as coarse as its own
};
const char* to_string(Method method);
Method parse_method(const std::string& name);  ///< Throws InvalidInput.

/// Whether --device cuda would find one.
bool gpu_is_available();

class Surrogate {
 public:
  /// `model` is a checkpoint or a RUN folder; `device` is auto, cpu or cuda. Throws InvalidInput for a file that is
  /// missing, truncated, of another schema version or architecture, or a device that this program cannot use.
  Surrogate(const std::filesystem::path& model, const std::string& device);
  ~Surrogate();
  Surrogate(Surrogate&&) noexcept;

  const ModelCard& card() const;
  int threads() const;                       ///< that a prediction on the CPU uses
  std::string device() const;                ///< "cpu" or "cuda"
  std::size_t recorded_predictions() const;  ///< shapes whose prediction a GPU replays as one graph

  /// Predictions of a shape that are slower than the next ones: the first warms up, and a GPU records the second.
  int untimed_predictions() const;

  /// Pressures for permeabilities on one grid (values at the locations that the model was trained with), of any
  /// size; 0 marks inactive cells where the model takes them (ModelCard::takes_inactive), and pressure is 0 there. Throws InvalidInput for
  /// permeabilities that are not finite and above zero elsewhere.
  std::vector<Field> predict(const std::vector<Field>& permeabilities,
                             Method method = Method::multigrid) const;
  Field predict(const Field& permeability, Method method = Method::multigrid) const;

  /// Throws InvalidInput where predicting `batch` fields at once on `grid` needs more memory than is free.
  void check_fits(const Grid& grid, std::size_t batch) const;

  /// Throws InvalidInput where the model's data do not tell the equation that `method` needs.
  void check_method(Method method) const;

  /// Throws InvalidInput unless problem, domain size and location are those of training.
  void check_problem(const std::string& problem_name, const Grid& grid, Location location,
                     const std::string& where) const;

  /// ModelCard::check_takes_inactive().
  void check_takes_inactive(bool has_inactive, const std::string& where) const;

  /// Half-width of the interval about the multigrid `prediction` that is to hold kCoverage of the true values (ModelCard::calibrations), calibrated
  /// at its resolution or else where its hierarchy begins; empty where the model does not know.
  std::optional<double> interval_half_width(const Field& prediction, const CellMask& active = {}) const;

  /// Cycles of a multigrid prediction from now on, in place of the card's own; 0: the network and interpolation alone. Prediction
  /// intervals hold for the card's own number. Throws InvalidInput for a number that the model cannot do.
  void set_cycles(int cycles);
  /// The fewest cycles that left a mean relative L2 error of at most `accuracy` on the held-out part of the training data. Throws
  /// InvalidInput where none of those recorded did.
  int cycles_for(double accuracy) const;

  /// Whether training saw the resolution: data's; of the network alone, where it is a grid of the network's.
  bool seen(const Resolution& resolution, Method method) const;

  /// ModelCard::base_resolution().
  Resolution base_resolution(const Resolution& target) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mano
