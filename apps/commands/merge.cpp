// mano merge: datasets that independent jobs made, into one.
//
//   mano generate --field two-phase --seed 1 --first 0 --samples 500 --resolution 64x64 -o a.h5
//   mano generate --field two-phase --seed 1 --first 500 --samples 500 --resolution 64x64 -o b.h5
//   mano merge a.h5 b.h5 -o all.h5
//
// Every sample is read and verified on the way, then copied as it is compressed.

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "apps/options/command_line.hpp"
#include "apps/options/progress.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "core/interrupt.hpp"
#include "datagen/dataset.hpp"
#include "datagen/drawn_rocks.hpp"

namespace mano {

namespace {

struct MergeOptions {
  std::vector<std::string> inputs;
  std::string output, json;
  bool overwrite = false;
};

// A configuration but for the samples' numbers, which are what may differ.
nlohmann::json without_range(const std::string& configuration) {
  nlohmann::json json = configuration_json(configuration);
  if (json.is_object()) {
    json.erase("first");
    json.erase("samples");
    json.erase("ranges");
  }
  return json;
}

void check_alike(const DatasetReader& first, const DatasetReader& other) {
  const DatasetInfo& a = first.info();
  const DatasetInfo& b = other.info();
  const auto same = [&](const auto& x, const auto& y, const std::string& what) {
    check(x == y, "{} and {} differ in {}: '{}' and '{}'", first.path().string(), other.path().string(), what,
          x, y);
  };
  same(a.grid.resolution(), b.grid.resolution(), "resolution");
  const auto size = [](const Grid& g) {
    return g.flat() ? fmt::format("{}x{}", g.lx, g.ly) : fmt::format("{}x{}x{}", g.lx, g.ly, g.lz);
  };
  same(size(a.grid), size(b.grid), "domain size");
  const auto origin = [](const Grid& g) {
    return g.flat() ? fmt::format("({}, {})", g.x0, g.y0) : fmt::format("({}, {}, {})", g.x0, g.y0, g.z0);
  };
  same(origin(a.grid), origin(b.grid), "origin");
  same(to_string(a.location), to_string(b.location), "location");
  same(to_string(a.units.system), to_string(b.units.system), "units");
  same(a.units.viscosity, b.units.viscosity, "viscosity");
  same(a.units.thickness, b.units.thickness, "thickness of the layer");
  same(a.problem_name, b.problem_name, "problem");
  same(fmt::format("{}", fmt::join(a.times, ", ")), fmt::format("{}", fmt::join(b.times, ", ")), "times");
  same(a.field, b.field, "field");
  const auto text = [](bool is, const char* yes, const char* no) { return std::string(is ? yes : no); };
  same(text(a.has_inactive, "some", "none"), text(b.has_inactive, "some", "none"), "inactive cells");
  same(text(a.single_precision, "float32", "float64"), text(b.single_precision, "float32", "float64"),
       "precision");
  const nlohmann::json x = without_range(a.configuration), y = without_range(b.configuration);
  // Of what mano generated, the configuration tells what was asked for; the attribute, what was reached.
  if (!x.is_object() || !x.contains("tolerance")) same(a.tolerance, b.tolerance, "tolerance");
  const auto entry = [](const nlohmann::json& json, const std::string& key) {
    return json.contains(key) ? json.at(key).dump() : "nothing";
  };
  for (const nlohmann::json* one : {&x, &y}) {
    if (!one->is_object()) continue;
    for (const auto& item : one->items())
      same(entry(x, item.key()), entry(y, item.key()), "their configuration at /" + item.key());
  }
  same(x.dump(), y.dump(), "configuration");
}

// First number and how many, of each run of consecutive numbers, in the order in which the samples are merged.
using Ranges = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

Ranges ranges_of(const std::vector<DatasetReader>& parts) {
  Ranges ranges;
  for (const DatasetReader& part : parts) {
    for (std::size_t s = 0; s < part.info().samples; ++s) {
      const std::uint64_t number = part.read_numbers(s).number;
      if (!ranges.empty() && number == ranges.back().first + ranges.back().second) {
        ++ranges.back().second;
      } else {
        ranges.emplace_back(number, 1);
      }
    }
  }
  return ranges;
}

// The configuration of one run over all samples, where their numbers have no gap; else with the ranges.
std::string joined_configuration(const std::vector<DatasetReader>& parts, std::size_t samples) {
  nlohmann::json json = configuration_json(parts[0].info().configuration);
  if (!json.is_object()) return parts[0].info().configuration;
  const Ranges ranges = ranges_of(parts);
  json["samples"] = samples;
  const bool knows_first = json.contains("first") || json.contains("ranges");
  json.erase("first");
  json.erase("ranges");
  if (ranges.size() > 1) {
    json["ranges"] = ranges;
  } else if (knows_first) {
    json["first"] = ranges[0].first;
  }
  return json.dump();
}

void merge(const MergeOptions& o, const Invocation&) {
  check(!o.inputs.empty(), "no datasets: name those to merge");
  check(!o.output.empty(), "no output: pass -o FILE.h5");
  check_writable(o.output);
  check(o.overwrite || !std::filesystem::exists(o.output),
        "{} exists: choose another name or pass --overwrite", o.output);
  catch_interrupts();
  std::vector<DatasetReader> parts;
  DatasetInfo info;
  std::size_t samples = 0;
  for (const std::string& input : o.inputs) {
    check_readable(input);
    parts.emplace_back(input, DatasetKind::any);
    check_alike(parts.front(), parts.back());
    samples += parts.back().info().samples;
  }
  // In the order of their samples, whatever the order of the names.
  std::stable_sort(parts.begin(), parts.end(), [](const DatasetReader& a, const DatasetReader& b) {
    return a.read_numbers(0).number < b.read_numbers(0).number;
  });
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen;
  info = parts.front().info();
  info.samples = samples;
  for (const DatasetReader& part : parts) info.tolerance = std::max(info.tolerance, part.info().tolerance);
  info.configuration = joined_configuration(parts, samples);
  Progress progress("merge", "samples", samples);
  write_atomically(o.output, [&](const std::filesystem::path& temporary) {
    DatasetWriter writer(temporary, info);
    std::size_t done = 0;
    for (const DatasetReader& part : parts) {
      for (std::size_t s = 0; s < part.info().samples; ++s) {
        if (const int signal = interrupt_signal())
          throw Interrupted(signal, "interrupted; nothing was written");
        const Sample sample = part.read(s);  // its checksums, and its values
        check(seen.emplace(sample.seed, sample.number).second, "{}: sample {} of seed {} is there twice",
              part.path().string(), sample.number, sample.seed);
        progress.update(done + s + 1);
      }
      writer.copy(done, part);
      done += part.info().samples;
    }
    writer.close();
  });
  say(fmt::format("wrote {}: {} samples of {} from {} file{}", o.output, samples, info.grid.resolution(),
                  parts.size(), parts.size() == 1 ? "" : "s"));
  write_json(o.json, {{"command", "merge"}, {"samples", samples}, {"files", parts.size()}});
}

}  // namespace

std::function<void(const Invocation&)> add_merge(CLI::App& app) {
  auto o = std::make_shared<MergeOptions>();
  app.add_option("inputs", o->inputs, "Datasets of one kind")->type_name("FILE...");
  app.add_option("-o,--output", o->output, "Dataset, .h5")->type_name("FILE");
  app.add_flag("--overwrite", o->overwrite, "Replace an existing dataset");
  add_json_option(app, o->json);
  return [o](const Invocation& invocation) { merge(*o, invocation); };
}

}  // namespace mano
