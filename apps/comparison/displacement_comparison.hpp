#pragma once
// Surrogates against the simulator on the same displacements: what `mano compare` measures where the model predicts displacements.
//
// The truth is the simulator on the same grid at a step tolerance of kTruthTolerance. What competes, each on one core, by processor time:
//   simulator        at several step tolerances, then with fewer and fewer passes of transport
//   coarse           the same on a grid 2 and 4 times as coarse in each direction (displacement/coarse.hpp)
//   first guess      what networks start from, alone (displacement/first_guess.hpp)
//   networks         first guess included: one rock at a time, and in the batch that is fastest

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/workflow/displacement_model.hpp"

namespace mano {

inline constexpr double kTruthTolerance = 0.03;

/// Means over the samples; time: the median.
struct DisplacementPoint {
  std::string label;
  double seconds = 0.0;      ///< of a processor, a sample
  double saturation = 0.0;   ///< relative L2 over space and time
  double water_cut = 0.0;    ///< mean over the times of the absolute error
  double largest_cut = 0.0;  ///< largest over the times
  double recovery = 0.0;     ///< largest over the times of the absolute error
};

struct DisplacementCurve {
  std::string name;
  bool is_network = false;
  std::vector<DisplacementPoint> points;
};

struct ComparedDisplacements {
  std::string source, label;  ///< of its files
  Resolution resolution;
  std::size_t samples = 0;
  std::vector<DisplacementCurve> curves;
  std::string work_chart, cut_chart, maps, animation;  ///< files in the folder
  std::vector<std::string> images;                     ///< of the animation
  std::vector<std::string> cautions;  ///< samples that a model was trained on, or that are unlike those

  std::vector<std::string> files() const;
};

struct NamedModel {
  std::string name;
  const DisplacementModel* model;
};

struct DisplacementSamples {
  std::string name;
  Grid grid;
  std::size_t count = 0;
  std::function<Sample(std::size_t)> read;
  nlohmann::json configuration;  ///< of the rock, for trained_on()
};

/// Measures, and writes pictures and an animation of the first sample into `folder`, named by `label`. `done` is called after every sample and competitor.
/// All models must be of one displacement.
ComparedDisplacements compare_displacements(const std::vector<NamedModel>& models,
                                            const DisplacementSamples& samples,
                                            const std::filesystem::path& folder, const std::string& label,
                                            const std::function<void()>& done);

/// "At 64x64 ...": the best network, and the cheapest simulator that is as near, in plain words.
std::string verdict(const ComparedDisplacements& compared);

nlohmann::json to_json(const ComparedDisplacements& compared);

/// FOLDER/report.html.
void write_displacement_report(const std::filesystem::path& folder, const std::string& command_line,
                               const std::string& processor, const std::vector<NamedModel>& models,
                               const std::vector<ComparedDisplacements>& all);

}  // namespace mano
