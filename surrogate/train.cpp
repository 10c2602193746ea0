#include "surrogate/train.hpp"

#include <torch/torch.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "core/interrupt.hpp"
#include "core/version.hpp"
#include "surrogate/checkpoint.hpp"
#include "surrogate/tensor_fields.hpp"
#include "surrogate/train_data.hpp"
#include "surrogate/training_state.hpp"

namespace mano {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

// Linear warm-up, then half a cosine down to zero, as a fraction of the peak.
double schedule(double progress, double warm_up) {
  if (progress < warm_up) return (progress + 1e-3) / (warm_up + 1e-3);
  return 0.5 * (1.0 + std::cos(std::numbers::pi * (progress - warm_up) / (1.0 - warm_up)));
}

void check_request(const TrainRequest& r) {
  check(r.epochs > 0, "epochs is {}; it must be at least 1", r.epochs);
  check(r.batch > 0, "batch is {}; it must be at least 1", r.batch);
  check(r.learning_rate > 0, "learning rate is {}; it must be above zero", r.learning_rate);
  check(r.weight_decay >= 0, "weight decay is {}; it must not be negative", r.weight_decay);
  check(r.warm_up >= 0 && r.warm_up < 1, "warm-up is {}; it must lie in [0, 1)", r.warm_up);
  check(r.gradient_clip > 0, "gradient clip is {}; it must be above zero", r.gradient_clip);
  check(r.held_out > 0 && r.held_out < 1, "held-out fraction is {}; it must lie in (0, 1)", r.held_out);
  check(!r.max_seconds || *r.max_seconds > 0, "max seconds is {}; it must be above zero",
        r.max_seconds.value_or(0));
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
  if (!r.resume) {
    for (const auto& path : {model_path(r), state_path(r), log_path(r)}) fs::remove(path);
  }
}

// What must be the same when training goes on.
std::string fingerprint(const TrainRequest& r, const ModelCard& card) {
  json data = json::array();
  for (const auto& d : card.data) data.push_back(d.hash);
  return json{{"architecture", json::parse(to_json(r.architecture))},
              {"data", data},
              {"epochs", r.epochs},
              {"batch", r.batch},
              {"learning_rate", r.learning_rate},
              {"weight_decay", r.weight_decay},
              {"warm_up", r.warm_up},
              {"gradient_clip", r.gradient_clip},
              {"held_out", r.held_out},
              {"seed", r.seed}}
      .dump();
}

class Trainer {
 public:
  Trainer(const TrainRequest& request, const TrainCallbacks& callbacks)
      : request_(request),
        callbacks_(callbacks),
        device_(device_from(request.device)),
        data_(load_train_data(request, device_)),
        model_(request.architecture, request.seed) {
    model_.to(device_, torch::kFloat32);
    optimizer_ = std::make_unique<torch::optim::AdamW>(
        model_.parameters(),
        torch::optim::AdamWOptions(request.learning_rate).weight_decay(request.weight_decay));
    data_.card.architecture = request.architecture;
    data_.card.version = kVersion;
    data_.card.parameters = model_.parameter_count();
    fingerprint_ = fingerprint(request, data_.card);
    state_.best_l2 = std::numeric_limits<double>::infinity();
  }

  TrainResult run() {
    if (request_.resume) resume();
    launched_ = seconds_now();
    started_ = launched_ - state_.seconds;
    bool on_time = false;
    while (state_.epoch < request_.epochs && !on_time) on_time = !epoch();
    return {state_.epoch,
            seconds_now() - started_,
            model_.parameter_count(),
            state_.best_epoch,
            state_.best_l2,
            device_.is_cuda() ? "cuda" : "cpu",
            on_time};
  }

 private:
  void resume() {
    state_ = load_training_state(state_path(request_), model_, *optimizer_, fingerprint_);
    // The log may be an epoch ahead of the state.
    std::string kept;
    std::ifstream lines(log_path(request_));
    for (std::string line; std::getline(lines, line);) {
      const json entry = json::parse(line, nullptr, false);
      if (!entry.is_discarded() && entry.value("epoch", 0) <= state_.epoch) kept += line + "\n";
    }
    write_text_atomically(log_path(request_), kept);
  }

  bool out_of_time() const {
    return request_.max_seconds && seconds_now() - launched_ > *request_.max_seconds;
  }

