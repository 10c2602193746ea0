#include "apps/displacement/dataset_displacement.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace mano {
namespace {

Sample rock() {
  Sample sample;
  sample.permeability = Field(Grid{10, 8, 2.0, 1.0}, 1.0);
  for (std::size_t c = 0; c < 80; ++c) sample.permeability.values[c] = 1.0 + static_cast<double>(c * c % 7);
  return sample;
}

DatasetInfo info_of(const DisplacementSource& source) {
  DatasetInfo info;
  info.grid = rock().permeability.grid;
  info.problem_name = source.problem_name();
  info.times = source.times();
  info.displacement = source.description();
  info.units = source.units();
  return info;
}

TEST(DisplacementSource, WhatADatasetSaysGivesTheSameSimulation) {
  DisplacementOptions plain, other;
  other.fluids = "co2-brine";
  other.viscosity_ratio = 12.5;
  other.exponents = "3,1.5";
  other.porosity = "0.2";
  other.until = "0.3pv";
  other.snapshots = 3;
  other.step_tolerance = 0.2;
  FlowOptions wells;
  wells.wells = {"0.3,0.2,rate=2", "1.8,0.9,bhp=1,radius=0.01"};
  wells.left = "flux=-0.5";
  wells.anisotropy = 0.5;
  FlowOptions drive;
  drive.problem_name = "drive";
  std::vector<std::string> names;
  for (const auto& [options, flow] : {std::pair{plain, FlowOptions{}}, {other, wells}, {plain, drive}}) {
    const DisplacementSource source(options, flow, {}, 1e-9);
    const DisplacementSource again(info_of(source));
    EXPECT_EQ(again.problem_name(), source.problem_name());
    EXPECT_EQ(again.description(), source.description());
    EXPECT_EQ(again.times(), source.times());
    const SimulationResult a = simulate(source.displacement(rock()), source.options());
    const SimulationResult b = simulate(again.displacement(rock()), again.options());
    for (std::size_t t = 0; t < a.snapshots.size(); ++t) {
      EXPECT_EQ(a.snapshots[t].saturation.values, b.snapshots[t].saturation.values);
      EXPECT_EQ(a.snapshots[t].pressure.values, b.snapshots[t].pressure.values);
      EXPECT_EQ(a.snapshots[t].at.time, b.snapshots[t].at.time);
    }
    names.push_back(source.problem_name());
  }
  EXPECT_EQ(names[0], kDisplacementProblem);
  EXPECT_TRUE(is_displacement(names[1]) && is_displacement(names[2]) && names[1] != names[2] &&
              names[1] != names[0]);
}

TEST(DisplacementSource, RefusesWhatIsNone) {
  DatasetInfo info = info_of(DisplacementSource(DisplacementOptions{}, {}, {}, 1e-10));
  info.displacement = R"({"flow": {}})";
  EXPECT_THROW(DisplacementSource{info}, InvalidInput);
  info.times.clear();
  EXPECT_THROW(DisplacementSource{info}, InvalidInput);
  DisplacementOptions file;
  file.porosity = "poro.h5";
  EXPECT_THROW(DisplacementSource(file, {}, {}, 1e-10), InvalidInput);
}

TEST(VerifiedDisplacement, TakesAGoodOneAndRejectsAPressureThatIsTooFarOff) {
  const DisplacementSource source(DisplacementOptions{}, {}, {}, 1e-10);
  const Displacement d = source.displacement(rock());
  const VerifiedSolution good = verified_displacement(d, source.options(), 1e-10);
  EXPECT_EQ(good.rejection, "");
  EXPECT_EQ(good.history.saturation.size(), 12u);
  EXPECT_LE(good.relative_residual, 1e-12);
  SimulationOptions rough = source.options();
  rough.pressure_tolerance = 1e-3;
  EXPECT_NE(verified_displacement(d, rough, 1e-10).rejection.find("relative residual"), std::string::npos);
}

}  // namespace
}  // namespace mano
