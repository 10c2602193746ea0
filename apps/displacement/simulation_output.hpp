#pragma once
// What `mano simulate` tells and writes: a summary, an animation for ParaView, curves as CSV, JSON and pictures.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/units.hpp"
#include "displacement/simulator.hpp"
#include "displacement/step_doubling.hpp"

namespace mano {

struct SimulationOutcome {
  std::string description;  ///< rock, grid and problem, for people
  Units units;
  std::vector<std::string> well_names;
  Field permeability;  ///< as the user gave it
  Displacement displacement;
  SimulationOptions options;
  SimulationResult result;
  std::optional<StepError> error;
  double seconds = 0.0;  ///< processor time of the run alone
};

void print_simulation(const SimulationOutcome& outcome);
nlohmann::json to_json(const SimulationOutcome& outcome);

/// FILE.pvd with FILE/NN.vti, one a snapshot; FILE.csv, FILE.json; FILE.png and FILE-wells.png where gnuplot is there. Files of the same
/// names are replaced. Returns what was written.
std::vector<std::string> write_simulation(const std::filesystem::path& pvd, const SimulationOutcome& outcome);

/// One row for each step: pore volumes injected, time, cut, recovery, and of each well and open side the rate of each fluid and the pressure.
std::string curves_csv(const SimulationOutcome& outcome);

}  // namespace mano
