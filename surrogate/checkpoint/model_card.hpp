#pragma once
// What a checkpoint says of itself, in the metadata of its safetensors file.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/field.hpp"
#include "surrogate/networks/architecture.hpp"
#include "surrogate/trust/calibration.hpp"
#include "surrogate/trust/coefficient_statistics.hpp"

namespace mano {

inline constexpr const char* kCheckpointSchema = "mano.checkpoint";
inline constexpr int kCheckpointSchemaVersion = 2;
inline constexpr int kHistorySchemaVersion =
    3;  ///< of models of displacements that know a guess of the pressure
inline constexpr int kMostCycles = 64;
inline constexpr std::size_t kMostTimes = 256;  ///< of a displacement

/// Network input (ln k - mean_log_k) / std_log_k, x / lx, y / ly and, where there are inactive cells, 1 in active ones; pressure = output * std_pressure + mean_pressure.
struct Normalization {
  double mean_log_k = 0.0;
  double std_log_k = 1.0;
  double mean_pressure = 0.0;
  double std_pressure = 1.0;
};

struct TrainingData {
  std::string file;
  std::string hash;  ///< XXH3-128
  std::size_t samples = 0;
  std::string configuration = {};  ///< of the dataset, JSON; empty in files from before it was kept
};

/// Of a model that predicts a displacement in time (surrogate/history.hpp). Its input ends with the saturation's first guess at each time and
/// the pressure's, normalised; its outputs are, at each time, saturation less first guess over std_correction, then pressure less first guess
/// over std_pressure_correction. Older models know no guess of the pressure: their outputs are the normalised pressures themselves.
struct HistoryCard {
  std::vector<double> times;  ///< pore volumes injected, ascending
  double std_correction = 1.0;
  double least_saturation = 0.0;  ///< of training: predictions stay within
  double most_saturation = 1.0;
  std::string displacement;  ///< DatasetInfo::displacement of the first dataset
  std::optional<double> std_pressure_correction = {};

  int guesses() const { return static_cast<int>(times.size()) + (std_pressure_correction ? 1 : 0); }
};

struct ModelCard {
  Architecture architecture;
  std::optional<HistoryCard> history;      ///< empty where the flow is steady
  std::optional<Architecture> refinement;  ///< of the network that refines on the hierarchy of grids
  double refinement_gain = 1.0;            ///< surrogate/multigrid/refinement.hpp
  bool knows_equation = false;             ///< the refinement's defect is that of the problem's own equation
  int correction_steps = 1;  ///< of the refinement that a training step unrolls; bounds base_correction_steps
  int base_correction_steps = 0;  ///< on the network's own grid, after its prediction
  int cycles =
      1;  ///< of the hierarchy: the first from the network's prediction, the others from what it leaves
  int coarsening = 1;  ///< the network's grid is so many times coarser than the data's, in each direction
  Normalization normalization;
  std::vector<Resolution> resolutions;  ///< seen in training
  std::string problem_name;
  std::string field;
  double lx = 1.0;
  double ly = 1.0;
  Location location = Location::cell;
  std::vector<std::string>
      classes;  ///< of a classifier: kinds of fields, by output channel; empty where pressures are predicted
  std::vector<TrainingData> data;
  std::string data_configuration;  ///< of the first dataset, JSON
  std::string version;             ///< of the program
  std::int64_t parameters = 0;
  std::optional<std::uint64_t> seed;  ///< of the training; none in files from before it was kept
  int epoch = 0;                      ///< of these weights
  double validation_l2 = 0.0;  ///< mean relative L2 on the held-out part; of a classifier the cross-entropy

  /// Mean relative L2 on the held-out part after 0, 1, 2, ... cycles, more than `cycles` where the equation is known; empty in a
  /// training that has not ended, and in files from before it was kept.
  std::vector<double> cycle_errors;

  CoefficientRanges coefficients;         ///< of the fields of training
  std::vector<Calibration> calibrations;  ///< one a resolution; empty in a training that has not ended

  /// Input channels where all cells are active: ln k, x, y, and of a history the first guess at each time.
  int inputs() const { return 3 + (history ? history->guesses() : 0); }
  /// The network is told which cells are active, by one more channel: it was trained on data that have inactive ones.
  bool takes_inactive() const { return architecture.channels_in == inputs() + 1; }
  /// Throws InvalidInput where the rock at `where` may have inactive cells and that of training had none.
  void check_takes_inactive(bool has_inactive, const std::string& where) const;
  /// In what a rock (permeability, 0 in inactive cells) is unlike those of training (surrogate/trust/coefficient_statistics.hpp), in words;
  /// an empty list where in nothing, none where the model does not know.
  std::optional<std::vector<std::string>> unlike_training(const Field& rock) const;
  bool seen(const Resolution& resolution) const;
  /// The network's grid for data of a training resolution.
  Resolution network_grid(const Resolution& resolution) const {
    return {resolution.nx / coarsening, resolution.ny / coarsening};
  }
  /// In prediction, on every grid but the first. One where a later cycle sees what it leaves.
  int correction_steps_a_grid() const { return knows_equation ? 1 : correction_steps; }
  /// In prediction, on the first grid of a later cycle: it is the coarsest, where a step sees most and costs least.
  int correction_steps_from_zero() const { return 2 * correction_steps; }
  /// The most cycles that a prediction can take.
  int most_cycles() const { return !refinement ? 0 : knows_equation ? kMostCycles : 1; }
  /// The coarsest training resolution: where coefficients are looked at.
  Resolution coarsest() const;
  /// The training resolution whose network's grid the way to `target` begins on: the finest that is no finer than `target`, else the
  /// coarsest.
  Resolution base_resolution(const Resolution& target) const;
  /// Of that resolution; null where there is none.
  const Calibration* calibration(const Resolution& resolution) const;
};

/// More than one needs the equation's residual.
constexpr int default_cycles(bool knows_equation) {
  return knows_equation ? 4 : 1;
}

std::map<std::string, std::string> to_metadata(const ModelCard& card);
/// Throws InvalidInput, naming `where`, for another schema, version or architecture.
ModelCard card_from_metadata(const std::map<std::string, std::string>& metadata, const std::string& where);

/// `model` is a checkpoint or a RUN folder that holds model.safetensors. Throws InvalidInput where there is none.
std::filesystem::path checkpoint_path(const std::filesystem::path& model);

/// Puts `calibrations` into the checkpoint, in place of those at the same resolutions. By rename.
void store_calibrations(const std::filesystem::path& checkpoint,
                        const std::vector<Calibration>& calibrations);

}  // namespace mano
