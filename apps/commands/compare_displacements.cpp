// The half of `mano compare` for models of displacements.

#include <map>

#include "apps/commands/compare_options.hpp"
#include "apps/comparison/compare_resolution.hpp"
#include "apps/comparison/displacement_comparison.hpp"
#include "apps/options/progress.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "core/interrupt.hpp"
#include "core/machine.hpp"
#include "datagen/drawn_rocks.hpp"

namespace mano {

namespace fs = std::filesystem;

namespace {

std::vector<DisplacementSamples> displacements_of_data(const CompareOptions& o,
                                                       const DisplacementModel& model) {
  refuse_beside_data(o.wells);
  std::vector<DisplacementSamples> list;
  for (const auto& path : o.data) {
    auto reader = std::make_shared<DatasetReader>(path, DatasetKind::displacement);
    model.check_data(reader->info(), path);
    list.push_back({path, reader->info().grid, std::min(o.samples, reader->info().samples),
                    [reader, read = model.reader_of(*reader)](std::size_t s) { return read(s); },
                    configuration_json(reader->info().configuration)});
  }
  return list;
}

std::vector<DisplacementSamples> displacements_of_fields(const CompareOptions& o,
                                                         const DisplacementModel& model) {
  auto field = std::make_shared<FieldSource>(o.field);
  const auto wells = std::make_shared<OwnWells>(model, o.wells);
  std::vector<DisplacementSamples> list;
  for (const Grid& grid : grids_to_compare(o, *field)) {
    model.check_rock(*field, grid);
    list.push_back({field->description(), grid,
                    field->from_file() ? std::min(o.samples, field->samples()) : o.samples,
                    [field, wells, grid](std::size_t s) { return wells->given_to(field->sample(s, grid)); },
                    field->configuration()});
  }
  return list;
}

// The last folder of each run's path, or the whole path where others have that name too.
std::vector<std::string> names_of_runs(const std::vector<std::string>& paths) {
  std::vector<fs::path> runs;
  std::map<std::string, int> count;
  for (const auto& path : paths) {
    const fs::path plain = fs::path(path).lexically_normal();
    const fs::path run = plain.filename() == "model.safetensors" ? plain.parent_path() : plain;
    runs.push_back(run.has_filename() ? run : run.parent_path());
    check(std::count(runs.begin(), runs.end(), runs.back()) == 1, "model {} is given twice", path);
    ++count[runs.back().filename().string()];
  }
  std::vector<std::string> names;
  for (const auto& run : runs)
    names.push_back(count[run.filename().string()] > 1 ? run.string() : run.filename().string());
  return names;
}

}  // namespace

void compare_displacement_models(const CompareOptions& o, const Invocation& invocation) {
  check(
      !o.direct && !o.force && !o.state && o.reference.empty() && !o.cycles.given(),
      "displacements are compared without --direct, --force, --state, --reference, --cycles and --accuracy");
  const auto names = names_of_runs(o.models);
  std::vector<DisplacementModel> loaded;
  for (const auto& path : o.models) loaded.emplace_back(path, o.device);
  std::vector<NamedModel> models;
  for (std::size_t m = 0; m < loaded.size(); ++m) {
    check(loaded[m].card().history->displacement == loaded.front().card().history->displacement &&
              loaded[m].card().history->times == loaded.front().card().history->times,
          "{} and {} were trained on different displacements", o.models.front(), o.models[m]);
    models.push_back({names[m], &loaded[m]});
  }
  check(o.data.empty() || (o.field.field.empty() && o.field.permeability.empty() && o.resolution.empty()),
        "--data excludes --field, --permeability and --resolution");
  const auto sources =
      o.data.empty() ? displacements_of_fields(o, loaded.front()) : displacements_of_data(o, loaded.front());
  prepare_folder(o);
  catch_interrupts();
  std::size_t steps = 0;
  for (const auto& source : sources) steps += source.count + 3 + models.size();
  Progress progress("compare", "steps", steps);
  std::size_t done = 0;
  std::vector<ComparedDisplacements> all;
  nlohmann::json files = nlohmann::json::array({"report.html", "compare.json"}),
                 results = nlohmann::json::array();
  for (std::size_t s = 0; s < sources.size(); ++s) {
    all.push_back(compare_displacements(models, sources[s], o.output, label_of(sources, s), [&] {
      progress.update(++done);
      stop_if_interrupted();
    }));
    results.push_back(to_json(all.back()));
    for (const auto& name : all.back().files()) files.push_back(name);
  }
  progress.clear();
  const nlohmann::json report{{"command", "compare"},
                              {"models", o.models},
                              {"processor", processor_name()},
                              {"results", results},
                              {"files", files}};
  write_json((fs::path(o.output) / "compare.json").string(), report);
  write_json(o.json, report);
  write_displacement_report(o.output, invocation.command_line, processor_name(), models, all);
  for (const auto& c : all) {
    say(verdict(c));
    for (const std::string& text : c.cautions) say(text);
  }
  say(fmt::format("wrote {0}/report.html (open it in a browser) and {0}/{1} (open it in ParaView)", o.output,
                  all.front().animation));
}

}  // namespace mano
