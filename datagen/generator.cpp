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

namespace mano {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr std::size_t kShardBytes = std::size_t{16} << 20;
constexpr std::size_t kShardSamples = 256;

fs::path shard_folder(const GenerateRequest& request) {
  return request.output.string() + ".part";
}

fs::path removing_folder(const GenerateRequest& request) {
  return shard_folder(request).string() + ".removing";
}

std::size_t shard_count(const GenerateRequest& request) {
  const std::size_t size = shard_size(request);
  return (request.samples + size - 1) / size;
}

fs::path shard_path(const GenerateRequest& request, std::size_t shard, std::size_t grid) {
  return shard_folder(request) / fmt::format("shard-{:06}-{}.h5", shard, request.grids[grid].resolution());
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

// Finished shards by number, from the manifests of all ranks that ever took part. Each look reads only what was appended
// since the last one.
class Manifests {
 public:
  explicit Manifests(const GenerateRequest& request) : request_(request) {}

  const std::map<std::size_t, json>& shards() {
    for (const auto& entry : fs::directory_iterator(shard_folder(request_))) {
      if (entry.path().extension() == ".jsonl") read(entry.path());
    }
    return shards_;
  }

 private:
  // A line that has no end yet is read again the next time; one that a kill cut off does not count.
  void read(const fs::path& path) {
    std::streamoff& position = positions_[path.string()];
    std::ifstream in(path);
    in.seekg(position);
    for (std::string line; std::getline(in, line) && !in.eof();) {
      position += static_cast<std::streamoff>(line.size()) + 1;
      const json parsed = json::parse(line, nullptr, false);
      if (!parsed.is_discarded() && parsed.contains("shard")) shards_[parsed["shard"]] = parsed;
    }
  }

  const GenerateRequest& request_;
  std::map<std::string, std::streamoff> positions_;
  std::map<std::size_t, json> shards_;
};

bool intact(const GenerateRequest& request, std::size_t shard, const json& line) {
  for (std::size_t g = 0; g < request.grids.size(); ++g) {
    const fs::path path = shard_path(request, shard, g);
    if (!fs::exists(path) || file_hash(path) != line.at("hashes").at(g)) return false;
  }
  return true;
}

void append_line(const fs::path& path, const std::string& line) {
  const bool is_new = !fs::exists(path);
  std::ofstream out(path, std::ios::app);
  out << line << '\n';
  out.close();
  if (!out) throw RunFailed(fmt::format("cannot write {}", path.string()));
  sync_file(path);
  if (is_new) sync_folder(path.parent_path());
}

std::size_t samples_in(const GenerateRequest& request, std::size_t shard) {
  const std::size_t size = shard_size(request);
  return std::min(size, request.samples - shard * size);
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

// Temporaries of write_atomically(), .NAME.PID.tmp.h5, that a kill left in the folder of shards.
void remove_temporaries(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(".") && name.find(".tmp") != std::string::npos) fs::remove(entry.path());
  }
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

// One file of a shard: written and closed, not yet in its place.
AtomicFile write_shard(const GenerateRequest& request, const GenerateCallbacks& callbacks, std::size_t shard,
                       std::size_t grid, GenerateTimes& times,
                       const std::function<void(std::size_t)>& progress) {
  AtomicFile file(shard_path(request, shard, grid));
  DatasetWriter writer(file.temporary(), info_of(request, grid, samples_in(request, shard)));
  for (std::size_t s = 0; s < samples_in(request, shard); ++s) {
    check_not_interrupted(request);
    const double start = seconds_now();
    const std::uint64_t number = request.first + shard * shard_size(request) + s;
    const Sample sample = make_sample(request, callbacks, number, request.grids[grid]);
    const double solved = seconds_now();
    writer.write(s, sample);
    times.solving += solved - start;
    times.writing += seconds_now() - solved;
    progress(s + 1);
  }
  const double start = seconds_now();
  writer.close();
  times.writing += seconds_now() - start;
  return file;
}

void commit_shard(const fs::path& manifest, std::size_t shard, std::vector<AtomicFile> files) {
  std::vector<std::string> hashes;
  for (AtomicFile& file : files) {
    hashes.push_back(file_hash(file.temporary()));
    file.commit();
  }
  append_line(manifest, json{{"shard", shard}, {"hashes", hashes}}.dump());
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
  const std::size_t fields = request.times.empty() ? 2 : 1 + 2 * request.times.size();
  return std::clamp<std::size_t>(kShardBytes / (cells * fields * sizeof(double)), 1, kShardSamples);
}

void GenerationLock::share(const GenerateRequest& request) {
  FolderLock::share(shard_folder(request));
}

Prepared prepare_generation(const GenerateRequest& request, GenerationLock& lock) {
  const fs::path folder = shard_folder(request);
  const fs::path configuration = folder / "configuration.json";
  check_writable(request.output);
  check(!fs::exists(folder) || fs::is_directory(folder), "{} is in the way: it must be a folder or absent",
        folder.string());
  if (fs::exists(folder)) lock.take(folder, request.output, "mano generate");
  const bool was_removing = fs::remove_all(removing_folder(request)) > 0;
  const bool resumes = fs::exists(configuration);
  if (resumes) {
    check(read_text(configuration) == request.configuration,
          "{} holds an unfinished generation with other options: repeat those, or remove the folder",
          folder.string());
    remove_temporaries(folder);
    for (std::size_t g = 0; g < request.grids.size(); ++g) remove_temporaries_of(output_path(request, g));
  }
  bool all_ours = true;
  for (std::size_t g = 0; g < request.grids.size(); ++g) {
    const fs::path path = output_path(request, g);
    const bool ours = is_ours(request, path);
    all_ours = all_ours && ours;
    // A kill during the merge may have left finished files of this very request.
    check(!fs::exists(path) || request.overwrite || ours,
          "{} exists: choose another name or pass --overwrite", path.string());
  }
  // The same command once more, or a kill after the last file was finished.
  if (all_ours && !resumes && (was_removing || !request.overwrite)) return Prepared::complete;
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
    for (std::size_t g = 0; g < request.grids.size(); ++g) {
      const auto progress = [&](std::size_t samples) {
        if (callbacks.progress && g + 1 == request.grids.size()) callbacks.progress(before + samples);
      };
      files.push_back(write_shard(request, callbacks, shard, g, times, progress));
    }
    in_flight.wait();
    in_flight.shard = shard;
    in_flight.done =
        std::async(std::launch::async, commit_shard, std::cref(manifest), shard, std::move(files));
  }
  in_flight.wait();
  if (callbacks.progress) callbacks.progress(samples_finished(request, manifests.shards(), std::nullopt));
  return times;
}

void merge_shards(const GenerateRequest& request) {
  for (std::size_t g = 0; g < request.grids.size(); ++g) {
    write_atomically(output_path(request, g), [&](const fs::path& temporary) {
      DatasetWriter writer(temporary, info_of(request, g, request.samples));
      for (std::size_t shard = 0; shard < shard_count(request); ++shard) {
        writer.copy(shard * shard_size(request),
                    DatasetReader(shard_path(request, shard, g), DatasetKind::any));
      }
      writer.close();
    });
  }
  // Renamed before it is emptied: a kill here leaves no half-emptied folder that looks like an unfinished run.
  const fs::path removing = removing_folder(request);
  fs::remove_all(removing);
  fs::rename(shard_folder(request), removing);
  fs::remove_all(removing);
}

}  // namespace mano
