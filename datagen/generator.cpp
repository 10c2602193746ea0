#include "datagen/generator.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <future>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "core/interrupt.hpp"
#include "datagen/content_hash.hpp"
#include "datagen/shard_folder.hpp"

namespace mano {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr std::size_t kShardBytes = std::size_t{16} << 20;
constexpr std::size_t kShardSamples = 256;

std::size_t fields_a_sample(const GenerateRequest& request) {
  return request.times.empty() ? 2 : 1 + 2 * request.times.size();
}

DatasetInfo info_of(const GenerateRequest& request, std::size_t grid, std::size_t samples) {
  DatasetInfo info;
  info.grid = request.grids[grid];
  info.samples = samples;
  info.problem_name = request.problem_name;
  info.field = request.field;
  info.configuration = request.configuration;
  info.tolerance = request.tolerance;
  info.single_precision = request.single_precision;
  info.has_inactive = request.has_inactive;
  info.units = request.units;
  info.times = request.times;
  info.displacement = request.displacement;
  info.most_wells = request.most_wells;
  return info;
}

void append_line(const fs::path& path, const std::string& line) {
  const bool is_new = !fs::exists(path);
  std::ofstream out(path, std::ios::app);
  out << line << '\n';
  out.close();
  if (!out) throw RunFailed(fmt::format("cannot write {}: {}", path.string(), std::strerror(errno)));
  sync_file(path);
  if (is_new) sync_folder(path.parent_path());
}

bool all_finite(const VerifiedSolution& solution) {
  const auto finite = [](const Field& f) {
    return std::all_of(f.values.begin(), f.values.end(), [](double v) { return std::isfinite(v); });
  };
  const History& h = solution.history;
  return finite(solution.pressure) && std::all_of(h.saturation.begin(), h.saturation.end(), finite) &&
         std::all_of(h.pressure.begin(), h.pressure.end(), finite);
}

Sample make_sample(const GenerateRequest& request, const GenerateCallbacks& callbacks, std::uint64_t number,
                   const Grid& grid) {
  Sample sample = callbacks.draw(number, grid);
  sample.number = number;
  VerifiedSolution solution = callbacks.solve(sample);
  if (solution.rejection.empty() && !all_finite(solution)) solution.rejection = "a value is not finite";
  if (!solution.rejection.empty()) {
    throw RunFailed(
        fmt::format("sample {} at {}: {}; nothing of it was stored, finished shards are kept in {}", number,
                    grid.resolution(), solution.rejection, shard_folder(request).string()));
  }
  sample.pressure = std::move(solution.pressure);
  sample.history = std::move(solution.history);
  sample.seed = request.seed;
  sample.iterations = solution.iterations;
  sample.residual = solution.relative_residual;
  sample.solver = solution.method;
  return sample;
}

// Whether `path` is a finished dataset of this request.
bool is_ours(const GenerateRequest& request, const fs::path& path) {
  try {
    return fs::exists(path) &&
           DatasetReader(path, DatasetKind::any).info().configuration == request.configuration;
  } catch (const InvalidInput&) {
    return false;
  }
}

// Whether the folder holds work on this very request. Other work in it is refused, unless nothing of it was finished.
bool goes_on(const GenerateRequest& request, const fs::path& folder, const fs::path& configuration) {
  if (!fs::exists(configuration)) return false;
  if (read_text(configuration) != request.configuration) {
    check(!holds_shards(folder),
          "{} holds an unfinished generation with other options: repeat those, or remove the folder",
          folder.string());
    empty_of_ours(folder);
    return false;
  }
  remove_temporaries(folder);
  return true;
}

// What surely does not fit is refused before any work. A quarter of the numbers' bytes is the least that is left of them:
// pressures hardly shrink, permeabilities of two values nearly vanish, and so do saturations before the water comes.
void check_room(const GenerateRequest& request) {
  double cells = 0;
  for (const Grid& grid : request.grids) cells += static_cast<double>(grid.cells());
  const double bytes = 0.25 * static_cast<double>(request.samples) * cells *
                       static_cast<double>(fields_a_sample(request)) * (request.single_precision ? 4 : 8);
  std::error_code error;
  const fs::space_info disk =
      fs::space(request.output.has_parent_path() ? request.output.parent_path() : fs::path("."), error);
  check(error || bytes <= static_cast<double>(disk.available),
        "samples is {}: they need at least about {:.3g} GB, {:.3g} GB are free on the disk of {}: ask for "
        "fewer, "
        "or choose another disk",
        request.samples, bytes / 1e9, static_cast<double>(disk.available) / 1e9, request.output.string());
}

void check_not_interrupted(const GenerateRequest& request) {
  if (const int signal = interrupt_signal()) {
    throw Interrupted(
        signal, fmt::format("interrupted; the same command goes on from {}", shard_folder(request).string()));
  }
}

// Samples of all shards in the manifests, and of the one that this rank is about to enter there.
std::size_t samples_finished(const GenerateRequest& request, const std::map<std::size_t, json>& shards,
                             std::optional<std::size_t> in_flight) {
  std::size_t samples = 0;
  for (const auto& entry : shards) samples += samples_in(request, entry.first);
  if (in_flight && !shards.contains(*in_flight)) samples += samples_in(request, *in_flight);
  return samples;
}

// One file of a shard: written and closed, not yet in its place. Raises `worst` to the largest residual in it.
AtomicFile write_shard(const GenerateRequest& request, const GenerateCallbacks& callbacks, std::size_t shard,
                       std::size_t grid, double& worst, GenerateTimes& times,
                       const std::function<void(std::size_t)>& progress) {
  AtomicFile file(shard_path(request, shard, grid));
  try {
    DatasetWriter writer(file.temporary(), info_of(request, grid, samples_in(request, shard)));
    for (std::size_t s = 0; s < samples_in(request, shard); ++s) {
      check_not_interrupted(request);
      const double start = seconds_now();
      const std::uint64_t number = request.first + shard * shard_size(request) + s;
      const Sample sample = make_sample(request, callbacks, number, request.grids[grid]);
      const double solved = seconds_now();
      writer.write(s, sample);
      worst = std::max(worst, sample.residual);
      times.solving += solved - start;
      times.writing += seconds_now() - solved;
      progress(s + 1);
    }
    const double start = seconds_now();
    writer.close();
    times.writing += seconds_now() - start;
  } catch (const WriteFailed& e) {
    throw RunFailed(fmt::format("cannot write {}: {}", shard_path(request, shard, grid).string(), e.what()));
  }
  return file;
}

void commit_shard(const fs::path& manifest, std::size_t shard, double worst, std::vector<AtomicFile> files) {
  std::vector<std::string> hashes;
  for (AtomicFile& file : files) {
    hashes.push_back(file_hash(file.temporary()));
    file.commit();
  }
  append_line(manifest, json{{"shard", shard}, {"hashes", hashes}, {"residual", worst}}.dump());
}

// What was asked for, or what was reached where rounding, or an option of PETSc, did not allow that.
double tolerance_reached(const GenerateRequest& request) {
  double tolerance = request.tolerance;
  Manifests manifests(request);
  for (const auto& [shard, line] : manifests.shards()) {
    if (line.contains("residual") && line["residual"].is_number())
      tolerance = std::max(tolerance, line["residual"].get<double>());
  }
  return tolerance;
}

// A shard that a thread of its own brings to the disk and enters in the manifest, while the next one is computed: waiting
// for the disk takes longer than computing where samples are small.
struct ShardInFlight {
  std::optional<std::size_t> shard;
  std::future<void> done;  // its destructor waits

