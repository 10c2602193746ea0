#include "datagen/field_sampler.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

double largest_difference(const Field& a, const Field& b) {
  EXPECT_EQ(a.grid, b.grid);
  double largest = 0.0;
  for (std::size_t c = 0; c < a.values.size(); ++c)
    largest = std::max(largest, std::abs(std::log(a.values[c] / b.values[c])));
  return largest;
}

FieldSpec lognormal(double smoothness, double length) {
  FieldSpec spec;
  spec.kind = "lognormal";
  spec.mean = 0.3;
  spec.deviation = 1.2;
  spec.smoothness = smoothness;
  spec.correlation_length_x = length;
  spec.correlation_length_y = 0.5 * length;
  return spec;
}

TEST(FieldSampler, DrawsTheGeneratorsFieldsOnAllGridsAtOnce) {
  // Odd, even and oblong grids; some fold modes beyond their Nyquist frequency back.
  const std::vector<Grid> grids{{17, 9, 2.0, 1.0}, {16, 32, 2.0, 1.0}, {64, 31, 2.0, 1.0}, {1, 4, 2.0, 1.0}};
  for (const char* kind : {"lognormal", "two-phase", "layered", "channels"}) {
    FieldSpec spec = lognormal(0.5, 0.2);
    spec.kind = kind;
    std::vector<FieldSampler::Target> targets;
    targets.reserve(grids.size());
    for (const Grid& grid : grids) targets.push_back({grid, false});
    FieldSampler sampler(spec, 7, targets);
    for (std::uint64_t sample : {3u, 4u}) {
      const std::vector<Field>& fields = sampler.draw(sample);
      for (std::size_t g = 0; g < grids.size(); ++g)
        EXPECT_LT(largest_difference(fields[g], draw_field(spec, 7, sample, grids[g])), 1e-11)
            << kind << " " << grids[g].resolution();
    }
  }
}

TEST(FieldSampler, LeavesNothingOutWhereTheGridResolvesAll) {
  const FieldSpec spec = lognormal(2.5, 0.8);
  const Grid grid{64, 64};
  FieldSampler sampler(spec, 1, {{grid, true}});
  EXPECT_LT(largest_difference(sampler.draw(5)[0], draw_field(spec, 1, 5, grid)), 1e-11);
}

TEST(FieldSampler, LeavesOutWhatACoarseGridCannotShow) {
  // Rough rock at the same eight by eight points: the coarse grid has a part of the variance, and what it has is the fine one's.
  FieldSpec spec = lognormal(0.5, 0.2);
  spec.deviation = 1.0;
  spec.mean = 0.0;
  FieldSampler sampler(spec, 2, {{{8, 8}, true}, {{8, 8}, false}, {{128, 128}, true}});
  double resolved = 0.0, whole = 0.0, mean_coarse = 0.0, mean_fine = 0.0, difference = 0.0;
  constexpr int kSamples = 200;
  for (int s = 0; s < kSamples; ++s) {
    const std::vector<Field>& k = sampler.draw(s);
    for (std::size_t c = 0; c < 64; ++c) {
      resolved += std::pow(std::log(k[0].values[c]), 2) / (64 * kSamples);
      whole += std::pow(std::log(k[1].values[c]), 2) / (64 * kSamples);
    }
    mean_coarse = mean_fine = 0.0;
    for (double v : k[0].values) mean_coarse += std::log(v) / 64;
    for (double v : k[2].values) mean_fine += std::log(v) / (128 * 128);
    difference += std::pow(mean_coarse - mean_fine, 2) / kSamples;
  }
  EXPECT_NEAR(whole, 1.0, 0.05);
  EXPECT_LT(resolved, 0.8);
  EXPECT_GT(resolved, 0.6);
  EXPECT_LT(std::sqrt(difference), 0.05);  // the mean over the domain itself varies by about 0.3
}

TEST(FieldSampler, RefusesWhatItCannotDraw) {
  EXPECT_THROW(FieldSampler(lognormal(0.5, 0.2), 1, {}), InvalidInput);
  EXPECT_THROW(FieldSampler(lognormal(0.5, 0.2), 1, {{{8, 8}, true}, {{8, 8, 2.0, 1.0}, true}}),
               InvalidInput);
  EXPECT_THROW(FieldSampler(lognormal(0.5, 5.0), 1, {{{8, 8}, true}}), InvalidInput);
}

}  // namespace
}  // namespace mano
