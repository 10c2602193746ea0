// Ensemble statistics against the analytic values. Bounds are five standard errors of the estimate, from the spread over
// the samples themselves, plus what the truncation of modes is known to change.
#include "datagen/random_field.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>
#include <set>

#include "core/error.hpp"
#include "core/resample.hpp"
#include "tolerances.hpp"

namespace mano {
namespace {

struct Estimate {
  double mean = 0.0;
  double standard_error = 0.0;
};

Estimate ensemble(int samples, const std::function<double(std::uint64_t sample)>& statistic) {
  double sum = 0;
  double squares = 0;
  for (int s = 0; s < samples; ++s) {
    const double v = statistic(s);
    sum += v;
    squares += v * v;
  }
  const double mean = sum / samples;
  return {mean, std::sqrt(std::max(0.0, squares / samples - mean * mean) / samples)};
}

void expect_within(const Estimate& e, double exact, double slack, const std::string& what) {
  EXPECT_NEAR(e.mean, exact, 5 * e.standard_error + slack) << what << ", standard error " << e.standard_error;
}

// Mean over the grid of f(i, j) f(i + dx, j + dy).
double lagged_product(const Field& f, int dx, int dy) {
  double sum = 0;
  int count = 0;
  for (int j = 0; j + dy < f.grid.ny; ++j) {
    for (int i = 0; i + dx < f.grid.nx; ++i, ++count) sum += f(i, j) * f(i + dx, j + dy);
  }
  return sum / count;
}

double mean_of(const Field& f) {
  double sum = 0;
  for (double v : f.values) sum += v;
  return sum / static_cast<double>(f.values.size());
}

Field log_of(Field f) {
  for (double& v : f.values) v = std::log(v);
  return f;
}

TEST(Lognormal, HasTheMaternMeanVarianceAndCovariance) {
  for (double smoothness : {0.5, 1.5}) {
    FieldSpec spec;
    spec.kind = "lognormal";
    spec.mean = 0.7;
    spec.deviation = 1.3;
    spec.correlation_length_x = 0.2;
    spec.correlation_length_y = 0.1;
    spec.smoothness = smoothness;
    const Grid g{32, 32, 2.0, 1.0};
    const int samples = 400;
    const auto centred = [&](std::uint64_t s) {
      Field f = log_of(draw_field(spec, 5, s, g));
      for (double& v : f.values) v -= spec.mean;
      return f;
    };
    const double variance = spec.deviation * spec.deviation;
    // 1 % of the variance, in the highest modes, is moved to the lower ones.
    const double slack = 0.012 * variance;
    expect_within(ensemble(samples, [&](auto s) { return mean_of(centred(s)); }), 0.0, 0.0, "mean");
    for (auto [dx, dy] : {std::pair{0, 0}, {1, 0}, {0, 1}, {3, 0}, {0, 3}, {4, 4}, {8, 0}}) {
      const double exact = variance * matern_covariance(spec, dx * g.hx(), dy * g.hy());
      expect_within(
          ensemble(samples, [&, dx = dx, dy = dy](auto s) { return lagged_product(centred(s), dx, dy); }),
          exact, slack, "covariance at lag " + std::to_string(dx) + "," + std::to_string(dy));
    }
  }
}

TEST(Lognormal, CovarianceIsExponentialForSmoothnessOneHalf) {
  const FieldSpec spec{
      .kind = "lognormal", .correlation_length_x = 0.3, .correlation_length_y = 0.3, .smoothness = 0.5};
  EXPECT_NEAR(matern_covariance(spec, 0.3, 0.0), std::exp(-1.0), tolerance::kExact);
  EXPECT_NEAR(matern_covariance(spec, 0.3, 0.4), std::exp(-5.0 / 3.0), tolerance::kExact);
}

// Covariance of sum xi lambda^(1/2) phi at two points, summed independently of the field's transform.
double neumann_covariance(double x1, double y1, double x2, double y2) {
  using std::numbers::pi;
  double sum = 0;
  for (int n = 0; n < 200; ++n) {
    for (int m = n == 0 ? 1 : 0; m < 200; ++m) {
      const double norm = (m ? 2.0 : 1.0) * (n ? 2.0 : 1.0);
      sum += norm * std::pow(pi * pi * (m * m + n * n) + 9, -2) * std::cos(pi * m * x1) *
             std::cos(pi * m * x2) * std::cos(pi * n * y1) * std::cos(pi * n * y2);
    }
  }
  return sum;
}

TEST(TwoPhase, GaussianHasTheLiteraturesCovariance) {
  const Grid g{16, 16};
  const int samples = 3000;
  for (auto [i1, j1, i2, j2] :
       {std::array{8, 8, 8, 8}, {0, 0, 0, 0}, {2, 8, 6, 8}, {2, 3, 12, 9}, {0, 0, 15, 15}}) {
    const double exact = neumann_covariance(g.x(i1), g.y(j1), g.x(i2), g.y(j2));
    expect_within(ensemble(samples,
                           [&, i1 = i1, j1 = j1, i2 = i2, j2 = j2](auto s) {
                             const Field f = draw_neumann_gaussian(3.0, 11, s, g);
                             return f(i1, j1) * f(i2, j2);
                           }),
                  exact, 1e-3 * neumann_covariance(0.5, 0.5, 0.5, 0.5), "covariance");
  }
  expect_within(ensemble(samples, [&](auto s) { return mean_of(draw_neumann_gaussian(3.0, 11, s, g)); }), 0,
                0, "mean");
}

TEST(TwoPhase, OfALargerDomainIsTheSameWhereItsLengthIsAsMuchLarger) {
  EXPECT_EQ(1 / FieldSpec{}.phase_length, 3.0);
  const FieldSpec wide{.phase_length = 500.0 / 3};
  for (std::uint64_t s = 0; s < 5; ++s) {
    const auto unit = draw_field({}, 3, s, Grid{16, 12}).values;
    EXPECT_EQ(draw_field(wide, 3, s, Grid{16, 12, 500, 500}).values, unit);
    EXPECT_NE(draw_field({}, 3, s, Grid{16, 12, 500, 500}).values, unit);
  }
}

TEST(FieldSpec, TellsHowManyCellsItsLengthHas) {
  EXPECT_DOUBLE_EQ(cells_in_length({}, Grid{30, 60}), 10);
  EXPECT_DOUBLE_EQ(cells_in_length({.kind = "lognormal", .correlation_length_y = 0.05}, Grid{10, 10}), 0.5);
  EXPECT_DOUBLE_EQ(cells_in_length({.kind = "lognormal", .correlation_length_z = 0.02},
                                   Grid{.nx = 10, .ny = 10, .nz = 10}),
                   0.2);
  EXPECT_EQ(cells_in_length({.kind = "channels"}, Grid{10, 10, 1000, 1000}),
            std::numeric_limits<double>::infinity());
}

TEST(TwoPhase, TakesTheTwoPermeabilitiesEquallyOften) {
  const Grid g{16, 16};
  FieldSpec spec;
  const auto share = ensemble(2000, [&](auto s) {
    const Field k = draw_field(spec, 3, s, g);
    double high = 0;
    for (double v : k.values) {
      EXPECT_TRUE(v == 3.0 || v == 12.0);
      high += v == 12.0;
    }
    return high / 256;
  });
  expect_within(share, 0.5, 0.0, "share of the higher permeability");
}

TEST(Layered, CovarianceAcrossLayersIsThatOfRandomDepths) {
  FieldSpec spec;
  spec.kind = "layered";
  spec.layers = 6;
  spec.deviation = 0.8;
  spec.mean = -1.0;
  const Grid g{2, 40, 1.0, 2.0};
  const auto centred = [&](std::uint64_t s) {
    Field f = log_of(draw_field(spec, 4, s, g));
    for (double& v : f.values) v -= spec.mean;
    return f;
  };
  expect_within(ensemble(4000, [&](auto s) { return mean_of(centred(s)); }), 0, 0, "mean");
  for (int dy : {0, 1, 4, 10, 20}) {
    // Two depths share a layer where none of the layers - 1 tops falls between them.
    const double exact = 0.64 * std::pow(1 - dy * g.hy() / g.ly, spec.layers - 1);
    expect_within(ensemble(4000, [&](auto s) { return lagged_product(centred(s), 0, dy); }), exact, 0,
                  "lag " + std::to_string(dy));
  }
}

TEST(Channels, CoverTheShareThatIndependentPlacingGives) {
  FieldSpec spec;
  spec.kind = "channels";
  spec.channels = 3;
  spec.channel_width = 0.1;
  spec.contrast = 50;
  const Grid g{8, 60};
  const auto outside = [&](std::uint64_t s) {
    Field f = draw_field(spec, 6, s, g);
    for (double& v : f.values) v = v == 1.0;
    return f;
  };
  // None of three channels covers a point; neither of two points at a vertical lag.
  expect_within(ensemble(3000, [&](auto s) { return mean_of(outside(s)); }), std::pow(0.9, 3), 0, "share");
  for (int dy : {1, 3, 12}) {
    const double joint = std::pow(1 - 0.1 - std::min(0.1, dy * g.hy()), 3);
    expect_within(ensemble(3000, [&](auto s) { return lagged_product(outside(s), 0, dy); }), joint, 0, "lag");
  }
}

// The same physical field at any resolution: where cell centres of two grids coincide, so do the values.
TEST(Fields, AreTheSameAtEveryResolution) {
  for (const char* kind : {"two-phase", "lognormal", "layered", "channels"}) {
    FieldSpec spec;
    spec.kind = kind;
    const Grid coarse{5, 7, 2.0, 1.0};
    const Grid fine{45, 21, 2.0, 1.0};  // odd multiples share centres
    const Field a = draw_field(spec, 9, 2, coarse);
    const Field b = draw_field(spec, 9, 2, fine);
    for (int j = 0; j < coarse.ny; ++j) {
      for (int i = 0; i < coarse.nx; ++i) {
        EXPECT_NEAR(a(i, j) / b(9 * i + 4, 3 * j + 1), 1.0, 1e-9) << kind << " " << i << " " << j;
      }
    }
  }
}

TEST(Fields, OfDifferentSamplesAndSeedsDiffer) {
  FieldSpec spec;
  spec.kind = "lognormal";
  const Grid g{8, 8};
  std::set<double> first;
  for (std::uint64_t seed : {0, 1}) {
    for (std::uint64_t sample : {0, 1, 2}) first.insert(draw_field(spec, seed, sample, g)(0, 0));
  }
  EXPECT_EQ(first.size(), 6u);
  EXPECT_EQ(draw_field(spec, 1, 2, g).values, draw_field(spec, 1, 2, g).values);
}

TEST(Fields, RefuseParametersOutOfRange) {
  const Grid g{4, 4};
  FieldSpec spec;
  spec.kind = "marble";
  EXPECT_THROW(draw_field(spec, 0, 0, g), InvalidInput);
  spec.kind = "two-phase";
  spec.low = 0;
  EXPECT_THROW(draw_field(spec, 0, 0, g), InvalidInput);
  spec.kind = "lognormal";
  spec.correlation_length_x = -1;
  EXPECT_THROW(draw_field(spec, 0, 0, g), InvalidInput);
  spec.correlation_length_x = 3;
  EXPECT_THROW(draw_field(spec, 0, 0, g), InvalidInput);
}

}  // namespace
}  // namespace mano
