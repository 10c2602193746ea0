// A network that learns a displacement in time.

#include "core/error.hpp"
#include "core/norms.hpp"
#include "surrogate/history.hpp"
#include "surrogate/surrogate.hpp"
#include "surrogate/training/train_fixture.hpp"

namespace mano {
namespace {

class TrainHistory : public Train {
 protected:
  static constexpr int kTimes = 3;

  // What a guess from the left leaves out: less where the rock is tight.
  static Field saturation(const Field& k, double time, bool guess) {
    Field s(k.grid);
    for (int j = 0; j < k.grid.ny; ++j) {
      for (int i = 0; i < k.grid.nx; ++i) {
        const double x = k.grid.x(i) / k.grid.lx;
        s(i, j) = std::clamp(time - x + 0.5, 0.0, 1.0) * (guess || k(i, j) > 6.0 ? 1.0 : 0.8);
      }
    }
    return s;
  }

  static HistoryGuess guess(const Field& k, const std::vector<double>& times) {
    HistoryGuess guess{{}, pressure(k, 0.0)};
    for (double time : times) guess.saturation.push_back(saturation(k, time, true));
    return guess;
  }

  // From 3 to 2 along x, and more as time goes on.
  static Field pressure(const Field& k, double time) {
    Field p(k.grid);
    for (int j = 0; j < k.grid.ny; ++j)
      for (int i = 0; i < k.grid.nx; ++i) p(i, j) = 3.0 - k.grid.x(i) / k.grid.lx + 0.1 * time;
    return p;
  }

  // With `holed` a block of cells is inactive.
  std::filesystem::path displacements(const std::string& name, std::size_t samples, const Grid& grid,
                                      bool holed = false) {
    DatasetInfo info;
    info.has_inactive = holed;
    info.grid = grid;
    info.samples = samples;
    info.problem_name = "displacement";
    info.field = "two-phase";
    info.configuration = "{}";
    info.times = {0.2, 0.4, 0.6};
    info.displacement = R"({"flow":{"driven_by":"drive"}})";
    const auto path = folder_.path() / name;
    DatasetWriter writer(path, info);
    for (std::size_t s = 0; s < samples; ++s) {
      Sample sample;
      sample.permeability = draw_field({}, 1, s, grid);
      if (holed) sample.active = {grid, std::vector<std::uint8_t>(grid.cells(), 1)};
      for (int c = 0; holed && c < grid.nx * grid.ny; ++c) {
        if (c % grid.nx >= grid.nx / 2 && c / grid.nx >= grid.ny / 2) sample.active.values[c] = 0;
      }
      for (double time : info.times) {
        sample.history.saturation.push_back(saturation(sample.permeability, time, false));
        sample.history.pressure.push_back(pressure(sample.permeability, time));
        sample.history.water_cut.push_back(0.0);
        sample.history.recovery.push_back(time);
        sample.history.elapsed_time.push_back(time);
      }
      writer.write(s, sample);
    }
    writer.close();
    return path;
  }

  TrainRequest history_request(const std::filesystem::path& data, const std::string& run, int epochs) {
    TrainRequest r = request(data, run, epochs);
    r.first_guess = [](const DatasetInfo& info, const Sample& sample) {
      return KnownBefore{guess(sample.permeability, info.times),
                         Field(info.grid, 1.0 / static_cast<double>(info.grid.cells()))};
    };
    return r;
  }

