// mano evaluate: errors of a trained model on datasets, at resolutions seen in training or not.
//
//   mano evaluate --model run --data test-32x32.h5 --data test-64x64.h5 --json errors.json
//   mano evaluate --model run --data test-64x64.h5 --record     then 'mano info run' shows it

#include "surrogate/evaluate.hpp"

#include "apps/comparison/evaluation_table.hpp"
#include "apps/options/command_line.hpp"
#include "apps/options/progress.hpp"
#include "apps/workflow/cycle_options.hpp"
#include "apps/workflow/displacement_model.hpp"
#include "apps/workflow/trained_on.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "datagen/content_hash.hpp"

namespace mano {

namespace {

struct EvaluateOptions {
  std::string model, device = "auto", method = "multigrid", json;
  std::vector<std::string> data;
  int batch = 16;
  CycleOptions cycles;
  bool direct = false, force = false, record = false;
};

void tell_what_was_trained_on(const ModelCard& card, const std::vector<DatasetReader>& readers) {
  for (const DatasetReader& reader : readers) {
    if (const std::size_t known = samples_trained_on(card, reader); known > 0)
      say(fmt::format(
          "caution: the model was trained on {} of the {} samples of {}: new ones have larger errors", known,
          reader.info().samples, reader.path().string()));
  }
}

// Models of displacements.
void evaluate_displacements(const EvaluateOptions& o) {
  check(!o.cycles.given(), "a displacement is predicted without cycles: leave --cycles and --accuracy out");
  const DisplacementModel model(o.model, o.device);
  std::vector<DatasetReader> readers;
  for (const auto& path : o.data) {
    readers.emplace_back(path, DatasetKind::displacement);
    readers.back().refuse_predicted();
    model.check_data(readers.back().info(), path);
  }
  const Method method = o.direct ? Method::direct : parse_method(o.method);
  std::vector<DisplacementEvaluation> evaluations;
  for (const DatasetReader& reader : readers) {
    Progress progress("evaluate " + reader.path().filename().string(), "samples", reader.info().samples);
    evaluations.push_back(
        evaluate(model, reader, o.batch, method, [&](std::size_t done) { progress.update(done); }));
  }
  for (const auto& line : table_lines(evaluations)) say(line);
  tell_what_was_trained_on(model.card(), readers);
  nlohmann::json results = nlohmann::json::array();
  for (const auto& e : evaluations) results.push_back(to_json(e));
  const nlohmann::json report{{"command", "evaluate"},
                              {"model", o.model},
                              {"method", to_string(method)},
                              {"model_hash", file_hash(checkpoint_path(o.model))},
                              {"results", results}};
  write_json(o.json, report);
  if (o.record) write_json((std::filesystem::path(o.model) / kRecordedEvaluation).string(), report);
}

void evaluate_command(const EvaluateOptions& o, const Invocation&) {
  check(!o.model.empty(), "no model: pass --model RUN");
  check(!o.data.empty(), "no dataset: pass --data FILE");
  check(o.batch > 0, "batch is {}; it must be at least 1", o.batch);
  check(!o.record || std::filesystem::is_directory(o.model),
        "--record writes into the RUN folder, and {} is none", o.model);
  if (o.record) check_writable(std::filesystem::path(o.model) / kRecordedEvaluation);
  check(!o.direct || o.method == "multigrid", "--direct excludes --method {}", o.method);
  if (predicts_history(o.model)) return evaluate_displacements(o);
  const Method method = o.direct ? Method::direct : parse_method(o.method);
  Surrogate surrogate(o.model, o.device);
  surrogate.check_method(method);
  apply_cycles(o.cycles, method == Method::multigrid || method == Method::interpolation, surrogate);
  std::vector<DatasetReader> readers;  // all are checked before the first is evaluated
  for (const auto& path : o.data) {
    readers.emplace_back(path);
    readers.back().refuse_predicted();
    const DatasetInfo& info = readers.back().info();
    if (!o.force) surrogate.check_problem(info.problem_name, info.grid, info.location, path);
    surrogate.check_fits(info.grid, std::min<std::size_t>(o.batch, info.samples));
  }
  std::vector<Evaluation> evaluations;
  for (const DatasetReader& reader : readers) {
    Progress progress("evaluate " + reader.path().filename().string(), "samples", reader.info().samples);
    evaluations.push_back(
        evaluate(surrogate, reader, o.batch, method, [&](std::size_t done) { progress.update(done); }));
  }
  for (const auto& line : table_lines(evaluations, surrogate.card())) say(line);
  tell_what_was_trained_on(surrogate.card(), readers);
  auto results = evaluations_json("evaluate", o.model, surrogate.card(), evaluations);
  results["model_hash"] = file_hash(checkpoint_path(o.model));
  write_json(o.json, results);
  if (o.record) write_json((std::filesystem::path(o.model) / kRecordedEvaluation).string(), results);
}

}  // namespace

std::function<void(const Invocation&)> add_evaluate(CLI::App& app) {
  auto o = std::make_shared<EvaluateOptions>();
  app.add_option("--model", o->model, "RUN folder or checkpoint")->type_name("RUN");
  app.add_option("--data", o->data, "Dataset; may be repeated")->type_name("FILE");
  app.add_option("--device", o->device, "auto, cpu or cuda [auto]");
  app.add_option("--batch", o->batch, "Samples at once [16]");
  add_cycle_options(app, o->cycles);
  add_direct_option(app, o->direct);
  app.add_option("--method", o->method,
                 "multigrid, or for comparison: interpolation (from the training resolution), direct (the "
                 "network alone), interleaved (the network alone on every second point, every third, ...), "
                 "jacobi (16 damped Jacobi steps on each grid in place of the refinement), "
                 "zero-start (without the network's prediction), exact-start (from the exact solution at "
                 "the training resolution) [multigrid]");
  app.add_flag("--record", o->record, "Keep the results in RUN, where 'mano info RUN' shows them");
  app.add_flag("--force", o->force, "Evaluate on another problem or domain than the model's");
  add_json_option(app, o->json);
  return [o](const Invocation& invocation) { evaluate_command(*o, invocation); };
}

}  // namespace mano
