#include "apps/ensemble/stored_sampler.hpp"

#include <algorithm>
#include <cmath>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/interrupt.hpp"

namespace mano {

namespace {

constexpr double kBlockSeconds = 0.05;
constexpr std::size_t kMostInBlock = 512;
constexpr std::size_t kSurrogateBlock = 16;
constexpr int kStreamBits = 40;  // of a sample's number: below are those of one term

}  // namespace

StoredSampler::StoredSampler(EnsembleHierarchy& hierarchy, SampleStore& store, const Ranks& ranks,
                             std::optional<double> deadline, std::function<void(double cost)> progress)
    : hierarchy_(hierarchy),
      store_(store),
      ranks_(ranks),
      deadline_(deadline),
      progress_(std::move(progress)) {
  for (int l = 0; l < static_cast<int>(hierarchy.grids().size()); ++l) costs_.push_back(hierarchy.cost(l));
  store_.read();
  ranks_.maximum(0);  // none appends before all have read
}

double StoredSampler::cost(const LevelModel& model) const {
  const double solver = costs_.at(model.level);
  if (!model.surrogate) return solver;
  // As many times the solver's as the pilot took: measured, to a power of two, and kept with its samples.
  const TermSeconds t =
      store_.seconds({.fine = {model.level}, .coarse = LevelModel{model.level, true}, .pilot = true});
  return t.fine > 0 ? solver * std::exp2(std::round(std::log2(t.coarse / (t.fine + t.field)))) : solver;
}

double StoredSampler::cost(const Term& term) const {
  return cost(term.fine) + (term.coarse ? cost(*term.coarse) : 0.0);
}

std::size_t StoredSampler::block_size(const Term& term) const {
  if (term.fine.surrogate || (term.coarse && term.coarse->surrogate)) return kSurrogateBlock;
  const double samples = kBlockSeconds / cost(term);
  return std::clamp<std::size_t>(std::size_t{1} << std::max(0, static_cast<int>(std::log2(samples))), 1,
                                 kMostInBlock);
}

std::uint64_t StoredSampler::blocks_of(const Wanted& w) const {
  const std::size_t size = block_size(w.term);
  return (w.samples + size - 1) / size;
}

std::vector<StoredSampler::Task> StoredSampler::missing(const std::vector<Wanted>& wanted) const {
  std::vector<Task> tasks;
  for (const Wanted& w : wanted) {
    const std::uint64_t blocks = blocks_of(w);
    for (std::uint64_t b = 0; b < blocks; ++b) {
      if (!store_.has(w.term, b))
        tasks.push_back({w.term, b, static_cast<double>(b) / static_cast<double>(blocks)});
    }
  }
  // All terms grow alike, so that a run that stops on time has something of each.
  std::stable_sort(tasks.begin(), tasks.end(), [](const Task& a, const Task& b) { return a.part < b.part; });
  return tasks;
}

void StoredSampler::work_on(const std::vector<Task>& tasks, bool& late) {
  double done = 0.0;
  for (std::size_t t = ranks_.rank; t < tasks.size(); t += ranks_.count) {
    late = late || (deadline_ && seconds_now() > *deadline_);
    if (late || interrupt_signal() != 0) return;
    const auto& [term, block, part] = tasks[t];
    const std::size_t size = block_size(term);
    const std::uint64_t first = (term.stream() << kStreamBits) + block * size;
    const std::vector<TermValues> values = hierarchy_.sample(term, first, size);
    for (const TermValues& v : values) seconds_ += v.seconds_field + v.seconds_fine + v.seconds_coarse;
    store_.append(term, block, values);
    done += cost(term) * static_cast<double>(size) * ranks_.count;
    if (progress_) progress_(done);
  }
}

bool StoredSampler::draw(const std::vector<Wanted>& wanted) {
  for (const Wanted& w : wanted) {
    std::uint64_t& blocks = wanted_[w.term];
    blocks = std::max(blocks, blocks_of(w));
  }
  enum Status { fine, late, interrupted, failed };
  int status = fine;
  std::string message;
  try {
    bool is_late = false;
    work_on(missing(wanted), is_late);
    if (is_late) status = late;
    if (interrupt_signal() != 0) status = interrupted;
  } catch (const std::exception& e) {  // whatever it is: the others wait for this rank's word
    status = failed;
    message = e.what();
    if (ranks_.rank != 0) fmt::print(stderr, "mano ensemble: rank {}: error: {}\n", ranks_.rank, message);
  }
  const int worst = ranks_.maximum(status);
  if (worst == failed) throw RunFailed(status == failed ? message : "another rank failed, see its line");
  if (worst == interrupted)
    throw Interrupted(std::max(2, interrupt_signal()), "interrupted; the same command goes on");
  store_.read();
  ranks_.maximum(0);  // none appends before all have read
  return worst != late;
}

const std::vector<LevelSamples>& StoredSampler::drawn(const Term& term) {
  return store_.values(term, hierarchy_.quantities(), wanted_[term]);
}

}  // namespace mano