  // Mean relative L2 over space and time, of what the network adds or of the guess alone.
  double error(const HistorySurrogate* surrogate, const DatasetReader& data,
               Method method = Method::multigrid) {
    double sum = 0.0;
    for (std::size_t s = 0; s < data.info().samples; ++s) {
      const Sample sample = data.read(s);
      const HistoryGuess known = guess(sample.permeability, data.info().times);
      std::vector<Field> found = known.saturation;
      if (surrogate != nullptr) {
        const History history = surrogate->predict({sample.permeability}, {known}, method).front();
        found = history.saturation;
        EXPECT_LT(relative_l2(history.pressure, sample.history.pressure), 0.01);
      }
      sum += relative_l2(found, sample.history.saturation) / static_cast<double>(data.info().samples);
    }
    return sum;
  }
};

TEST_F(TrainHistory, AddsToTheGuessWhatItLeavesOut) {
  const auto data = displacements("d.h5", 40, {8, 8});
  const TrainResult result = train(history_request(data, "run", 80), {});
  EXPECT_EQ(result.refinement_parameters, 0);
  const HistorySurrogate surrogate(folder_.path() / "run", "cpu");
  const DatasetReader reader(data, DatasetKind::displacement);
  const double guess = error(nullptr, reader), learnt = error(&surrogate, reader);
  EXPECT_GT(guess, 0.08);
  EXPECT_LT(learnt, 0.25 * guess);
  EXPECT_LT(result.best_l2, 0.5 * guess);
  const ModelCard& card = surrogate.card();
  ASSERT_TRUE(card.history.has_value());
  EXPECT_EQ(card.history->times, (std::vector<double>{0.2, 0.4, 0.6}));
  EXPECT_EQ(card.architecture.channels_in, 3 + kTimes + 1);
  EXPECT_GT(card.history->std_pressure_correction.value_or(0), 0.0);
  EXPECT_EQ(card.architecture.channels_out, 2 * kTimes);
  EXPECT_EQ(card.calibrations.size(), 0u);  // 8 held-out fields are too few
  EXPECT_NEAR(card.history->least_saturation, 0.0, 1e-6);
  EXPECT_TRUE(predicts_history(folder_.path() / "run"));
}

// The prediction is 0 in inactive cells, and the guess of a pressure there makes no difference.
TEST_F(TrainHistory, LearnsWithInactiveCells) {
  const DatasetReader data(displacements("d.h5", 40, {8, 8}, true), DatasetKind::displacement);
  train(history_request(data.path(), "run", 40), {});
  const HistorySurrogate surrogate(folder_.path() / "run", "cpu");
  double learnt = 0.0, guessed = 0.0;
  for (std::size_t s = 0; s < 40; ++s) {
    const Sample sample = data.read(s);
    HistoryGuess known = guess(sample.permeability, data.info().times);
    const Field rock = rock_of(sample.permeability, sample.active);
    const History history = surrogate.predict({rock}, {known}).front();
    EXPECT_EQ(history.saturation[1](6, 6), 0.0);
    EXPECT_EQ(history.pressure[1](6, 6), 0.0);
    learnt += relative_l2(history.saturation, sample.history.saturation);
    known.pressure(6, 6) += 100.0;
    const History again = surrogate.predict({rock}, {known}).front();
    EXPECT_LT(relative_l2(again.saturation, history.saturation), 1e-6);
    for (Field& field : known.saturation) field = with_inactive(field, sample.active, 0.0);
    guessed += relative_l2(known.saturation, sample.history.saturation);
  }
  EXPECT_LT(learnt, 0.6 * guessed);
}

// A constant added to the guess of the pressure is added to the predicted pressures, and changes nothing else.
TEST_F(TrainHistory, KnowsNoLevelOfThePressure) {
  train(history_request(displacements("d.h5", 10, {8, 8}), "run", 2), {});
  const HistorySurrogate surrogate(folder_.path() / "run", "cpu");
  const Field k = draw_field({}, 1, 3, {8, 8});
  HistoryGuess low = guess(k, {0.2, 0.4, 0.6}), high = low;
  for (double& p : high.pressure.values) p += 64.0;
  const History a = surrogate.predict({k}, {low}).front(), b = surrogate.predict({k}, {high}).front();
  for (std::size_t c = 0; c < k.values.size(); ++c) {
    EXPECT_NEAR(b.saturation[1].values[c], a.saturation[1].values[c], 1e-5);
    EXPECT_NEAR(b.pressure[1].values[c], a.pressure[1].values[c] + 64.0, 1e-4);
  }
}

// On a grid that training did not see the guess is the fine grid's own, and what the network adds comes from the coarse one.
TEST_F(TrainHistory, OnAFinerGridWhatItAddsIsInterpolated) {
  train(history_request(displacements("d.h5", 40, {8, 8}), "run", 80), {});
  const HistorySurrogate surrogate(folder_.path() / "run", "cpu");
  const DatasetReader fine(displacements("fine.h5", 6, {16, 16}), DatasetKind::displacement);
  EXPECT_LT(error(&surrogate, fine), 0.6 * error(nullptr, fine));
  EXPECT_LT(error(&surrogate, fine, Method::interleaved), 0.6 * error(nullptr, fine));
  EXPECT_THROW(error(&surrogate, fine, Method::jacobi), InvalidInput);
}

TEST_F(TrainHistory, ModelsOfDisplacementsAndOfSteadyFlowRefuseEachOthersPlace) {
  train(history_request(displacements("d.h5", 10, {8, 8}), "run", 1), {});
  EXPECT_THROW(Surrogate(folder_.path() / "run", "cpu"), InvalidInput);
  train(request(dataset("s.h5", 10, {8, 8}), "steady", 1), {});
  EXPECT_THROW(HistorySurrogate(folder_.path() / "steady", "cpu"), InvalidInput);
  EXPECT_FALSE(predicts_history(folder_.path() / "steady"));
  const HistorySurrogate surrogate(folder_.path() / "run", "cpu");
  EXPECT_THROW(surrogate.predict({Field({8, 8}, 1.0)}, {{{Field({8, 8})}, Field({8, 8})}}),
               InvalidInput);  // one guess, three times
  // Steady flow and displacements do not mix.
  TrainRequest both = history_request(folder_.path() / "d.h5", "both", 1);
  both.data.push_back(folder_.path() / "s.h5");
  EXPECT_THROW(train(both, {}), InvalidInput);
}

TEST_F(TrainHistory, ResumesBitForBit) {
  const auto data = displacements("d.h5", 20, {8, 8});
  train(history_request(data, "whole", 4), {});
  TrainRequest parts = history_request(data, "parts", 4);
  EXPECT_THROW(train(parts, stop_after(2)), Stop);
  parts.resume = true;
  train(parts, {});
  expect_equal_bits("whole", "parts");
}

}  // namespace
}  // namespace mano
