#include "surrogate/training/train.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "core/version.hpp"
#include "surrogate/checkpoint/safetensors.hpp"
#include "surrogate/kernels/device.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/darcy_operator.hpp"
#include "surrogate/multigrid/model.hpp"
#include "surrogate/multigrid/refinement.hpp"
#include "surrogate/multigrid/tensor_fields.hpp"
#include "surrogate/training/held_out.hpp"
#include "surrogate/training/process_group.hpp"
#include "surrogate/training/train_data.hpp"
#include "surrogate/training/train_memory.hpp"
#include "surrogate/training/train_task.hpp"
#include "surrogate/training/training_stage.hpp"

namespace mano {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

void check_request(const TrainRequest& r) {
  check(r.epochs > 0, "epochs is {}; it must be at least 1", r.epochs);
  check(r.refine_epochs >= 0, "refine epochs is {}; it must not be negative", r.refine_epochs);
  check(r.correction_steps >= 0 && r.correction_steps <= 64, "correction-steps is {}; it must lie in [0, 64]",
        r.correction_steps);
  check(r.cycles >= 0 && r.cycles <= 64, "cycles is {}; it must lie in [0, 64]", r.cycles);
  check(r.coarsening >= 0, "coarsening is {}; it must be at least 1", r.coarsening);
  check(r.batch > 0, "batch is {}; it must be at least 1", r.batch);
  check(r.accumulate > 0, "accumulate is {}; it must be at least 1", r.accumulate);
  check(!r.bfloat16 || r.architecture.model == Architecture::Model::mano,
        "precision bf16 is for mano alone; {} trains in fp32", to_string(r.architecture.model));
  check(r.learning_rate > 0, "learning rate is {}; it must be above zero", r.learning_rate);
  check(r.weight_decay >= 0, "weight decay is {}; it must not be negative", r.weight_decay);
  check(r.warm_up >= 0 && r.warm_up < 1, "warm-up is {}; it must lie in [0, 1)", r.warm_up);
  check(r.gradient_clip > 0, "gradient clip is {}; it must be above zero", r.gradient_clip);
  check(r.held_out > 0 && r.held_out < 1, "held-out fraction is {}; it must lie in (0, 1)", r.held_out);
  check(!r.max_seconds || *r.max_seconds > 0, "max seconds is {}; it must be above zero",
        r.max_seconds.value_or(0));
  check(r.refinement == "auto" || r.refinement == "residual" || r.refinement == "approximate" ||
            r.refinement == "none",
        "refinement is '{}', expected auto, residual, approximate or none", r.refinement);
}

fs::path model_path(const TrainRequest& r) {
  return r.run / "model.safetensors";
}
fs::path state_path(const TrainRequest& r) {
  return r.run / "state.safetensors";
}
fs::path log_path(const TrainRequest& r) {
  return r.run / "log.jsonl";
}

void prepare_run(const TrainRequest& r) {
  const bool used = fs::exists(model_path(r)) || fs::exists(state_path(r));
  check(!r.resume || used, "{} holds nothing to resume: leave --resume out", r.run.string());
  check(!used || r.overwrite || (r.resume && fs::exists(state_path(r))), "{} holds a model already, {}",
        r.run.string(),
        fs::exists(state_path(r)) ? "pass --resume to go on, or --overwrite to begin anew"
                                  : "but no finished epoch to resume: pass --overwrite to begin anew");
  std::error_code error;
  fs::create_directories(r.run, error);
  check(!error, "cannot make the folder {}: {}", r.run.string(), error.message());
  check_writable(model_path(r));
  if (r.resume || !used) return;
  // What the program adds to a run tells of the model that goes.
  for (const char* name :
       {"model.safetensors", "state.safetensors", "log.jsonl", "config.toml", "curve.png", "evaluation.json"})
    fs::remove(r.run / name);
}

// What must be the same when training goes on; the batch and the number of processes may change.
std::string fingerprint(const TrainRequest& r, const ModelCard& card) {
  json data = json::array();
  for (const auto& d : card.data) data.push_back(d.hash);
  return json{{"architecture", json::parse(to_json(r.architecture))},
              {"refinement_architecture", json::parse(to_json(r.refinement_architecture))},
              {"data", data},
              {"epochs", r.epochs},
              {"refine_epochs", r.refine_epochs},
              {"correction_steps", r.correction_steps},
              {"cycles", r.cycles},
              {"coarsening", r.coarsening},
              {"refinement", r.refinement},
              {"symmetry", r.symmetry},
              {"learning_rate", r.learning_rate},
              {"weight_decay", r.weight_decay},
              {"warm_up", r.warm_up},
              {"gradient_clip", r.gradient_clip},
              {"held_out", r.held_out},
              {"seed", r.seed},
              {"bfloat16", r.bfloat16}}
      .dump();
}

// The log may be an epoch ahead of the state.
void cut_log(const fs::path& path, int stage, int epochs) {
  std::string kept;
  std::ifstream lines(path);
  for (std::string line; std::getline(lines, line);) {
    const json entry = json::parse(line, nullptr, false);
    if (entry.is_discarded()) continue;
    const int of_stage = entry.value("stage", "base") == "base" ? 0 : 1;
    if (of_stage < stage || (of_stage == stage && entry.value("epoch", 0) <= epochs)) kept += line + "\n";
  }
  write_text_atomically(path, kept);
}

class Trainer {
 public:
  Trainer(const TrainRequest& request, const TrainCallbacks& callbacks)
      : request_(request),
        callbacks_(callbacks),
        data_(load_train_data(request, device_from(request.device))),
        precision_(request.bfloat16 ? Precision::bfloat16 : Precision::full) {
    model_.card = data_.card;
    model_.card.architecture = request.architecture;
    model_.card.version = kVersion;
    model_.card.knows_equation = residual_form();
    model_.card.coarsening = coarsening();
    check_grids();
    model_.base = make_network(request.architecture, request.seed);
    model_.card.parameters = model_.base->parameter_count();
    model_.to(device_from(request.device));
    fingerprint_ = fingerprint(request, model_.card);
    check_refinement();
  }

