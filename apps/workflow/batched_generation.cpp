#include "apps/workflow/batched_generation.hpp"

#include <algorithm>

#include "apps/samples/verified_solve.hpp"
#include "core/error.hpp"
#include "solver/problem.hpp"

namespace mano {

namespace {

// The samples of one shard at one grid, made when the first of them is asked for.
class Ahead {
 public:
  Ahead(const GenerateRequest& request, const Grid& grid, std::unique_ptr<SampleMaker> maker)
      : request_(request), grid_(grid), maker_(std::move(maker)) {}

  const Grid& grid() const { return grid_; }

  Sample sample(std::uint64_t number) {
    if (number < first_ || number >= first_ + samples_.size()) make(number);
    Sample sample;
    sample.permeability = field(permeability_, number);
    return sample;
  }

  // Of a sample that was asked for before.
  VerifiedSolution solution(const Sample& sample) const {
    const BatchedSample& made = samples_.at(sample.number - first_);
    VerifiedSolution s;
    s.pressure = field(pressure_, sample.number);
    s.iterations = made.iterations;
    s.relative_residual = made.relative_residual;
    s.method = made.method;
    s.rejection = rejection_of(make_problem(request_.problem_name, sample.permeability), s.pressure,
                               request_.tolerance);
    return s;
  }

 private:
  void make(std::uint64_t sample) {
    const std::uint64_t end = request_.first + request_.samples;
    const auto n = static_cast<int>(std::min<std::uint64_t>(shard_size(request_), end - sample));
    permeability_.resize(grid_.cells() * n);
    pressure_.resize(grid_.cells() * n);
    samples_ = maker_->make(sample, n, permeability_.data(), pressure_.data());
    first_ = sample;
  }

  Field field(const std::vector<double>& all, std::uint64_t sample) const {
    Field f(grid_);
    const auto at = static_cast<std::ptrdiff_t>((sample - first_) * grid_.cells());
    std::copy_n(all.begin() + at, grid_.cells(), f.values.begin());
    return f;
  }

  const GenerateRequest& request_;
  Grid grid_;
  std::unique_ptr<SampleMaker> maker_;
  std::uint64_t first_ = 0;
  std::vector<BatchedSample> samples_;
  std::vector<double> permeability_, pressure_;
};

}  // namespace

GenerateTimes generate_in_batches(const GenerateRequest& request,
                                  const std::function<std::unique_ptr<SampleMaker>(const Grid&)>& maker_of,
                                  const std::function<void(std::size_t finished)>& progress) {
  std::vector<Ahead> all;
  for (const Grid& grid : request.grids) all.emplace_back(request, grid, maker_of(grid));
  const auto of = [&](const Grid& grid) -> Ahead& {
    return *std::find_if(all.begin(), all.end(), [&](const Ahead& a) { return a.grid() == grid; });
  };
  GenerateCallbacks callbacks;
  callbacks.draw = [&](std::uint64_t number, const Grid& grid) { return of(grid).sample(number); };
  callbacks.solve = [&](const Sample& sample) { return of(sample.permeability.grid).solution(sample); };
  callbacks.progress = progress;
  return generate_shards(request, callbacks, 0, 1);
}

}  // namespace mano
