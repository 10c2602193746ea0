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
  generate_shards(r, callbacks(), 0, 1);
  EXPECT_THROW(prepare(other), InvalidInput);
  merge_shards(r);
  EXPECT_EQ(prepare(r), Prepared::complete);
  EXPECT_THROW(prepare(other), InvalidInput);
  other.overwrite = true;
  EXPECT_EQ(prepare(other), Prepared::to_generate);
}

TEST_F(Generator, BeginsAnewWhereNothingWasFinished) {
  const auto r = request(520);
  auto other = r;
  other.configuration = R"({"seed": 6})";
  prepare(other);
  EXPECT_EQ(prepare(r), Prepared::to_generate);
  generate_shards(r, callbacks(), 0, 3);  // shard 0 alone
  EXPECT_THROW(prepare(other), InvalidInput);
  EXPECT_EQ(prepare(r), Prepared::to_generate);
}

TEST_F(Generator, LeavesAloneWhatNoGenerationMade) {
  const auto r = request(3);
  for (const char* folder : {"d.h5.part", "d.h5.part.removing"}) {
    for (const char* name : {"notes.txt", ".notes.tmp", "configuration.json"}) {
      const auto file = folder_.path() / folder / name;
      std::filesystem::create_directories(file.parent_path());
      std::ofstream(file) << "precious";
      EXPECT_THROW(prepare(r), InvalidInput) << file;
      EXPECT_TRUE(std::filesystem::exists(file));
      EXPECT_FALSE(std::filesystem::exists(file.parent_path() / "lock"));
      std::filesystem::remove_all(file.parent_path());
    }
    std::ofstream(folder_.path() / folder) << "precious";
    EXPECT_THROW(prepare(r), InvalidInput) << folder;
    EXPECT_TRUE(std::filesystem::is_regular_file(folder_.path() / folder));
    std::filesystem::remove(folder_.path() / folder);
  }
  prepare(r);
  generate_shards(r, callbacks(), 0, 1);
  std::ofstream(folder_.path() / "d.h5.part" / "notes.txt") << "put there meanwhile";
  merge_shards(r);
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "d.h5.part.removing" / "notes.txt"));
}

TEST_F(Generator, GoesOnFromWhateverAKillLeavesOfItsFolders) {
  const auto r = request(3);
  const auto part = folder_.path() / "d.h5.part";
  const auto removing = folder_.path() / "d.h5.part.removing";
  std::filesystem::create_directory(part);
  EXPECT_EQ(prepare(r), Prepared::to_generate);  // before the lock
  std::filesystem::remove(part / "configuration.json");
  std::ofstream(part / ".configuration.123.tmp.json") << "{";
  std::ofstream(part / ".configuration.json.probe.123").close();
  EXPECT_EQ(prepare(r), Prepared::to_generate);
  std::filesystem::create_directory(removing);
  std::ofstream(removing / "shard-000000-6x4.h5").close();
  std::ofstream(removing / "manifest-0.jsonl").close();
  std::ofstream(folder_.path() / ".d.h5.probe.123").close();
  std::ofstream(folder_.path() / ".d-3x2.h5.probe.123").close();
  run(r, 1);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 2);
}

TEST_F(Generator, MakesShardsAgainWhoseLinesAreDamaged) {
  const auto r = request(520);
  prepare(r);
  generate_shards(r, callbacks(), 0, 3);  // shard 0 alone
  std::ofstream(folder_.path() / "d.h5.part" / "manifest-0.jsonl", std::ios::app)
      << "{\"shard\":0}\n{\"shard\":\"x\",\"hashes\":[1,2]}\n{\"shard\":99,\"hashes\":[\"a\",\"b\"]}\n3\n[]\n"
      << "{\"shard\":1,\"hashes\":[7,{}]}\n{\"shard\":-1,\"hashes\":[\"a\",\"b\"]}\n";
  solved_ = 0;
  prepare(r);
  generate_shards(r, callbacks(), 0, 1);
  EXPECT_EQ(solved_, 2 * (520 - 256));
  merge_shards(r);
  EXPECT_EQ(DatasetReader(r.output).read(519).number, 519u);
}

TEST_F(Generator, RecordsTheToleranceThatWasReached) {
  auto r = request(520);
  r.tolerance = 1e-13;
  auto c = callbacks();
  const auto solve = c.solve;
  c.solve = [&](Sample& sample) {
    VerifiedSolution s = solve(sample);
    if (sample.number == 7) s.relative_residual = 3e-11;
    return s;
  };
  prepare(r);
  generate_shards(r, c, 0, 3);  // shard 0 alone
  generate_shards(r, c, 0, 1);
  merge_shards(r);
  for (std::size_t g : {0, 1}) EXPECT_EQ(DatasetReader(output_path(r, g)).info().tolerance, 3e-11);
}

TEST_F(Generator, RefusesWhatTheDiskCannotHold) {
  const auto r = request(std::numeric_limits<std::size_t>::max());
  EXPECT_THROW(prepare(r), InvalidInput);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

}  // namespace
}  // namespace mano
