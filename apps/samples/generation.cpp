#include "apps/samples/generation.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>

#include "apps/samples/sample_solver.hpp"
#include "batch/by_threads.hpp"
#include "core/error.hpp"
#include "core/version.hpp"

namespace mano {

GenerateRequest make_generate_request(const GenerateOptions& o, const FieldSource& source,
                                      const FlowSource& flow, const std::vector<std::string>& petsc) {
  GenerateRequest r;
  check(!o.output.empty(), "no output: pass -o FILE.h5");
  r.output = o.output;
  check(r.output.extension() == ".h5" || r.output.extension() == ".hdf5",
        "output is '{}', expected a name in .h5", o.output);
  r.grids.push_back(source.volume(o.resolution));
  if (!o.also.empty()) {
    check(!source.from_file(), "--also needs a random field: a file has one resolution");
    for (const Resolution& resolution : parse_volume_resolutions(o.also)) {
      check((resolution.nz > 1) == !r.grids[0].flat(),
            "--also {} beside {}: all are to be flat, or all volumes", resolution.text(),
            r.grids[0].resolution());
      Grid grid = r.grids[0];
      grid.nx = resolution.nx;
      grid.ny = resolution.ny;
      grid.nz = resolution.nz;
      check(std::find(r.grids.begin(), r.grids.end(), grid) == r.grids.end(),
            "resolution {} is asked for twice", resolution.text());
      r.grids.push_back(grid);
    }
  }
  check(!source.from_file() || o.first < source.samples(),
        "{} holds {} fields, the first asked for is number {}", o.field.permeability, source.samples(),
        o.first);
  r.samples = o.samples > 0 || !source.from_file() ? o.samples : source.samples() - o.first;
  r.first = o.first;
  check(r.samples > 0, "no samples: pass --samples N, at least 1");
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  check(r.samples <= kMost - r.first, "samples is {} and first is {}: numbers of samples end at {}",
        r.samples, r.first, kMost);
  check(!source.from_file() || o.first + r.samples <= source.samples(),
        "{} holds {} fields, {} samples from number {} were asked for", o.field.permeability,
        source.samples(), r.samples, o.first);
  check(o.tolerance > 0 && o.tolerance < 1, "tolerance is {}; it must lie in (0, 1)", o.tolerance);
  check(o.precision == "float32" || o.precision == "float64",
        "precision is '{}', expected float32 or float64", o.precision);
  r.seed = o.field.seed;
  r.problem_name = flow.problem_name();
  r.field = source.kind();
  r.tolerance = o.tolerance;
  r.single_precision = o.precision == "float32";
  r.has_inactive = source.has_inactive();
  r.units = flow.units();
  r.most_wells = flow.most_own_wells();
  r.overwrite = o.overwrite;
  nlohmann::json c = source.configuration();
  c.update({{"samples", r.samples},
            {"first", r.first},
            {"setup", flow.problem_name()},
            {"tolerance", o.tolerance},
            {"precision", o.precision},
            {"program_version", kVersion},
            {"size", {r.grids[0].lx, r.grids[0].ly}},
            {"petsc_options", petsc}});
  if (!r.grids[0].flat()) c["size"].push_back(r.grids[0].lz);
  if (const auto changes = flow.configuration(); !changes.is_null()) c["flow"] = changes;
  if (!o.flow.random_wells.empty()) c["random_wells"] = o.flow.random_wells;
  if (o.flow.drop_islands) c["drop_islands"] = true;
  if (o.device != "cpu") c["device"] = o.device;                            // other last bits
  if (o.ranks_per_sample != 1) c["ranks_per_sample"] = o.ranks_per_sample;  // another solver, other last bits
  for (const Grid& grid : r.grids) c["resolutions"].push_back(grid.resolution());
  r.configuration = c.dump();
  return r;
}

namespace {

// The samples of a shard at one grid, solved together when the first of them is asked for.
class Shard {
 public:
  Shard(const GenerateRequest& request, const Grid& grid, const FieldSource& source, int threads,
        const std::function<SampleSolution()>& for_thread)
      : request_(request), grid_(grid), source_(source), threads_(threads) {
    for (int t = 0; t < threads; ++t) solvers_.push_back(for_thread());
  }

  const Grid& grid() const { return grid_; }

  Sample sample(std::uint64_t number) {
    if (number < first_ || number >= first_ + samples_.size()) make(number);
    return samples_.at(number - first_);
  }

  VerifiedSolution solution(const Sample& sample) { return std::move(solutions_.at(sample.number - first_)); }

 private:
  void make(std::uint64_t number) {
    const std::uint64_t end = request_.first + request_.samples;
    const auto n = static_cast<int>(std::min<std::uint64_t>(shard_size(request_), end - number));
    first_ = number;
    samples_.assign(n, {});
    solutions_.assign(n, {});
    batch::in_threads(threads_, n, [&](int i, int worker) {
      samples_[i] = source_.sample(first_ + i, grid_);
      try {
        solutions_[i] = solvers_[worker](samples_[i]);
      } catch (const Error& e) {
        throw Error(e.exit_status(),
                    fmt::format("sample {} at {}: {}", first_ + i, grid_.resolution(), e.what()));
      }
    });
  }

  const GenerateRequest& request_;
  Grid grid_;
  const FieldSource& source_;
  int threads_;
  std::vector<SampleSolution> solvers_;
  std::uint64_t first_ = 0;
  std::vector<Sample> samples_;
  std::vector<VerifiedSolution> solutions_;
};

}  // namespace

Prepared generate_by_threads(const GenerateRequest& request, const FieldSource& source, int threads,
                             const std::function<SampleSolution()>& for_thread,
                             const std::function<void(std::size_t)>& progress) {
  check(!source.from_file(), "threads make datasets of random fields; mano generate takes fields of a file");
  GenerationLock lock;
  if (prepare_generation(request, lock) == Prepared::complete) return Prepared::complete;
  std::vector<std::unique_ptr<Shard>> shards;
  for (const Grid& grid : request.grids)
    shards.push_back(std::make_unique<Shard>(request, grid, source, std::max(1, threads), for_thread));
  const auto of = [&](const Grid& grid) -> Shard& {
    return **std::find_if(shards.begin(), shards.end(), [&](const auto& s) { return s->grid() == grid; });
  };
  GenerateCallbacks callbacks;
  callbacks.draw = [&](std::uint64_t number, const Grid& grid) { return of(grid).sample(number); };
  callbacks.solve = [&](Sample& sample) { return of(sample.permeability.grid).solution(sample); };
  callbacks.progress = progress;
  generate_shards(request, callbacks, 0, 1);
  merge_shards(request);
  return Prepared::to_generate;
}

Prepared generate_by_threads(const GenerateRequest& request, const FieldSource& source,
                             const FlowSource& flow, int threads,
                             const std::function<void(std::size_t)>& progress) {
  for (const Grid& grid : request.grids)  // what cannot fit is refused before any work
    flow.problem({.permeability = Field(grid, 1.0), .seed = request.seed, .number = request.first});
  const auto for_thread = [&]() -> SampleSolution {
    return [&flow, solver = std::make_shared<SampleSolver>(request.tolerance)](Sample& sample) {
      return solver->solve(flow.settle(sample));
    };
  };
  return generate_by_threads(request, source, threads, for_thread, progress);
}

}  // namespace mano
