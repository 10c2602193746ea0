#include "ensemble/multilevel.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <numbers>

#include "core/error.hpp"

namespace mano {
namespace {

// Q_l(z) = exp(z_0 / 2) + 2^-l (1 + z_1) / 4, its limit exp(z_0 / 2); cost 4^l. The surrogate is Q_l plus noise, or noise alone.
class Toy : public TermSampler {
 public:
  explicit Toy(std::uint64_t seed) : seed_(seed) {}
  double surrogate_cost = 1e-3;  // of the solver's
  double noise = 0.05;
  bool untrained = false;
  std::size_t most = 1'000'000'000;  // samples in all, then the time is out
  double work = 0.0;
  bool drew_surrogate = false;

  double value(const LevelModel& m, const std::array<double, 3>& z) const {
    const double solver = std::exp(0.5 * z[0]) + std::exp2(-m.level) * (1 + z[1]) / 4;
    if (!m.surrogate) return solver;
    return (untrained ? 0.0 : solver) + noise * z[2] + 0.3;
  }

  // Of (seed, term, number) alone: S. Vigna's splitmix64, then Box and Muller.
  std::array<double, 3> normals(const Term& term, std::size_t number) const {
    std::uint64_t state = (seed_ << 40) ^ (term.stream() << 24) ^ number;
    const auto uniform = [&] {
      std::uint64_t x = state += 0x9e3779b97f4a7c15;
      x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
      x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
      return (static_cast<double>((x ^ (x >> 31)) >> 11) + 0.5) * 0x1p-53;
    };
    std::array<double, 3> z{};
    for (double& v : z) v = std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
    return z;
  }

  bool draw(const std::vector<Wanted>& wanted) override {
    for (const Wanted& w : wanted) {
      auto& values = drawn_[w.term];
      if (values.empty()) values.resize(1);
      for (std::size_t i = values[0].size(); i < w.samples; ++i) {
        if (count_ == most) return false;
        ++count_;
        const std::array<double, 3> z = normals(w.term, i);
        values[0].fine.push_back(value(w.term.fine, z));
        if (w.term.coarse) values[0].coarse.push_back(value(*w.term.coarse, z));
        work += cost(w.term.fine) + (w.term.coarse ? cost(*w.term.coarse) : 0.0);
      }
      drew_surrogate = drew_surrogate || (w.term.fine.surrogate && w.samples > 0);
    }
    return true;
  }
  const std::vector<LevelSamples>& drawn(const Term& term) override {
    auto& values = drawn_[term];
    if (values.empty()) values.resize(1);
    return values;
  }
  double cost(const LevelModel& m) const override {
    return std::pow(4.0, m.level) * (m.surrogate ? surrogate_cost : 1.0);
  }

