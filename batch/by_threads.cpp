#include "batch/by_threads.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "core/error.hpp"

namespace mano {

namespace batch {

void in_threads(int threads, int n, const std::function<void(int, int)>& body) {
  std::atomic<int> next{0};
  std::exception_ptr failure;
  std::mutex guard;
  const auto work = [&](int worker) {
    try {
      for (int i = next++; i < n; i = next++) body(i, worker);
    } catch (...) {
      next = n;
      const std::lock_guard lock(guard);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  for (int t = 1; t < std::min(threads, n); ++t) others.emplace_back(work, t);
  work(0);
  for (auto& other : others) other.join();
  if (failure) std::rethrow_exception(failure);
}

BatchedSample solve_on_cpu(const BatchRequest& request, std::uint64_t sample, const Field& permeability,
                           std::unique_ptr<Corrector>& corrector, double* pressure) {
  const Problem problem = make_problem(request.problem_name, permeability);
  if (corrector == nullptr) {
    corrector = std::make_unique<Corrector>(problem);
  } else {
    corrector->take(problem);
  }
  try {
    const auto solved = corrector->solve_from(Field(request.grid), request.tolerance);
    std::copy(solved.pressure.values.begin(), solved.pressure.values.end(), pressure);
    return {solved.relative_residual, solved.cycles};
  } catch (const RunFailed& e) {
    throw RunFailed(fmt::format("sample {} at {}: {}", sample, request.grid.resolution(), e.what()));
  }
}

}  // namespace batch

namespace {

class ByThreads : public SampleMaker {
 public:
  ByThreads(const BatchRequest& request, int threads)
      : request_(request), threads_(std::max(1, threads)), correctors_(threads_) {
    check_field_spec(request.field, request.grid);
    make_problem(request.problem_name, Field(request.grid, 1.0));
  }

  std::vector<BatchedSample> make(std::uint64_t first, int n, double* permeability,
                                  double* pressure) override {
    std::vector<BatchedSample> samples(n);
    const std::size_t cells = request_.grid.cells();
    batch::in_threads(threads_, n, [&](int i, int worker) {
      const Field k = draw_field(request_.field, request_.seed, first + i, request_.grid);
      std::copy(k.values.begin(), k.values.end(), permeability + i * cells);
      samples[i] = batch::solve_on_cpu(request_, first + i, k, correctors_[worker], pressure + i * cells);
    });
    return samples;
  }

 private:
  BatchRequest request_;
  int threads_;
  std::vector<std::unique_ptr<Corrector>> correctors_;  // of each thread
};

}  // namespace

std::unique_ptr<SampleMaker> samples_by_threads(const BatchRequest& request, int threads) {
  return std::make_unique<ByThreads>(request, threads);
}

std::unique_ptr<SampleMaker> samples_on_gpu(const BatchRequest& request, int threads) {
  return samples_on_gpu(request, threads, {});
}

}  // namespace mano