  // One epoch; false where the time ran out during it.
  bool epoch() {
    const auto batches = batches_of_epoch(data_, request_.batch, request_.seed, state_.epoch);
    const double steps = static_cast<double>(batches.size()) * request_.epochs;
    torch::Tensor sum = torch::zeros({}, device_);
    std::size_t samples = 0;
    double rate = 0.0;
    bool whole = true;
    for (const Batch& batch : batches) {
      if (const int signal = interrupt_signal()) {
        throw Interrupted(signal,
                          state_.epoch > 0
                              ? fmt::format("interrupted; --resume goes on after epoch {}", state_.epoch)
                              : std::string("interrupted before the first epoch was finished"));
      }
      rate = request_.learning_rate * schedule(static_cast<double>(state_.step) / steps, request_.warm_up);
      sum += step(batch, rate);
      samples += batch.samples.size(0);
      if (callbacks_.progress) callbacks_.progress(state_.epoch + 1, samples, data_.training_samples());
      if (out_of_time()) {
        whole = samples == data_.training_samples();
        break;
      }
    }
    // Part of an epoch counts only where nothing else is there to keep: resuming begins with the whole epoch.
    if (!whole && state_.best_epoch > 0) return false;
    finish_epoch(sum.item<double>() / static_cast<double>(samples), rate, whole);
    return whole && !out_of_time();
  }

  // Loss summed over the batch.
  torch::Tensor step(const Batch& batch, double rate) {
    const TrainSet& set = data_.sets[batch.set];
    const auto index = batch.samples.to(device_);
    for (auto& group : optimizer_->param_groups()) {
      static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate);
    }
    optimizer_->zero_grad();
    const auto prediction =
        denormalized(model_.forward(set.input.index_select(0, index)), data_.card.normalization);
    const auto error = relative_l2(prediction, set.pressure.index_select(0, index));
    error.mean().backward();
    torch::nn::utils::clip_grad_norm_(model_.parameters(), request_.gradient_clip);
    optimizer_->step();
    ++state_.step;
    return error.detach().sum();
  }

  double validate() const {
    const torch::NoGradGuard no_grad;
    double sum = 0.0;
    std::size_t count = 0;
    for (const TrainSet& set : data_.sets) {
      for (std::size_t begin = 0; begin < set.validation.size(); begin += request_.batch) {
        const std::size_t end = std::min(set.validation.size(), begin + request_.batch);
        const auto index =
            torch::tensor(std::vector<int64_t>(set.validation.begin() + begin, set.validation.begin() + end))
                .to(device_);
        const auto prediction =
            denormalized(model_.forward(set.input.index_select(0, index)), data_.card.normalization);
        sum += relative_l2(prediction, set.pressure.index_select(0, index)).sum().item<double>();
        count += end - begin;
      }
    }
    return sum / static_cast<double>(count);
  }

  void finish_epoch(double train_l2, double rate, bool whole) {
    EpochReport report{state_.epoch + 1, train_l2, validate(), rate, seconds_now() - started_, false};
    if (!std::isfinite(train_l2) || !std::isfinite(report.validation_l2)) {
      throw RunFailed(fmt::format("epoch {}: the loss is {}, validation {}; {}; try a lower --learning-rate",
                                  report.epoch, train_l2, report.validation_l2,
                                  state_.best_epoch > 0
                                      ? "the best checkpoint is kept in " + request_.run.string()
                                      : "there is no checkpoint yet"));
    }
    if (report.validation_l2 < state_.best_l2) {
      report.best = true;
      state_.best_l2 = report.validation_l2;
      state_.best_epoch = report.epoch;
      data_.card.epoch = report.epoch;
      data_.card.validation_l2 = report.validation_l2;
      save_checkpoint(model_path(request_), model_, data_.card);
    }
    append_log(report);
    if (whole) {
      ++state_.epoch;
      state_.seconds = report.seconds;
      save_training_state(state_path(request_), state_, model_, *optimizer_, fingerprint_);
    }
    if (callbacks_.epoch) callbacks_.epoch(report);
  }

  void append_log(const EpochReport& r) const {
    std::ofstream out(log_path(request_), std::ios::app);
    out << json{{"epoch", r.epoch},
                {"train_relative_l2", r.train_l2},
                {"validation_relative_l2", r.validation_l2},
                {"learning_rate", r.learning_rate},
                {"seconds", r.seconds},
                {"best", r.best}}
               .dump()
        << '\n';
    out.close();
    if (!out) throw RunFailed(fmt::format("cannot write {}", log_path(request_).string()));
  }

  const TrainRequest& request_;
  const TrainCallbacks& callbacks_;
  torch::Device device_;
  TrainData data_;
  MultipoleModel model_;
  std::unique_ptr<torch::optim::AdamW> optimizer_;
  std::string fingerprint_;
  TrainingState state_;
  double started_ = 0.0;   // as if without interruption
  double launched_ = 0.0;  // of this run
};

}  // namespace

TrainResult train(const TrainRequest& request, const TrainCallbacks& callbacks) {
  check_request(request);
  check_architecture(request.architecture);
  Trainer trainer(request, callbacks);  // reads and checks the data before the folder is touched
  prepare_run(request);
  return trainer.run();
}

}  // namespace mano