  TrainResult run() {
    check_fits();  // before the folder is touched
    // One process prepares the folder; the others wait for it.
    if (processes_.first()) prepare_run(request_);
    wait_for_all();
    TrainResult result;
    result.processes = processes_.size();
    result.parameters = model_.base->parameter_count();
    result.device = model_.device.is_cuda() ? "cuda" : "cpu";
    launched_ = seconds_now();
    TrainingState before;
    if (request_.resume) {
      before = load_counters(state_path(request_), fingerprint_);
      if (processes_.first()) cut_log(log_path(request_), before.stage, before.epoch);
    }
    const double seconds_before = before.seconds;
    if (before.stage == 0) {
      train_base(request_.resume, result);
      if (refines()) train_refinement(false, seconds_before, result);
    } else {
      const ModelCard kept =
          card_from_metadata(read_safetensors(model_path(request_)).metadata, model_path(request_).string());
      result.best_epoch = kept.epoch;
      result.epochs = request_.epochs;
      train_refinement(true, seconds_before, result);
    }
    wait_for_all();
    if (processes_.first()) result.best_l2 = finish();
    result.seconds = seconds_before + seconds_now() - launched_;
    return result;
  }

 private:
  void wait_for_all() {
    auto nothing = torch::zeros({1}, torch::kFloat64);
    processes_.add_up(nothing);
  }

  bool refines() const {
    return request_.refinement != "none" && request_.refine_epochs > 0 &&
           std::any_of(data_.sets.begin(), data_.sets.end(), [](const TrainSet& set) {
             return can_refine({set.info.grid.nx, set.info.grid.ny});
           });
  }