 private:
  std::uint64_t seed_;
  std::size_t count_ = 0;
  std::map<Term, std::vector<LevelSamples>> drawn_;
};

double mean_at(int level) {
  return std::exp(0.125) + std::exp2(-level) / 4;
}
double variance_at(int level) {
  return std::exp(0.5) - std::exp(0.25) + std::exp2(-2 * level) / 16;
}

MultilevelOptions options_to(double tolerance, int finest = 4) {
  return {.tolerances = {tolerance}, .finest = finest, .most = finest};
}

TEST(Multilevel, ReachesTheToleranceForLessThanPlainMonteCarlo) {
  Toy toy(1);
  const MultilevelResult r = run_multilevel(toy, options_to(0.02));
  EXPECT_TRUE(r.reached);
  EXPECT_LE(r.estimates[0].half_width(), 0.02);
  EXPECT_NEAR(r.estimates[0].mean, mean_at(4), 0.03);
  EXPECT_EQ(r.terms.front().fine.level, 0);
  EXPECT_EQ(r.terms.back().fine.level, 4);
  const double plain = variance_at(4) * std::pow(1.96 / 0.02, 2) * std::pow(4.0, 4);
  EXPECT_LT(toy.work, plain / 20);
  EXPECT_NEAR(*r.rates[0].alpha, 1.0, 0.2);
  EXPECT_NEAR(*r.rates[0].beta, 2.0, 0.2);
  EXPECT_NEAR(*r.gamma, 2.0, 0.1);
}

TEST(Multilevel, LeavesOutLevelsThatDoNotPay) {
  // At this cost of the coarsest level nothing below level 2 is worth it.
  class Costly : public Toy {
   public:
    using Toy::Toy;
    double cost(const LevelModel& m) const override { return m.level < 2 ? 16.0 : Toy::cost(m); }
  } toy(1);
  EXPECT_EQ(run_multilevel(toy, options_to(0.02)).terms.front().fine.level, 2);
}

TEST(Multilevel, AddsLevelsUntilTheBiasIsWithinTheTolerance) {
  Toy toy(3);
  MultilevelOptions o = options_to(0.03, 1);
  o.most = 10;
  const MultilevelResult r = run_multilevel(toy, o);
  EXPECT_TRUE(r.reached);
  const int finest = r.terms.back().fine.level;
  EXPECT_GE(finest, 4);  // 2^-l / 4 below 0.015
  EXPECT_LE(finest, 6);
  EXPECT_LE(r.bias[0], 0.015);
  EXPECT_GE(r.bias[0], std::exp2(-finest) / 4);
  EXPECT_TRUE(r.estimates[0].mean_interval.holds(std::exp(0.125)));
  o.most = 2;
  EXPECT_FALSE(run_multilevel(toy, o).reached);
}

TEST(Multilevel, TakesASurrogateOnlyWhereItPays) {
  MultilevelOptions o = options_to(0.01);
  o.surrogate_levels = {0, 1, 2, 3, 4};
  Toy good(5);
  const MultilevelResult with = run_multilevel(good, o);
  EXPECT_TRUE(with.surrogate->used);
  EXPECT_GT(with.surrogate->saves, 0.3);
  EXPECT_GT(with.surrogate->correlation[0], 0.95);
  EXPECT_TRUE(with.terms[0].fine.surrogate);
  EXPECT_NEAR(with.estimates[0].mean, mean_at(4), 0.015);
  Toy without(5);
  run_multilevel(without, options_to(0.01));
  EXPECT_LT(good.work, 0.8 * without.work);
  Toy dear(5);
  dear.surrogate_cost = 2.0;
  const MultilevelResult refused = run_multilevel(dear, o);
  EXPECT_FALSE(refused.surrogate->used);
  EXPECT_TRUE(refused.surrogate->hopeless);  // by its time alone
  EXPECT_EQ(dear.drawn({.fine = {0}, .coarse = LevelModel{0, true}, .pilot = true})[0].size(), 16u);
  EXPECT_TRUE(dear.drawn({.fine = {4}, .coarse = LevelModel{4, true}, .pilot = true})[0].fine.empty());
  EXPECT_FALSE(dear.drew_surrogate);
  Toy bad(5);
  bad.untrained = true;
  const MultilevelResult useless = run_multilevel(bad, o);
  EXPECT_FALSE(useless.surrogate->used);
  EXPECT_FALSE(useless.surrogate->hopeless);  // cheap, but it knows nothing
}

// In how many of 200 runs intervals hold the truth; 95 % of them, standard deviation 3.
struct Held {
  int mean = 0, variance = 0;
};
Held coverage(const MultilevelOptions& o, bool untrained) {
  Held held;
  for (int run = 0; run < 200; ++run) {
    Toy toy(1000 + run);
    toy.untrained = untrained;
    const MultilevelResult r = run_multilevel(toy, o);
    held.mean += r.estimates[0].mean_interval.holds(mean_at(2));
    held.variance += r.estimates[0].variance_interval.holds(variance_at(2));
  }
  return held;
}

void expect_ninety_five_percent(const Held& held) {
  EXPECT_GE(held.mean, 184);
  EXPECT_LE(held.mean, 196);
  EXPECT_GE(held.variance, 184);
  EXPECT_LE(held.variance, 197);
}

TEST(Multilevel, IntervalsHoldTheTruthWithAndWithoutASurrogateGoodOrBad) {
  MultilevelOptions o = options_to(0.06, 2);
  expect_ninety_five_percent(coverage(o, false));
  o.surrogate_levels = {0, 1};
  o.surrogate_always = true;
  expect_ninety_five_percent(coverage(o, false));
  expect_ninety_five_percent(coverage(o, true));
}

TEST(Multilevel, StopsOnTimeWithWhatItHas) {
  Toy toy(9);
  toy.most = 3000;
  const MultilevelResult r = run_multilevel(toy, options_to(1e-3));
  EXPECT_FALSE(r.reached);
  EXPECT_GT(r.estimates[0].half_width(), 1e-3);
  EXPECT_NEAR(r.estimates[0].mean, mean_at(4), 4 * r.estimates[0].error);
  Toy at_once(9);
  at_once.most = 10;
  EXPECT_THROW(run_multilevel(at_once, options_to(1e-3)), RunFailed);
  EXPECT_THROW(run_multilevel(toy, options_to(0.0)), InvalidInput);
}

TEST(Terms, ShareNoRandomInput) {
  std::map<std::uint64_t, int> seen;
  for (int l = 0; l <= 20; ++l)
    for (bool surrogate : {false, true})
      for (bool pilot : {false, true}) {
        ++seen[Term{.fine = {l, surrogate}, .coarse = std::nullopt, .pilot = pilot}.stream()];
        ++seen[Term{.fine = {l, surrogate}, .coarse = LevelModel{l, true}, .pilot = pilot}.stream()];
        if (l > 0) ++seen[Term{.fine = {l, surrogate}, .coarse = LevelModel{l - 1}, .pilot = pilot}.stream()];
      }
  for (const auto& [stream, times] : seen) {
    EXPECT_EQ(times, 1) << stream;
    EXPECT_LT(stream, 1u << 16);
  }
}

}  // namespace
}  // namespace mano
