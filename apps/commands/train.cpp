// mano train: a MANO on one or more datasets.
//
//   mano train --data data.h5 -o run --preset small --epochs 60
//   mano train --data data.h5 -o run --resume
//   mano train --generate two-phase --resolution 32x32 --samples 1000 -o run

#include "surrogate/training/train.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <ranges>

#include "apps/options/command_line.hpp"
#include "apps/options/progress.hpp"
#include "apps/pictures/curve.hpp"
#include "apps/workflow/displacement_model.hpp"
#include "apps/workflow/effective_config.hpp"
#include "apps/workflow/fresh_samples.hpp"
#include "core/error.hpp"
#include "core/interrupt.hpp"
#include "surrogate/networks/model_kinds.hpp"

namespace mano {

namespace {

struct ShapeOption {
  const char* name;
  int Architecture::*member;
  const char* help;
};
constexpr std::array<ShapeOption, 16> kShape{{
    {"dim", &Architecture::dim, "Width of a token"},
    {"depth", &Architecture::depth, "Blocks"},
    {"heads", &Architecture::heads, "Attention heads"},
    {"dim-head", &Architecture::dim_head, "Width of a head"},
    {"mlp", &Architecture::mlp, "Hidden width of the MLP"},
    {"window", &Architecture::window, "Window size K"},
    {"stride", &Architecture::stride, "Window stride S"},
    {"rate", &Architecture::rate, "Coarsening from level to level"},
    {"patch", &Architecture::patch,
     "Points of a token in each direction, of other models than MANO, fno, unet and transdepth"},
    {"token-size", &Architecture::patch, "The same, of MANO"},
    {"queries", &Architecture::queries, "Learned queries a head, of QnA"},
    {"windows", &Architecture::windows, "Windows along each side, of HLG"},
    {"factor", &Architecture::factor, "Of N queries, factor * ceil(ln N) are kept, of Reguformer"},
    {"convolutions", &Architecture::convolutions,
     "Of MANO: 1 adds local convolutions to values and MLP, 0 is as published"},
    {"point-width", &Architecture::point_width,
     "Of MANO, vit, swin, xcit, qna, shunted, hlg and reguformer: numbers a point in the head, which reads "
     "the "
     "point's own inputs once more; 0 maps tokens to points linearly"},
    {"modes", &Architecture::modes, "Fourier modes of an FNO in each direction"},
}};

struct TrainOptions {
  TrainRequest request;
  FreshOptions fresh;
  std::vector<std::string> data;
  std::string run, model = "mano", preset, json;
  std::map<std::string, std::optional<int>> shape;  // by the option's name
  std::string sampling, precision = "fp32", optimizer = "muon", task = "pressure";
};

// A displacement has many numbers at each point, and a wider network keeps more of them apart (docs/displacement.md).
std::string default_preset(const TrainOptions& o) {
  const bool displacement =
      !o.data.empty() && !DatasetReader(o.data.front(), DatasetKind::any).info().times.empty();
  return displacement && kind_of(parse_model(o.model)).wide ? "wide" : "small";
}

Architecture architecture_of(const TrainOptions& o) {
  Architecture a = architecture_preset(o.preset.empty() ? default_preset(o) : o.preset, parse_model(o.model));
  const auto options = kind_of(a.model).options();
  for (const auto& [name, value] : o.shape) {
    if (!value) continue;
    check(a.model != Architecture::Model::mano || name != "patch",
          "--patch is {}, but it is not an option of MANO, whose tokens are set by --token-size", *value);
    const auto known = std::find_if(options.begin(), options.end(),
                                    [&, n = &name](const auto& option) { return option.first == *n; });
    if (known != options.end()) {
      a.*known->second = *value;
      continue;
    }
    // Configurations of before name every number, with the preset's own value where the model has no use for it.
    const auto number = std::find_if(kShape.begin(), kShape.end(),
                                     [&, n = &name](const ShapeOption& option) { return option.name == *n; });
    if (*value == a.*number->member) continue;
    throw InvalidInput(fmt::format("--{} is not an option of {}; its shape is set by --{}", name,
                                   to_string(a.model), fmt::join(options | std::views::keys, ", --")));
  }
  check(o.sampling.empty() || o.sampling == "conv" || o.sampling == "avg-pool",
        "sampling is '{}', expected conv or avg-pool", o.sampling);
  if (o.sampling == "avg-pool") a.sampling = Architecture::Sampling::avg_pool;
  check_architecture(a);
  return a;
}

std::string errors_text(const TrainResult& r) {
  if (r.accuracy) return fmt::format("{:.1f} % of the kinds right on the held-out part", 100 * *r.accuracy);
  const std::string error = "relative L2 on the held-out part ";
  if (!r.network_l2) return fmt::format("{}{:.3g}", error, r.best_l2);
  return fmt::format("{}{:.3g} by the network alone, {:.3g} {}", error, *r.network_l2, r.best_l2,
                     r.refinement_parameters > 0 ? "with refinement" : "on the data's grid");
}

void report(const TrainOptions& o, const TrainResult& result) {
  const std::string curve = draw_training_curve(o.run);
  say(fmt::format("{} epoch{}, {} parameters{} on {}, {}{}", result.epochs, result.epochs == 1 ? "" : "s",
                  result.parameters,
                  result.refinement_parameters > 0
                      ? fmt::format(" and {} of the refinement", result.refinement_parameters)
                      : "",
                  result.device, duration_text(result.seconds),
                  result.stopped_on_time ? ", stopped on time" : ""));
  if (result.refinement_left < 1.0)
    say(fmt::format(
        "refinement for unseen resolutions: leaves {:.0f} % of the error that interpolation leaves",
        100 * result.refinement_left));
  if (result.refinement_dropped)
    say(
        fmt::format("refinement for unseen resolutions: not kept, it left {:.0f} % of the error that "
                    "interpolation leaves",
                    100 * *result.refinement_dropped));
  say(fmt::format("best: epoch {}; {}; wrote {}/model.safetensors{}", result.best_epoch, errors_text(result),
                  o.run, curve.empty() ? "" : ", " + curve));
  nlohmann::json best{{"epoch", result.best_epoch}};
  if (result.accuracy) {
    best["accuracy"] = *result.accuracy;
    best["cross_entropy"] = result.best_l2;
  } else {
    best["relative_l2"] = result.best_l2;
  }
  write_json(o.json, {{"epochs", result.epochs},
                      {"seconds", result.seconds},
                      {"parameters", result.parameters},
                      {"refinement_parameters", result.refinement_parameters},
                      {"best", best},
                      {"refinement_left", result.refinement_left},
                      {"processes", result.processes},
                      {"device", result.device}});
}

void train_command(const TrainOptions& o, const Invocation&) {
  // 1. What is asked for.
  TrainRequest request = o.request;
  check(!o.data.empty() || wants_fresh(o.fresh),
        "no dataset to train on: pass --data FILE, or --generate KIND");
  check(!o.run.empty(), "no folder for the run: pass -o RUN");
  request.data.assign(o.data.begin(), o.data.end());
  if (wants_fresh(o.fresh)) request.fresh = fresh_samples(o.fresh, request);
  request.first_guess = first_guesses_of_data();
  request.run = o.run;
  request.architecture = architecture_of(o);
  check(o.precision == "fp32" || o.precision == "bf16", "precision is '{}', expected fp32 or bf16",
        o.precision);
  request.bfloat16 = o.precision == "bf16";
  check(o.optimizer == "muon" || o.optimizer == "adamw", "optimizer is '{}', expected muon or adamw",
        o.optimizer);
  request.optimizer = o.optimizer == "muon" ? OptimizerKind::muon : OptimizerKind::adamw;
  check(o.task == "pressure" || o.task == "classify", "task is '{}', expected pressure or classify", o.task);
  request.classify = o.task == "classify";
  catch_interrupts();

  // 2. Training; a line an epoch.
  std::unique_ptr<Progress> progress;
  TrainCallbacks callbacks;
  std::string stage;
  callbacks.progress = [&](const TrainProgress& p) {
    if (stage.empty() && launched_rank() == 0)
      write_effective_config(request, o.fresh);  // the folder is there now
    if (!progress || p.stage != stage)
      progress = std::make_unique<Progress>("train " + p.stage, "samples", p.of * p.epochs);
    stage = p.stage;
    progress->update((p.epoch - 1) * p.of + p.samples, fmt::format("epoch {}", p.epoch), p.seconds_left);
  };
  callbacks.start = [&](const TrainPlan& plan) {
    say(fmt::format(
        "{} parameters, {} samples a step{}, {}; needs about {:.0f} MB of memory{}", plan.parameters,
        plan.samples_per_step, plan.processes > 1 ? fmt::format(" of {} processes", plan.processes) : "",
        request.bfloat16 ? "bfloat16" : "float32", plan.bytes / 1e6, plan.processes > 1 ? " each" : ""));
  };
  callbacks.note = [](const std::string& text) { say("note: " + text); };
  callbacks.epoch = [&](const EpochReport& r) {
    progress->clear();
    say(fmt::format("{} {:4} of {}: {} {:.4f} in training, {:.4f} held out{}, {}{}",
                    r.stage == "refinement" ? "refinement" : "epoch", r.epoch, r.epochs,
                    r.stage == "base"      ? "relative L2"
                    : r.stage == "classes" ? "cross-entropy"
                                           : "part of the error left",
                    r.train_l2, r.validation_l2, r.best ? " (best)" : "", duration_text(r.seconds),
                    r.skipped > 0 ? fmt::format(", {} steps skipped: not finite", r.skipped) : ""));
  };
  const TrainResult result = train(request, callbacks);
  progress.reset();
  if (launched_rank() != 0) return;

  // 3. Report.
  report(o, result);
}

}  // namespace

std::function<void(const Invocation&)> add_train(CLI::App& app) {
  auto o = std::make_shared<TrainOptions>();
  TrainRequest& r = o->request;
  app.add_option("--data", o->data, "Dataset; may be repeated")->type_name("FILE");
  app.add_option("-o,--output", o->run, "Folder of the run")->type_name("RUN");
  app.add_option("--model", o->model, "mano, or another that 'mano info --models' lists [mano]");
  app.add_option(
      "--preset", o->preset,
      "small (about 70,000 parameters), large (600,000); of MANO and FNO also wide, for many numbers "
      "a point; of MANO as "
      "published small-published, large-published and paper [small; where there is one, for "
      "displacements wide]");
  app.add_option(
      "--task", o->task,
      "pressure, or classify: learn to tell the kinds of rock of several datasets apart [pressure]");
  app.add_option("--epochs", r.epochs, fmt::format("Passes over the data [{}]", r.epochs));
  app.add_option("--device", r.device, "auto, cpu or cuda [auto]");
  app.add_option("--seed", r.seed, "Seed of weights, split and order [0]");
  app.add_flag("--resume", r.resume, "Go on from the last finished epoch in RUN");
  app.add_flag("--overwrite", r.overwrite, "Begin anew in a RUN that holds a model");
  app.add_option("--max-seconds", r.max_seconds, "Stop on time, with the best checkpoint so far");
  add_fresh_options(app, o->fresh);
  const std::string training = "Training";
  app.add_option("--batch", r.batch, fmt::format("Samples a step [{}]", r.batch))->group(training);
  app.add_option("--accumulate", r.accumulate,
                 fmt::format("Batches whose gradients a step adds up [{}]", r.accumulate))
      ->group(training);
  app.add_option("--precision", o->precision,
                 "Of matrix products: fp32, or bf16 with fp32 sums and weights [fp32]")
      ->group(training);
  app.add_option("--optimizer", o->optimizer,
                 "muon: steps of equal size in all directions for weights that are matrices, AdamW's for the "
                 "rest; or adamw for all [muon]")
      ->group(training);
  app.add_option("--learning-rate", r.learning_rate, "At its peak [0.01; of adamw 0.004]")->group(training);
  app.add_option("--weight-decay", r.weight_decay,
                 "What a step takes off the weights, times the learning rate [0.1; of adamw 0.0001]")
      ->group(training);
  app.add_option("--warm-up", r.warm_up, fmt::format("Fraction of steps with rising rate [{}]", r.warm_up))
      ->group(training);
  app.add_option("--gradient-clip", r.gradient_clip,
                 fmt::format("Bound on the gradient's norm [{}]", r.gradient_clip))
      ->group(training);
  app.add_option("--held-out", r.held_out, fmt::format("Fraction not trained on [{}]", r.held_out))
      ->group(training);
  app.add_flag("--symmetry,!--no-symmetry", r.symmetry,
               "Train on reflected fields too, where the problem has symmetries [on]")
      ->group(training);
  app.add_flag("--exchange", r.exchange,
               "Of data whose problem is unknown: exchanging x and y turns a solution into a solution; train "
               "on both")
      ->group(training);
  app.add_option(
         "--refinement", r.refinement,
         "What the refinement for unseen resolutions sees: residual (of the equation), approximate (where "
         "the data do not record the equation), or none to go without it [auto]")
      ->group(training);
  app.add_option(
         "--correction-steps", r.correction_steps,
         "Correction steps of the refinement that one step of its training unrolls. A prediction takes at "
         "most as many on the network's grid, and twice as many there in a later cycle "
         "[3 where the equation is known, else 1]")
      ->group(training);
  app.add_option(
         "--cycles", r.cycles,
         "Cycles through the grid hierarchy: the first starts from the network's prediction, each later one "
         "from the equation's residual [4 where the equation is known, else 1]")
      ->group(training);
  app.add_option(
         "--coarsening", r.coarsening,
         "Factor by which the network's grid is coarser than the data's in each direction; the refinement "
         "leads back [where the equation is known the largest power of 2 that leaves 16 points, else 1]")
      ->group(training);
  app.add_option("--refine-epochs", r.refine_epochs,
                 fmt::format("Passes of the refinement over the data, after the base [{}]", r.refine_epochs))
      ->group(training);
  app.add_flag("--graphs,!--no-graphs", r.graphs, "On a GPU, record a step once and replay it [on]")
      ->group(training);
  const std::string shape = "Architecture, in place of the preset's";
  for (const ShapeOption& option : kShape)
    app.add_option("--" + std::string(option.name), o->shape[option.name], option.help)->group(shape);
  app.add_option("--sampling", o->sampling, "conv or avg-pool")->group(shape);
  add_json_option(app, o->json);
  return [o](const Invocation& invocation) { train_command(*o, invocation); };
}

}  // namespace mano
