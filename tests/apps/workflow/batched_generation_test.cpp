// Generation from samples that come many at once: whole files, what a kill leaves, and solutions that are wrong.
#include "apps/workflow/batched_generation.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "temporary_folder.hpp"

namespace mano {
namespace {

class BatchedGeneration : public ::testing::Test {
 protected:
  GenerateRequest request() const {
    GenerateRequest r;
    r.output = folder_.path() / "d.h5";
    r.grids = {Grid{12, 8}, Grid{6, 4}};
    r.samples = 300;
    r.first = 1000;
    r.seed = 5;
    r.problem_name = "drive";
    r.field = "two-phase";
    r.configuration = "{}";
    return r;
  }

  std::unique_ptr<SampleMaker> threads(const Grid& grid) const {
    return samples_by_threads({{}, 5, grid, "drive", 1e-10}, 2);
  }

  void generate(const GenerateRequest& r) {
    GenerationLock lock;
    prepare_generation(r, lock);
    generate_in_batches(r, [&](const Grid& grid) { return threads(grid); }, {});
    merge_shards(r);
  }

  TemporaryFolder folder_;
};

TEST_F(BatchedGeneration, FilesHoldTheFieldsOfTheirNumbersAndTheirSolutions) {
  const auto r = request();
  generate(r);
  for (std::size_t g = 0; g < 2; ++g) {
    const DatasetReader reader(output_path(r, g));
    ASSERT_EQ(reader.info().samples, 300u);
    for (const std::size_t i : {0, 255, 256, 299}) {  // shards have 256
      const Sample s = reader.read(i);
      EXPECT_EQ(s.number, 1000 + i);
      EXPECT_EQ(s.permeability.values, draw_field(FieldSpec{}, 5, 1000 + i, r.grids[g]).values);
      EXPECT_LE(s.residual, 1e-10);
      EXPECT_EQ(s.solver, "multigrid");
    }
  }
}

class Wrong : public SampleMaker {
 public:
  explicit Wrong(std::unique_ptr<SampleMaker> right, std::size_t cells)
      : right_(std::move(right)), cells_(cells) {}
  std::vector<BatchedSample> make(std::uint64_t first, int n, double* k, double* p) override {
    auto samples = right_->make(first, n, k, p);
    if (n > 17) p[17 * cells_ + 3] *= 1.001;
    return samples;
  }

 private:
  std::unique_ptr<SampleMaker> right_;
  std::size_t cells_;
};

TEST_F(BatchedGeneration, AWrongSolutionIsNotStoredWhateverItsMakerSays) {
  const auto r = request();
  GenerationLock lock;
  prepare_generation(r, lock);
  const auto wrong = [&](const Grid& grid) { return std::make_unique<Wrong>(threads(grid), grid.cells()); };
  try {
    generate_in_batches(r, wrong, {});
    FAIL();
  } catch (const RunFailed& e) {
    EXPECT_NE(std::string(e.what()).find("sample 1017 at 12x8: relative residual"), std::string::npos)
        << e.what();
  }
  EXPECT_FALSE(std::filesystem::exists(r.output));
}

}  // namespace
}  // namespace mano