  // The hierarchy leads from the network's grid to the data's, by doubling. Where it knows the equation, the coarsest grid that the
  // network takes and that keeps kFewestPoints: every point there costs least and sees most of the domain.
  int coarsening() const {
    constexpr int kFewestPoints = 16;
    if (request_.coarsening > 0) return request_.coarsening;
    if (!refines() || !residual_form()) return 1;
    const auto takes = [&](int c) {
      return std::all_of(data_.sets.begin(), data_.sets.end(), [&](const TrainSet& set) {
        const Grid& g = set.info.grid;
        return g.nx % c == 0 && g.ny % c == 0 && std::min(g.nx, g.ny) / c >= kFewestPoints &&
               takes_grid(request_.architecture, g.ny / c, g.nx / c);
      });
    };
    int c = 1;
    while (takes(2 * c)) c *= 2;
    return c;
  }

  void check_grids() const {
    const int c = model_.card.coarsening;
    for (std::size_t i = 0; i < data_.sets.size(); ++i) {
      const Grid& g = data_.sets[i].info.grid;
      check(g.nx % c == 0 && g.ny % c == 0, "{}: coarsening is {}, which does not divide {}x{}",
            model_.card.data[i].file, c, g.nx, g.ny);
      check_grid(request_.architecture, g.ny / c, g.nx / c);
    }
  }

  bool residual_form() const {
    return request_.refinement != "approximate" &&
           knows_equation(model_.card.problem_name, model_.card.location);
  }

  void check_refinement() const {
    const ModelCard& c = model_.card;
    check(request_.refinement != "residual" || residual_form(),
          "refinement is 'residual', but {} does not record its equation (problem {}, values at the {}): use "
          "--refinement approximate",
          c.data.front().file, c.problem_name, to_string(c.location));
    check(request_.cycles <= 1 || (residual_form() && refines()),
          "cycles is {}, but all after the first need a refinement of the equation's own residual, which {} "
          "with these options does not get: leave --cycles out",
          request_.cycles, c.data.front().file);
    check(request_.refinement == "auto" || request_.refinement == "none" || refines(),
          "refinement is '{}', but {} has too few points to coarsen, or --refine-epochs is 0",
          request_.refinement, c.data.front().file);
  }

  int correction_steps() const {
    return request_.correction_steps > 0 ? request_.correction_steps : residual_form() ? 3 : 1;
  }

  int cycles() const { return request_.cycles > 0 ? request_.cycles : default_cycles(residual_form()); }

  // Says what is needed, and refuses what cannot be had.
  void check_fits() const {
    std::vector<TrainingBytes> stages;
    for (const TrainSet& set : data_.sets) {
      const bool refined = refines() && can_refine({set.info.grid.nx, set.info.grid.ny});
      for (const TrainingBytes& stage :
           stage_bytes(request_, model_.card, *model_.base, set, refined ? correction_steps() : 0))
        stages.push_back(stage);
    }
    const MemoryNeed need = memory_need(stages, request_.batch);
    if (callbacks_.start) {
      const int per_step = request_.batch * request_.accumulate * processes_.size();
      callbacks_.start({model_.card.parameters, processes_.size(), per_step, need.most});
    }
    if (model_.device.is_cuda()) return;  // a card says so itself
    check(need.largest_batch >= request_.batch,
          "batch {} needs about {:.3g} GB of memory, {:.3g} GB are free: {}", request_.batch, need.most / 1e9,
          static_cast<double>(available_memory()) / 1e9,
          need.largest_batch > 0
              ? fmt::format("--batch {} fits; --accumulate adds batches up", need.largest_batch)
              : std::string("not even a batch of 1 fits; use a smaller model or resolution"));
  }

  StageOptions stage_options(int number, int epochs) const {
    StageOptions o;
    o.number = number;
    o.epochs = epochs;
    o.state_path = state_path(request_);
    o.log_path = log_path(request_);
    o.fingerprint = fingerprint_;
    return o;
  }

  // Of the time, where there is a limit: on a coarse grid the network costs little, and the refinement has more to do.
  double base_share() const { return !refines() ? 1.0 : model_.card.coarsening == 1 ? 0.75 : 0.25; }

  void train_base(bool resume, TrainResult& result) {
    const auto task = base_task(model_, data_, precision_, request_.symmetry);
    StageOptions options = stage_options(0, request_.epochs);
    if (request_.max_seconds) options.max_seconds = *request_.max_seconds * base_share();
    options.keep = [this](int epoch, double validation) {
      model_.card.epoch = epoch;
      model_.card.validation_l2 = validation;
      save_checkpoint(model_path(request_), model_);
    };
    const TrainingState state = run_stage(*task, std::move(options), resume, result);
    result.epochs = state.epoch;
    result.best_epoch = state.best_epoch;
    result.best_l2 = state.best_l2;
  }