  // Throws what stopped it.
  void wait() {
    if (done.valid()) done.get();
  }
};

}  // namespace

fs::path output_path(const GenerateRequest& request, std::size_t g) {
  if (g == 0) return request.output;
  return request.output.parent_path() / fmt::format("{}-{}{}", request.output.stem().string(),
                                                    request.grids[g].resolution(),
                                                    request.output.extension().string());
}

std::size_t shard_size(const GenerateRequest& request) {
  std::size_t cells = 0;
  for (const Grid& grid : request.grids) cells += grid.cells();
  return std::clamp<std::size_t>(kShardBytes / (cells * fields_a_sample(request) * sizeof(double)), 1,
                                 kShardSamples);
}

void GenerationLock::share(const GenerateRequest& request) {
  FolderLock::share(shard_folder(request));
}

Prepared prepare_generation(const GenerateRequest& request, GenerationLock& lock) {
  const fs::path folder = shard_folder(request);
  const fs::path configuration = folder / "configuration.json";
  check_writable(request.output);
  check_ours(folder);
  check_ours(removing_folder(request));
  if (fs::exists(folder)) lock.take(folder, request.output, "mano generate");
  const bool was_removing = remove_ours(removing_folder(request));
  const bool resumes = goes_on(request, folder, configuration);
  bool all_ours = true;
  for (std::size_t g = 0; g < request.grids.size(); ++g) {
    const fs::path path = output_path(request, g);
    remove_temporaries_of(path);
    const bool ours = is_ours(request, path);
    all_ours = all_ours && ours;
    // A kill during the merge may have left finished files of this very request.
    check(!fs::exists(path) || request.overwrite || ours,
          "{} exists: choose another name or pass --overwrite", path.string());
  }
  // The same command once more, or a kill after the last file was finished.
  if (all_ours && !resumes && (was_removing || !request.overwrite)) return Prepared::complete;
  if (!resumes) check_room(request);
  if (!fs::exists(folder)) {
    fs::create_directories(folder);
    lock.take(folder, request.output, "mano generate");
  }
  if (!resumes) write_text_atomically(configuration, request.configuration);
  return Prepared::to_generate;
}

