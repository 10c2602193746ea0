#pragma once
// The samples of ensemble/multilevel.hpp by all ranks together, block by block through a SampleStore.

#include <functional>
#include <optional>

#include "apps/ensemble/sample_store.hpp"

namespace mano {

/// What ties the ranks together: rank, their number, and the largest of one number each, on all of them (collective).
struct Ranks {
  int rank = 0;
  int count = 1;
  std::function<int(int)> maximum = [](int value) { return value; };
};

class StoredSampler : public TermSampler {
 public:
  /// `deadline` of seconds_now(), none without. `progress` after each block of this rank: cost of what is drawn by all as far as known.
  StoredSampler(EnsembleHierarchy& hierarchy, SampleStore& store, const Ranks& ranks,
                std::optional<double> deadline, std::function<void(double cost)> progress);

  /// Throws Interrupted after a signal, RunFailed where any rank failed; finished blocks are kept.
  bool draw(const std::vector<Wanted>& wanted) override;
  const std::vector<LevelSamples>& drawn(const Term& term) override;
  double cost(const LevelModel& model) const override;

  double cost(const Term& term) const;
  /// Processor time of what this rank has drawn in this run.
  double seconds() const { return seconds_; }
  /// Samples that are drawn together.
  std::size_t block_size(const Term& term) const;

 private:
  struct Task {
    Term term;
    std::uint64_t block;
    double part;  // of its term's wanted blocks that come before it
  };
  std::uint64_t blocks_of(const Wanted& wanted) const;
  std::vector<Task> missing(const std::vector<Wanted>& wanted) const;
  void work_on(const std::vector<Task>& tasks, bool& late);

  EnsembleHierarchy& hierarchy_;
  SampleStore& store_;
  const Ranks& ranks_;
  std::optional<double> deadline_;
  std::function<void(double)> progress_;
  double seconds_ = 0.0;
  std::vector<double> costs_;  // of the solver, by level
  std::map<Term, std::uint64_t>
      wanted_;  // blocks: an earlier run may have left more, which must not change what is chosen
};

}  // namespace mano
