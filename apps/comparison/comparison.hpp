#pragma once
// Surrogate against solver on the same fields: what `mano compare` measures and its report shows.

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/norms.hpp"
#include "surrogate/checkpoint/model_card.hpp"

namespace mano {

/// Errors are those of the surrogate's pressure against the discrete solution on the same grid; what cannot be known of a sample, since
/// its equation is not recorded or no reference was asked for, is empty.
struct ComparedSample {
  std::uint64_t number = 0;
  std::optional<double> relative_l2, relative_h1;
  std::optional<double> largest_error;  ///< over the largest absolute pressure
  std::optional<double>
      interpolated_l2;               ///< of the prediction at the training resolution, at an unseen finer one
  std::optional<double> flux_error;  ///< relative L2 of the fluxes through all faces
  std::optional<double>
      outflow_error;  ///< of what flows out through the sides, over what flows through the domain; where a side's
                      ///< pressure is given, since given fluxes have no error
  std::optional<double>
      mass_defect;  ///< flow that cells create or destroy, over what flows through the domain
  std::optional<double> effectivity;        ///< estimated over true error (apps/workflow/prediction.hpp)
  std::optional<double> covered;            ///< part of the points that the model's interval holds
  std::optional<double> reference_l2;       ///< against the finer solution, averaged to this grid
  std::optional<double> discretisation_l2;  ///< of the solver against it
  std::optional<std::vector<std::string>> unlike_training;  ///< in what; none where the model does not know
  bool trained_on = false;                                  ///< apps/workflow/trained_on.hpp
  std::string image;                                        ///< .vti in the folder
};

/// Error against the discrete solution over the time for it.
struct WorkPoint {
  std::string label;         ///< "tolerance 1e-03", "2 cycles"
  double seconds = 0.0;      ///< a sample, median
  double relative_l2 = 0.0;  ///< mean
};
struct WorkCurve {
  std::string name;
  std::vector<WorkPoint> points;
};

struct ComparedResolution {
  std::string source;  ///< dataset, or the random field
  std::string label;   ///< of its files
  Resolution resolution;
  bool seen_in_training = false;
  std::vector<ComparedSample> samples;
  double seconds_surrogate = 0.0;   ///< one sample at a time, median
  int best_batch = 1;               ///< of the surrogate
  double seconds_in_batches = 0.0;  ///< a sample, in batches of `best_batch`
  WorkCurve
      surrogate;  ///< by cycles through the grid hierarchy; empty where it is not used, or the equation is unknown
  WorkCurve solver;  ///< by tolerance, the last that of the truth; empty where the equation is unknown
  std::vector<WorkCurve>
      corrected;           ///< multigrid cycles from the surrogate, from zero, from the coarse solution
  std::size_t mapped = 0;  ///< the sample that `maps` shows: the worst
  std::string maps, work_chart, cycles_chart;  ///< pictures in the folder

  std::optional<ErrorSummary> summary(std::optional<double> ComparedSample::*member) const;
  double mean(std::optional<double> ComparedSample::*member) const;  ///< not a number where empty
  /// Part of the samples whose effectivity lies in [0.7, 1.3].
  std::optional<double> effective_part() const;
  std::optional<std::size_t> unlike() const;
  std::size_t trained_on() const;
};

struct Comparison {
  std::string command_line;
  std::string model, model_hash;
  ModelCard card;
  std::string device, processor;
  int threads = 1;  ///< of the surrogate on a CPU; the solver has one
  double solver_tolerance = 0.0;
  std::string method;     ///< of the surrogate: multigrid, direct
  std::string reference;  ///< resolution, or empty
  std::uint64_t seed = 0;
  std::vector<ComparedResolution> resolutions;
  std::vector<std::pair<std::string, std::string>> data;  ///< file, hash
  std::string errors_chart, times_chart;  ///< pictures in the folder; empty where gnuplot is absent
};

/// One figure of a sample, as tables and JSON name it.
struct Measure {
  const char* key;
  const char* heading;
  const char* meaning;
  std::optional<double> ComparedSample::*member;
};
const std::vector<Measure>& measures();

/// Which of the two to use, over all resolutions, in one sentence.
std::string headline(const Comparison& comparison);

/// "At 64x64 (unseen) ...": error and time of both, and which to use, in plain words.
std::string verdict(const ComparedResolution& resolution);

/// Multigrid cycles to an error of 1e-8 from each start, in words; empty where not all of them get there.
std::string initial_guess_verdict(const ComparedResolution& resolution);

/// The solver's cheapest point that is as near to the discrete solution as the surrogate; null where there is none.
const WorkPoint* solver_at_surrogate_error(const ComparedResolution& resolution);

/// Names of all that a comparison may leave in its folder.
std::vector<std::string> files_of(const Comparison& comparison);

nlohmann::json to_json(const Comparison& comparison);

/// Curves by gnuplot; sets the names of what was drawn.
void draw_charts(const std::filesystem::path& folder, Comparison& comparison);

/// One self-contained HTML page; pictures are read from `folder` and put inline.
void write_report(const std::filesystem::path& folder, const Comparison& comparison);

/// FOLDER/compare_state.py: opens compare.pvd in ParaView or pvpython, both pressures on one colour scale.
void write_paraview_state(const std::filesystem::path& folder, const Comparison& comparison);

}  // namespace mano
