#pragma once
// What is done to a prediction, and said of it, beyond the network: its interval, multigrid's estimate of its error, correction by
// cycles, and a conservative flux.

#include <optional>
#include <string>
#include <vector>

#include "datagen/dataset.hpp"
#include "solver/flow.hpp"
#include "surrogate/surrogate.hpp"

namespace mano {

struct PredictionOptions {
  Method method = Method::multigrid;
  bool estimate = false;
  int correct = 0;  ///< cycles
  bool conservative = false;
  bool interval = true;  ///< false where the data are not the model's kind

  bool needs_equation() const { return estimate || correct > 0 || conservative; }
};

inline constexpr int kEstimateCycles = 2;
inline constexpr int kMostCorrectionCycles = 100;
inline constexpr double kConservative = 1e-8;  ///< relative residual of a conservative flux

struct Prediction {
  Field pressure;                       ///< corrected, where that was asked for
  std::optional<Field> error_estimate;  ///< of pressure - solution
  std::optional<double>
      estimated_relative_l2;  ///< |error_estimate| / |pressure - error_estimate|, where something flows
  std::optional<double>
      half_width;  ///< of the interval, of the hierarchy's uncorrected prediction alone; not a number where the rock is unlike training's
  std::optional<FaceFlux> conservative_flux;
  int conservative_cycles = 0;
  double conservative_seconds = 0.0;                        ///< of those cycles and their hierarchy
  std::optional<std::vector<std::string>> unlike_training;  ///< in what; none where the model does not know
};

/// Throws InvalidInput where `options` need an equation that the data at `where` do not tell.
void check_equation(const PredictionOptions& options, const std::string& problem_name, Location location,
                    const std::string& where);

/// Throws InvalidInput where the pressure of a sample whose equation is known is no solution of it, as those of `mano predict` are not.
void check_solved(const Sample& sample, const std::string& problem_name, Location location,
                  const std::string& where);

/// Of the samples' permeabilities and active cells.
std::vector<Prediction> predict_samples(const Surrogate& surrogate, const std::vector<Sample>& samples,
                                        const std::string& problem_name, const PredictionOptions& options);

}  // namespace mano
