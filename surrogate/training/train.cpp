#include "surrogate/training/train.hpp"

#include <algorithm>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "core/version.hpp"
#include "surrogate/checkpoint/safetensors.hpp"
#include "surrogate/kernels/device.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/multigrid/model.hpp"
#include "surrogate/training/held_out.hpp"
#include "surrogate/training/process_group.hpp"
#include "surrogate/training/run_folder.hpp"
#include "surrogate/training/train_choices.hpp"
#include "surrogate/training/train_data.hpp"
#include "surrogate/training/train_memory.hpp"
#include "surrogate/training/train_task.hpp"
#include "surrogate/training/training_log.hpp"
#include "surrogate/training/training_stage.hpp"

namespace mano {

namespace {

class Trainer {
 public:
  Trainer(const TrainRequest& request, const TrainCallbacks& callbacks)
      : request_(request),
        callbacks_(callbacks),
        data_(load_train_data(request, device_from(request.device))),
        choices_(choose(request, data_)) {
    model_.card = data_.card;
    model_.card.architecture = request.architecture;
    model_.card.architecture.channels_in = model_.card.inputs() + (data_.has_inactive() ? 1 : 0);
    if (model_.card.history)
      model_.card.architecture.channels_out = 2 * static_cast<int>(model_.card.history->times.size());
    if (request.classify)
      model_.card.architecture.channels_out = static_cast<int>(model_.card.classes.size());
    model_.card.version = kVersion;
    model_.card.seed = request.seed;
    model_.card.knows_equation = choices_.residual_form;
    model_.card.coarsening = choices_.coarsening;
    model_.base = make_network(model_.card.architecture, request.seed);
    model_.card.parameters = model_.base->parameter_count();
    model_.to(device_from(request.device));
    fingerprint_ = fingerprint(request, model_.card, processes_.size());
  }

  TrainResult run() {
    check_fits();  // before the folder is touched
    const bool resumes = prepare_folder();
    TrainResult result;
    result.processes = processes_.size();
    result.parameters = model_.base->parameter_count();
    result.device = model_.device.is_cuda() ? "cuda" : "cpu";
    launched_ = seconds_now();
    TrainingState before;
    if (resumes) {
      before = load_counters(state_path(request_), fingerprint_);
      check_model_of_state(request_, model_.card, before);
      wait_for_all();  // every process has read the folder as it was left
      if (processes_.first()) cut_log(log_path(request_), before.stage, before.epoch);
    }
    const double seconds_before = before.seconds;
    if (before.stage == 0) {
      train_base(resumes, result);
      if (choices_.refines) train_refinement(false, seconds_before, result);
    } else {
      const ModelCard kept =
          card_from_metadata(read_safetensors(model_path(request_)).metadata, model_path(request_).string());
      result.best_epoch = kept.epoch;
      for (const LoggedEpoch& e : read_log(log_path(request_)))
        if (e.stage == 0 && e.best) network_l2_ = e.validation;
      train_refinement(true, seconds_before, result);
    }
    wait_for_all();
    if (processes_.first()) finish(result);
    const auto log = read_log(log_path(request_));
    result.epochs = static_cast<int>(
        std::count_if(log.begin(), log.end(), [](const LoggedEpoch& e) { return e.stage == 0; }));
    result.seconds = seconds_before + seconds_now() - launched_;
    return result;
  }

 private:
  // One process prepares the folder; the others wait for it, and learn whether the training goes on there.
  bool prepare_folder() {
    auto resumes = torch::zeros({1}, torch::kFloat64);
    if (processes_.first()) {
      const PreparedRun prepared = prepare_run(request_, model_.card, lock_);
      if (prepared == PreparedRun::begun_anew && callbacks_.note)
        callbacks_.note(
            fmt::format("{} was stopped in its first epoch, nothing of it is finished: begun anew",
                        request_.run.string()));
      if (prepared == PreparedRun::resumes) resumes.fill_(1);
    }
    processes_.add_up(resumes);
    return resumes.item<double>() > 0;
  }

  void wait_for_all() {
    auto nothing = torch::zeros({1}, torch::kFloat64);
    processes_.add_up(nothing);
  }

  // Says what is needed, and refuses what cannot be had.
  void check_fits() const {
    std::vector<TrainingBytes> stages;
    for (const TrainSet& set : data_.sets) {
      const bool refined = choices_.refines && can_refine({set.info.grid.nx, set.info.grid.ny});
      for (const TrainingBytes& stage :
           stage_bytes(request_, model_.card, *model_.base, set, refined ? choices_.correction_steps : 0))
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

  void train_base(bool resume, TrainResult& result) {
    const auto task = request_.classify     ? classification_task(model_, data_, request_)
                      : model_.card.history ? history_task(model_, data_, request_)
                                            : base_task(model_, data_, request_);
    StageOptions options = stage_options(0, request_.epochs);
    if (request_.max_seconds) options.max_seconds = *request_.max_seconds * choices_.base_share_of_time();
    options.keep = [this](int epoch, double validation) {
      model_.card.epoch = epoch;
      model_.card.validation_l2 = validation;
      save_checkpoint(model_path(request_), model_);
    };
    const TrainingState state = run_stage(*task, std::move(options), resume, result);
    result.best_epoch = state.best_epoch;
    result.best_l2 = state.best_l2;
    network_l2_ = state.best_l2;
  }

  void train_refinement(bool resume, double seconds_before, TrainResult& result) {
    wait_for_all();
    // The base as it is kept: the best epoch's averaged weights.
    load_kept();
    model_.card.refinement = request_.refinement_architecture;
    model_.card.knows_equation = choices_.residual_form;  // a checkpoint without a refinement does not say
    model_.card.correction_steps = choices_.correction_steps;
    model_.card.cycles = choices_.cycles;
    model_.refinement = make_network(request_.refinement_architecture, request_.seed + 1);
    model_.card.parameters = model_.base->parameter_count() + model_.refinement->parameter_count();
    model_.to(device_from(request_.device));
    const auto task = refinement_task(model_, data_, request_);
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
    if (state.best_l2 < 1.0)
      result.refinement_parameters = model_.refinement->parameter_count();
    else
      result.refinement_dropped = state.best_l2;
  }

  // The best weights so far; whether they refine the base is decided at the end.
  void load_kept() {
    model_ = load_checkpoint(model_path(request_));
    model_.to(device_from(request_.device));
    model_.card.base_correction_steps = 0;
  }

  // What is known once the weights are: how many correction steps on the network's own grid lessen the error of the held-out part most;
  // and how large that error is. Of a classifier, how often it is right.
  void finish(TrainResult& result) {
    load_kept();
    model_.card.calibrations.clear();
    const int batch = validation_batch(request_.batch, model_.device);
    if (request_.classify) {
      result.accuracy = held_out_accuracy(model_, data_, batch);
      return;
    }
    HeldOut held_out = model_.card.history ? held_out_history_errors(model_, data_, batch)
                                           : held_out_errors(model_, data_, batch);
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
    if (!model_.card.history) model_.card.cycle_errors = cycle_errors(model_, data_, batch);
    save_checkpoint(model_path(request_), model_);
    result.best_l2 = held_out.mean_l2;
    if (model_.refinement || model_.card.coarsening > 1) result.network_l2 = network_l2_;
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
  FolderLock lock_;  // of process 0
  double launched_ = 0.0;
  std::optional<double> network_l2_;  // of the best epoch of the base
  TrainData data_;
  TrainChoices choices_;
  SurrogateModel model_;
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
