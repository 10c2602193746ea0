#pragma once
// The comparison at one resolution: what is compared, and the measurements.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "apps/comparison/comparison.hpp"
#include "datagen/dataset.hpp"
#include "surrogate/surrogate.hpp"

namespace mano {

/// The fields of one resolution; pressures come with a dataset, or from the solver.
struct CompareSource {
  std::string name;
  Grid grid;
  Location location = Location::cell;
  std::string problem_name;
  std::size_t samples = 0;
  std::function<Sample(std::size_t)> read = {};
  std::function<std::uint64_t(std::size_t)> number = {};  ///< of a sample that read() gives
  std::function<Sample(std::size_t, const Grid&)> draw =
      {};                                               ///< the same field on another grid; empty for files
  std::function<double(const Grid&)> draw_memory = {};  ///< bytes that drawing takes; set where `draw` is
  std::function<bool(std::uint64_t)> trained_on = {};   ///< by the sample's number
};

struct CompareSettings {
  Method method = Method::multigrid;
  double tolerance = 1e-10;             ///< of the discrete solution that errors are measured against
  std::optional<Resolution> reference;  ///< finer, of a truth beyond the grid's
  std::filesystem::path folder;         ///< for pictures and VTK files
  std::string label;                    ///< part of their names
  bool interpolate = false;  ///< set by compare_resolution(): the prediction at the training resolution too
};

/// Name of a sample's .vti.
std::string image_name(std::uint64_t number, const std::string& label);

/// Throws Interrupted where a signal came.
void stop_if_interrupted();

/// The surrogate is as it was afterwards; its work is measured at other numbers of cycles too. `progress()` is called after every sample; what it throws ends the comparison. Needs a PetscSession where the problem is a named one.
/// Throws RunFailed where a solve fails, Interrupted where a signal came.
ComparedResolution compare_resolution(Surrogate& surrogate, const CompareSource& source,
                                      CompareSettings settings, const std::function<void()>& progress);

}  // namespace mano
