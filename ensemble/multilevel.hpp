#pragma once
// Multilevel Monte Carlo from a pilot to the interval asked for. What a sample is, the caller knows: this chooses levels and numbers of
// samples from variances and costs, and says when enough is known.
//
//   1. pilot      some samples of Q_l - Q_(l-1) on every candidate level: variances V_l, rates
//   2. coarsest   the level from which on the cost for the same error is least
//   3. surrogate  a cheaper model M of Q_s: terms c M and Q_s - c M in place of all below s, where the pilot says that this costs less.
//                 Its time is measured first, by few samples: where even a perfect model would not pay, that is all that it costs.
//                 c is fixed by the pilot, whose samples are then left out of this term: nothing that the surrogate does can bias the
//                 mean                                      Peherstorfer, Willcox, Gunzburger, SIAM J. Sci. Comput. 38 (2016), sections 2, 3
//   4. samples    by ensemble/allocation.hpp, in rounds, each with the variances known so far, until the half-width of the mean's
//                 interval is within the tolerance
//   5. bias       where the finest level is not the truth by definition: |E[Q - Q_L]| <= |E[Y_L]| / (2^alpha - 1) in half of the tolerance, else
//                 a finer level; of E[Y_L] its mean and 1.645 standard errors, alpha by regression within [1/2, 1]
//                                                           Cliffe, Giles, Scheichl, Teckentrup, Comput. Visual. Sci. 14 (2011), section 2
//
// Numbers of samples depend on the values drawn: a small bias of the adaptive kind, of the order of the error squared, stays. The pilot's
// samples of the solver are counted in the estimate.

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ensemble/rates.hpp"

namespace mano {

/// What maps a random input to the quantities: the solver or the surrogate on the grid of a level, 0 the coarsest candidate.
struct LevelModel {
  int level = 0;
  bool surrogate = false;
  auto operator<=>(const LevelModel&) const = default;
};

/// What is sampled: a model alone, or two with the same input.
struct Term {
  LevelModel fine;
  std::optional<LevelModel> coarse;
  bool pilot = false;  ///< samples of its own, that only choose

  auto operator<=>(const Term&) const = default;
  /// A number below 2^16 that no other term of the same hierarchy has: terms share no random input.
  std::uint64_t stream() const;
};

/// Samples on demand.
class TermSampler {
 public:
  struct Wanted {
    Term term;
    std::size_t samples;
  };
  virtual ~TermSampler() = default;
  /// Draws until every term has at least as many samples as wanted. False where the time ran out before.
  virtual bool draw(const std::vector<Wanted>& wanted) = 0;
  /// Those drawn so far of a term, [quantity].
  virtual const std::vector<LevelSamples>& drawn(const Term& term) = 0;
  /// Of one sample of a model, in any unit.
  virtual double cost(const LevelModel& model) const = 0;
};

struct MultilevelOptions {
  std::vector<double> tolerances;  ///< of each quantity: half-width of the mean's interval, above zero
  int finest = 0;                  ///< level, the first one looked at where `most` is above it
  int most = 0;  ///< finest level that may be added; `finest` is the truth by definition where they are equal
  std::vector<int> surrogate_levels;  ///< where a surrogate is tried; empty without one
  bool surrogate_always = false;      ///< also where it costs more, to check that the answer stays what it is
  std::size_t pilot = 32;             ///< samples on the finest level, more on cheaper ones
  std::size_t finest_samples = 64;    ///< at least, for quantiles
  std::function<void(double cost, double whole)> progress = {};  ///< spent, and expected in all
};

struct SurrogateChoice {
  bool used = false;
  bool hopeless = false;  ///< by its time alone: a perfect one would not pay either, no more is known of it
  int level = 0;          ///< where it pays most, or costs least more
  std::vector<double> scale;        ///< c, of each quantity
  std::vector<double> correlation;  ///< of Q_s and M
  double saves = 0.0;               ///< part of the cost, negative where it would cost more
};

struct MultilevelResult {
  std::vector<Term> terms;                         ///< from the coarsest
  std::vector<std::vector<LevelSamples>> samples;  ///< [quantity][term], scaled by c
  std::vector<Estimate> estimates;                 ///< of each quantity, bias included in the mean's interval
  std::vector<double> bias;  ///< bound on |E[Q - Q_L]|; 0 where the finest level is the truth
  std::vector<Rates> rates;
  std::optional<double> gamma;  ///< cost of a correction ~ 2^(gamma l)
  std::optional<SurrogateChoice> surrogate;
  bool reached = false;  ///< every tolerance
};

/// Throws InvalidInput for tolerances not above zero, RunFailed where the time ran out before the pilot was done.
MultilevelResult run_multilevel(TermSampler& sampler, const MultilevelOptions& options);

}  // namespace mano