GenerateTimes generate_shards(const GenerateRequest& request, const GenerateCallbacks& callbacks, int rank,
                              int ranks) {
  GenerateTimes times;
  const fs::path manifest = shard_folder(request) / fmt::format("manifest-{}.jsonl", rank);
  Manifests manifests(request);
  auto finished = manifests.shards();
  // A line that a kill cut off must not swallow the next one.
  if (fs::exists(manifest)) append_line(manifest, "");
  ShardInFlight in_flight;
  for (std::size_t shard = rank; shard < shard_count(request); shard += ranks) {
    if (finished.contains(shard) && intact(request, shard, finished[shard])) continue;
    const std::size_t before = samples_finished(request, manifests.shards(), in_flight.shard);
    std::vector<AtomicFile> files;
    double worst = 0.0;
    for (std::size_t g = 0; g < request.grids.size(); ++g) {
      const auto progress = [&](std::size_t samples) {
        if (callbacks.progress && g + 1 == request.grids.size()) callbacks.progress(before + samples);
      };
      files.push_back(write_shard(request, callbacks, shard, g, worst, times, progress));
    }
    in_flight.wait();
    in_flight.shard = shard;
    in_flight.done =
        std::async(std::launch::async, commit_shard, std::cref(manifest), shard, worst, std::move(files));
  }
  in_flight.wait();
  if (callbacks.progress) callbacks.progress(samples_finished(request, manifests.shards(), std::nullopt));
  return times;
}

void merge_shards(const GenerateRequest& request) {
  const double tolerance = tolerance_reached(request);
  for (std::size_t g = 0; g < request.grids.size(); ++g) {
    write_atomically(output_path(request, g), [&](const fs::path& temporary) {
      DatasetInfo info = info_of(request, g, request.samples);
      info.tolerance = tolerance;
      DatasetWriter writer(temporary, info);
      for (std::size_t shard = 0; shard < shard_count(request); ++shard) {
        writer.copy(shard * shard_size(request),
                    DatasetReader(shard_path(request, shard, g), DatasetKind::any));
      }
      writer.close();
    });
  }
  // Renamed before it is emptied: a kill here leaves no half-emptied folder that looks like an unfinished run.
  const fs::path removing = removing_folder(request);
  fs::rename(shard_folder(request), removing);
  remove_ours(removing);
}

}  // namespace mano
