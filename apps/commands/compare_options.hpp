#pragma once
// What `mano compare` is asked for, and what its two halves share: steady flow (compare.cpp) and displacements (compare_displacements.cpp).

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "apps/options/command_line.hpp"
#include "apps/options/field_source.hpp"
#include "apps/workflow/cycle_options.hpp"
#include "apps/workflow/own_wells.hpp"
#include "solver/darcy_solver.hpp"

namespace mano {

struct CompareOptions {
  FieldOptions field;
  std::vector<std::string> models;
  std::string model, resolution, reference, output, json, device = "auto";
  std::vector<std::string> data;
  std::size_t samples = 8;
  double tolerance = SolverOptions{}.relative_tolerance;
  CycleOptions cycles;
  OwnWellOptions wells;
  bool direct = false, force = false, overwrite = false, state = false;
};

/// Of --resolution, or a file's own. Throws InvalidInput where one is asked for twice.
std::vector<Grid> grids_to_compare(const CompareOptions& options, const FieldSource& field);

/// Makes the folder of -o. It is new, empty, or one of an earlier comparison that --overwrite gives up; only what that one wrote is
/// removed. Throws InvalidInput.
void prepare_folder(const CompareOptions& options);

/// The part of file names that tells a source from the others.
template <typename Source>
std::string label_of(const std::vector<Source>& sources, std::size_t s) {
  const auto same = std::count_if(sources.begin(), sources.end(), [&](const Source& other) {
    return other.grid.same_cells(sources[s].grid);
  });
  return same > 1 ? fmt::format("{}-{}", sources[s].grid.resolution(), s) : sources[s].grid.resolution();
}

/// The half for models of displacements: any number of them, on the same samples.
void compare_displacement_models(const CompareOptions& options, const Invocation& invocation);

}  // namespace mano