  void train_refinement(bool resume, double seconds_before, TrainResult& result) {
    wait_for_all();
    // The base as it is kept: the best epoch's averaged weights.
    load_kept();
    model_.card.refinement = request_.refinement_architecture;
    model_.card.knows_equation = residual_form();  // a checkpoint without a refinement does not say
    model_.card.correction_steps = correction_steps();
    model_.card.cycles = cycles();
    model_.refinement = make_network(request_.refinement_architecture, request_.seed + 1);
    model_.card.parameters = model_.base->parameter_count() + model_.refinement->parameter_count();
    model_.to(device_from(request_.device));
    const auto task = refinement_task(model_, data_, precision_);
    StageOptions options = stage_options(1, request_.refine_epochs);
    // The base, and what the task has prepared: the mean of all processes, so that they stop together.
    auto clock = torch::full({}, seconds_now() - launched_, torch::kFloat64);
    processes_.add_up(clock);
    const double passed = clock.item<double>() / processes_.size();
    if (request_.max_seconds)
      options.max_seconds = std::max(*request_.max_seconds - passed, 0.05 * *request_.max_seconds);
    options.seconds_before = seconds_before + passed;
    // One that does not lessen the error is not kept: interpolation alone is better.
    options.keep = [this](int, double left) {
      if (left < 1.0) save_checkpoint(model_path(request_), model_);
    };
    const TrainingState state = run_stage(*task, std::move(options), resume, result);
    result.refinement_left = std::min(1.0, state.best_l2);
    if (state.best_l2 < 1.0) result.refinement_parameters = model_.refinement->parameter_count();
  }

  // The best weights so far; whether they refine the base is decided at the end.
  void load_kept() {
    model_ = load_checkpoint(model_path(request_));
    model_.to(device_from(request_.device));
    model_.card.base_correction_steps = 0;
  }

  // What is known once the weights are: how many correction steps on the network's own grid lessen the error of the held-out part most;
  // and how large that error is. Returns its mean.
  double finish() {
    load_kept();
    model_.card.calibrations.clear();
    const int batch = validation_batch(request_.batch, model_.device);
    HeldOut held_out = held_out_errors(model_, data_, batch);
    if (model_.refinement) {
      int best = 0;
      for (model_.card.base_correction_steps = 1;
           model_.card.base_correction_steps <= model_.card.correction_steps;
           ++model_.card.base_correction_steps) {
        HeldOut refined = held_out_errors(model_, data_, batch);
        if (!(refined.mean_l2 < held_out.mean_l2)) continue;  // also where it is not a number
        best = model_.card.base_correction_steps;
        held_out = std::move(refined);
      }
      model_.card.base_correction_steps = best;
    }
    model_.card.validation_l2 = held_out.mean_l2;
    model_.card.calibrations = std::move(held_out.calibrations);
    save_checkpoint(model_path(request_), model_);
    return held_out.mean_l2;
  }

  TrainingState run_stage(TrainTask& task, StageOptions options, bool resume, TrainResult& result) {
    TrainingStage stage(task, request_, callbacks_, processes_, std::move(options));
    const TrainingState state = stage.run(resume);
    result.stopped_on_time = result.stopped_on_time || stage.stopped_on_time();
    return state;
  }

  const TrainRequest& request_;
  const TrainCallbacks& callbacks_;
  ProcessGroup processes_;
  double launched_ = 0.0;
  TrainData data_;
  SurrogateModel model_;
  Precision precision_;
  std::string fingerprint_;
};

}  // namespace

TrainResult train(const TrainRequest& request, const TrainCallbacks& callbacks) {
  check_request(request);
  check_architecture(request.architecture);
  Trainer trainer(request, callbacks);  // reads and checks the data before the folder is touched
  return trainer.run();
}

}  // namespace mano
