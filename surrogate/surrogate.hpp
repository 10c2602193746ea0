#pragma once
// A trained MANO as a map from permeability to pressure. No Torch here: apps include this. Without Torch every function
// throws MissingPart.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/field.hpp"
#include "surrogate/model_card.hpp"

namespace mano {

class Surrogate {
 public:
  /// `model` is a checkpoint or a RUN folder; `device` is auto, cpu or cuda. Throws InvalidInput for a file that is
  /// missing, truncated, of another schema version or architecture, or a device that this program cannot use.
  Surrogate(const std::filesystem::path& model, const std::string& device);
  ~Surrogate();
  Surrogate(Surrogate&&) noexcept;

  const ModelCard& card() const;
  int threads() const;         ///< that a prediction on the CPU uses
  std::string device() const;  ///< "cpu" or "cuda"

  /// Pressures for permeabilities on one grid (values at the locations that the model was trained with), any H x W that
  /// holds a window. Throws InvalidInput for permeabilities that are not finite and above zero.
  std::vector<Field> predict(const std::vector<Field>& permeabilities) const;
  Field predict(const Field& permeability) const;

  /// Throws InvalidInput where predicting `batch` fields at once on `grid` needs more memory than is free.
  void check_fits(const Grid& grid, std::size_t batch) const;

  /// Throws InvalidInput unless set-up, domain size and location are those of training.
  void check_problem(const std::string& setup, const Grid& grid, Location location,
                     const std::string& where) const;

  /// The training resolution from which to interpolate to an unseen finer one: the finest that is no finer than it,
  /// else the coarsest.
  Resolution base_resolution(const Resolution& target) const;

  /// The line to beat at an unseen finer resolution: predict on the restricted permeability at base_resolution(),
  /// interpolate bilinearly.
  Field predict_by_interpolation(const Field& permeability) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mano
