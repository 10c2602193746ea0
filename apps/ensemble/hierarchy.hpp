#pragma once
// The grids of an ensemble, and what a sample is on each: random rock, solved, its quantities. The solver of every grid and the field
// samplers are made at their first use.

#include <map>
#include <memory>
#include <vector>

#include "apps/ensemble/control_model.hpp"
#include "apps/ensemble/level_solver.hpp"
#include "datagen/field_sampler.hpp"
#include "ensemble/multilevel.hpp"

namespace mano {

/// Grids from the coarsest to `finest`, each of half the cells of the next a side while both numbers are even and the coarser one has at
/// least `fewest`.
std::vector<Grid> halved_grids(const Grid& finest, int fewest = 4);

/// The finest grid that is looked at where nobody names one: 1024 cells along the shorter side of the domain, as square as halving down to
/// four allows. Throws InvalidInput for a domain more than 16 times as long as wide.
Grid finest_of_all(const Grid& domain);
/// The level that the search for a grid fine enough begins with: the first with 32 cells along each side, and four along what is to be
/// resolved: a correlation length, the width of a channel, a layer of mean height. On coarser grids what a finer one adds changes its sign, and
/// says nothing of what is still to come. The last level where none is as fine.
int first_finest_of(const std::vector<Grid>& grids, const FieldSpec& spec);

/// One sample of a term: [quantity] on the fine and the coarse model, and the processor time that went into it.
struct TermValues {
  std::vector<double> fine, coarse;
  double seconds_field = 0.0, seconds_fine = 0.0, seconds_coarse = 0.0;
};

class EnsembleHierarchy {
 public:
  /// `grids` from the coarsest. On grid number `whole` the field is the generator's; on others only what the grid resolves
  /// (datagen/field_sampler.hpp); -1 for none. `model` may be absent.
  EnsembleHierarchy(const EnsembleSetup& setup, std::vector<Grid> grids, int whole,
                    const ControlModel* model);
  ~EnsembleHierarchy();

  const std::vector<Grid>& grids() const { return grids_; }
  int quantities() const { return static_cast<int>(setup_->quantities.size()); }

  /// Samples first, ..., first + n - 1 of a term.
  std::vector<TermValues> sample(const Term& term, std::uint64_t first, std::size_t n);

  /// Seconds that a sample of the solver takes by counted work: random numbers, points of transforms, cells; constants of one core of a
  /// Xeon. Counted, not measured, so that numbers of samples depend on nothing but the request.
  double cost(int level) const;
  bool whole(int level) const { return level == whole_; }

 private:
  LevelSolver& solver(int level);
  FieldSampler& fields(const Term& term);
  std::vector<Sample> draw(const Term& term, std::uint64_t number);

  const EnsembleSetup* setup_;
  std::vector<Grid> grids_;
  int whole_;
  const ControlModel* model_;
  std::map<int, std::unique_ptr<LevelSolver>> solvers_;
  std::map<std::vector<int>, std::unique_ptr<FieldSampler>> samplers_;  // by the levels drawn for
};

}  // namespace mano
