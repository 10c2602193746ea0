// Generation with a solver that the test hands in: shards, resuming, refusal. The real solver and real kills are in
// tests/apps/pipeline_test.py.
#include "datagen/generator.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "core/error.hpp"
#include "temporary_folder.hpp"

namespace mano {
namespace {

// As a process that starts anew, and holds its lock no longer than this call.
Prepared prepare(const GenerateRequest& request) {
  GenerationLock lock;
  return prepare_generation(request, lock);
}

class Generator : public ::testing::Test {
 protected:
  GenerateRequest request(std::size_t samples) const {
    GenerateRequest r;
    r.output = folder_.path() / "d.h5";
    r.grids = {Grid{6, 4}, Grid{3, 2}};
    r.samples = samples;
    r.seed = 5;
    r.problem_name = "benchmark";
    r.field = "two-phase";
    r.configuration = "{}";
    return r;
  }

  GenerateCallbacks callbacks() {
    GenerateCallbacks c;
    c.draw = [](std::uint64_t number, const Grid& g) {
      return Sample{.permeability = Field(g, 1.0 + static_cast<double>(number))};
    };
    c.solve = [this](Sample& sample) {
      ++solved_;
      VerifiedSolution s{sample.permeability, 4, 1e-12, ""};
      s.pressure.values[1] = static_cast<double>(sample.permeability.grid.nx);
      return s;
    };
    return c;
  }

  void run(const GenerateRequest& r, int ranks) {
    prepare(r);
    for (int rank = ranks - 1; rank >= 0; --rank) generate_shards(r, callbacks(), rank, ranks);
    merge_shards(r);
  }

  TemporaryFolder folder_;
  int solved_ = 0;
};

TEST_F(Generator, WritesOneFileAResolutionAndNothingElse) {
  const auto r = request(520);
  run(r, 3);
  EXPECT_EQ(solved_, 1040);
  for (std::size_t g : {0, 1}) {
    const DatasetReader reader(output_path(r, g));
    EXPECT_EQ(reader.info().samples, 520u);
    EXPECT_EQ(reader.info().grid, r.grids[g]);
    for (std::size_t s : {0, 255, 256, 519}) {
      EXPECT_EQ(reader.read(s).permeability.values[0], 1.0 + static_cast<double>(s));
      EXPECT_EQ(reader.read(s).pressure.values[1], r.grids[g].nx);
      EXPECT_EQ(reader.read(s).number, s);
    }
  }
  EXPECT_EQ(output_path(r, 1).filename(), "d-3x2.h5");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 2);
}

TEST_F(Generator, GoesOnWithFinishedShardsAndRedoesDamagedOnes) {
  const auto r = request(520);
  prepare(r);
  generate_shards(r, callbacks(), 0, 3);  // shard 0 alone
  EXPECT_EQ(solved_, 512);
  // A line that a kill cut off, and a shard that was damaged.
  std::ofstream(folder_.path() / "d.h5.part" / "manifest-0.jsonl", std::ios::app) << R"({"shard": 1, "ha)";
  solved_ = 0;
  prepare(r);
  generate_shards(r, callbacks(), 0, 1);
  EXPECT_EQ(solved_, 2 * (520 - 256));
  std::ofstream(folder_.path() / "d.h5.part" / "shard-000001-3x2.h5", std::ios::app) << "x";
  solved_ = 0;
  generate_shards(r, callbacks(), 0, 2);
  generate_shards(r, callbacks(), 1, 2);
  EXPECT_EQ(solved_, 512);
  merge_shards(r);
  EXPECT_EQ(DatasetReader(r.output).read(519).number, 519u);
}

TEST_F(Generator, StoresNothingThatWasRejectedOrIsNotFinite) {
  const auto r = request(3);
  prepare(r);
  for (const bool reject : {true, false}) {
    auto c = callbacks();
    c.solve = [&](Sample& sample) {
      VerifiedSolution s{sample.permeability, 4, 1e-12, reject ? "wrong by design" : ""};
      if (!reject) s.pressure.values[2] = std::numeric_limits<double>::quiet_NaN();
      return s;
    };
    EXPECT_THROW(generate_shards(r, c, 0, 1), RunFailed);
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path() / "d.h5.part")) {
      EXPECT_NE(entry.path().extension(), ".h5") << entry.path();
    }
  }
}

TEST_F(Generator, RefusesAnotherRequestAndExistingFiles) {
  auto r = request(3);
  prepare(r);
  auto other = r;
  other.configuration = R"({"seed": 6})";
  EXPECT_THROW(prepare(other), InvalidInput);
  generate_shards(r, callbacks(), 0, 1);
  merge_shards(r);
  EXPECT_EQ(prepare(r), Prepared::complete);
  EXPECT_THROW(prepare(other), InvalidInput);
  other.overwrite = true;
  EXPECT_EQ(prepare(other), Prepared::to_generate);
}

}  // namespace
}  // namespace mano
