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
#include "surrogate/process_group.hpp"
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
  check(r.accumulate > 0, "accumulate is {}; it must be at least 1", r.accumulate);
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

// What must be the same when training goes on; the batch and the number of processes may change.
std::string fingerprint(const TrainRequest& r, const ModelCard& card) {
  json data = json::array();
  for (const auto& d : card.data) data.push_back(d.hash);
  return json{{"architecture", json::parse(to_json(r.architecture))},
              {"data", data},
              {"epochs", r.epochs},
              {"learning_rate", r.learning_rate},
              {"weight_decay", r.weight_decay},
              {"warm_up", r.warm_up},
              {"gradient_clip", r.gradient_clip},
              {"held_out", r.held_out},
              {"seed", r.seed},
              {"bfloat16", r.bfloat16}}
      .dump();
}

class Trainer {
 public:
  Trainer(const TrainRequest& request, const TrainCallbacks& callbacks)
      : request_(request),
        callbacks_(callbacks),
        device_(device_from(request.device)),
        data_(load_train_data(request, device_)),
        model_(request.architecture, request.seed),
        precision_(request.bfloat16 ? Precision::bfloat16 : Precision::full) {
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
    check_fits();  // before the folder is touched
    // One process prepares the folder; the others wait for it.
    if (processes_.first()) prepare_run(request_);
    add_up({0.0});
    if (request_.resume) resume();
    launched_ = seconds_now();
    started_ = launched_ - state_.seconds;
    bool on_time = false;
    while (state_.epoch < request_.epochs && !on_time) on_time = !epoch();
    return {processes_.size(), state_.epoch,   seconds_now() - started_,           model_.parameter_count(),
            state_.best_epoch, state_.best_l2, device_.is_cuda() ? "cuda" : "cpu", on_time};
  }

 private:
  void resume() {
    state_ = load_training_state(state_path(request_), model_, *optimizer_, fingerprint_);
    if (!processes_.first()) return;
    // The log may be an epoch ahead of the state.
    std::string kept;
    std::ifstream lines(log_path(request_));
    for (std::string line; std::getline(lines, line);) {
      const json entry = json::parse(line, nullptr, false);
      if (!entry.is_discarded() && entry.value("epoch", 0) <= state_.epoch) kept += line + "\n";
    }
    write_text_atomically(log_path(request_), kept);
  }

  // Sums over all processes.
  std::vector<double> add_up(const std::vector<double>& numbers) {
    auto sums = torch::tensor(numbers, torch::kFloat64);
    processes_.add_up(sums);
    return {sums.data_ptr<double>(), sums.data_ptr<double>() + sums.numel()};
  }

  int samples_per_step() const { return request_.batch * request_.accumulate * processes_.size(); }

  // Says what is needed, and refuses what cannot be had.
  void check_fits() const {
    double most = 0.0;
    std::int64_t fits = request_.batch;
    for (const TrainSet& set : data_.sets) {
      const auto bytes = [&](int batch) {
        return training_bytes(request_.architecture, model_.parameter_count(),
                              {set.info.grid.nx, set.info.grid.ny}, set.info.samples, batch,
                              request_.bfloat16);
      };
      most = std::max(most, bytes(request_.batch));
      const double left = static_cast<double>(available_memory()) - bytes(0);
      fits = std::min(fits, static_cast<std::int64_t>(left / (bytes(1) - bytes(0))));
    }
    if (callbacks_.start)
      callbacks_.start({model_.parameter_count(), processes_.size(), samples_per_step(), most});
    if (device_.is_cuda()) return;  // a card says so itself
    check(fits >= request_.batch, "batch {} needs about {:.3g} GB of memory, {:.3g} GB are free: {}",
          request_.batch, most / 1e9, static_cast<double>(available_memory()) / 1e9,
          fits > 0 ? fmt::format("--batch {} fits; --accumulate adds batches up", fits)
                   : std::string("not even a batch of 1 fits; use a smaller model or resolution"));
  }

  bool out_of_time() const {
    return request_.max_seconds && seconds_now() - launched_ > *request_.max_seconds;
  }

  // One epoch; false where the time ran out during it.
  bool epoch() {
    const auto batches = batches_of_epoch(data_, samples_per_step(), request_.seed, state_.epoch);
    double sum = 0.0;
    std::size_t samples = 0;
    double rate = 0.0;
    bool late = false;
    skipped_ = 0;
    for (std::size_t b = 0; b < batches.size() && !late; ++b) {
      if (const int signal = interrupt_signal()) {
        throw Interrupted(signal,
                          state_.epoch > 0
                              ? fmt::format("interrupted; --resume goes on after epoch {}", state_.epoch)
                              : std::string("interrupted before the first epoch was finished"));
      }
      const double progress = state_.epoch + static_cast<double>(b) / static_cast<double>(batches.size());
      rate = request_.learning_rate * schedule(progress / request_.epochs, request_.warm_up);
      sum += step(batches[b], rate, late);
      samples += batches[b].samples.size(0);
      if (callbacks_.progress && processes_.first())
        callbacks_.progress(state_.epoch + 1, samples, data_.training_samples());
    }
    const bool whole = samples == data_.training_samples();
    // Part of an epoch counts only where nothing else is there to keep: resuming begins with the whole epoch.
    if (!whole && state_.best_epoch > 0) return false;
    finish_epoch(sum, samples, rate, whole);
    return whole && !late;
  }

  // Loss summed over this process's part of the samples. `late` is set where the time is over for any process.
  double step(const Batch& batch, double rate, bool& late) {
    const TrainSet& set = data_.sets[batch.set];
    const std::int64_t all = batch.samples.size(0);
    const std::int64_t begin = all * processes_.rank() / processes_.size();
    const std::int64_t end = all * (processes_.rank() + 1) / processes_.size();
    for (auto& group : optimizer_->param_groups()) {
      static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate);
    }
    optimizer_->zero_grad();
    double sum = 0.0;
    for (std::int64_t at = begin; at < end; at += request_.batch) {
      const auto index =
          batch.samples.slice(0, at, std::min<std::int64_t>(end, at + request_.batch)).to(device_);
      const auto prediction = denormalized(model_.forward(set.input.index_select(0, index), precision_),
                                           data_.card.normalization);
      const auto error = relative_l2(prediction, set.pressure.index_select(0, index)).sum();
      (error / static_cast<double>(all)).backward();
      sum += error.item<double>();
    }
    late = out_of_time();
    if (processes_.size() > 1) late = add_up_gradients(late);
    const double norm = torch::nn::utils::clip_grad_norm_(model_.parameters(), request_.gradient_clip);
    if (!std::isfinite(norm)) {
      skip();
      return 0.0;
    }
    in_a_row_ = 0;
    optimizer_->step();
    ++state_.step;
    return sum;
  }

  // The gradients of all processes, in one vector; with them whether any is late.
  bool add_up_gradients(bool late) {
    std::vector<torch::Tensor> parts{torch::full({1}, late ? 1.0 : 0.0)};
    const auto parameters = model_.parameters();
    for (const auto& parameter : parameters) {
      if (!parameter.grad().defined()) parameter.mutable_grad() = torch::zeros_like(parameter);
      parts.push_back(parameter.grad().flatten().to(torch::kCPU));
    }
    auto whole = torch::cat(parts);
    processes_.add_up(whole);
    std::int64_t at = 1;
    for (const auto& parameter : parameters) {
      parameter.mutable_grad().copy_(whole.narrow(0, at, parameter.numel()).view(parameter.sizes()));
      at += parameter.numel();
    }
    return whole[0].item<double>() > 0.0;
  }

  // A step whose gradient is not finite is left out; so many in a row will not mend themselves.
  void skip() {
    constexpr int kMostInARow = 10;
    ++skipped_;
    if (++in_a_row_ < kMostInARow) return;
    throw RunFailed(
        fmt::format("epoch {}: {} steps in a row without a finite gradient; {}; try a lower --learning-rate",
                    state_.epoch + 1, kMostInARow,
                    state_.best_epoch > 0 ? "the best checkpoint is kept in " + request_.run.string()
                                          : "there is no checkpoint yet"));
  }

  // Relative L2 summed over this process's part of the held-out samples, and their number.
  std::pair<double, double> validate() const {
    const torch::NoGradGuard no_grad;
    double sum = 0.0;
    double count = 0.0;
    for (const TrainSet& set : data_.sets) {
      std::vector<std::int64_t> mine;
      for (std::size_t i = processes_.rank(); i < set.validation.size(); i += processes_.size())
        mine.push_back(set.validation[i]);
      for (std::size_t begin = 0; begin < mine.size(); begin += request_.batch) {
        const auto end = std::min(mine.size(), begin + request_.batch);
        const auto index =
            torch::tensor(std::vector<int64_t>(mine.begin() + static_cast<std::ptrdiff_t>(begin),
                                               mine.begin() + static_cast<std::ptrdiff_t>(end)))
                .to(device_);
        const auto prediction = denormalized(model_.forward(set.input.index_select(0, index), precision_),
                                             data_.card.normalization);
        sum += relative_l2(prediction, set.pressure.index_select(0, index)).sum().item<double>();
        count += static_cast<double>(end - begin);
      }
    }
    return {sum, count};
  }

  void finish_epoch(double sum, std::size_t samples, double rate, bool whole) {
    const auto [held_out, count] = validate();
    const auto sums = add_up({sum, held_out, count});
    const double train_l2 = sums[0] / static_cast<double>(samples);
    EpochReport report{state_.epoch + 1,         train_l2, sums[1] / sums[2], rate,
                       seconds_now() - started_, false,    skipped_};
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
      if (processes_.first()) save_checkpoint(model_path(request_), model_, data_.card);
    }
    if (processes_.first()) append_log(report);
    if (whole) {
      ++state_.epoch;
      state_.seconds = report.seconds;
      if (processes_.first())
        save_training_state(state_path(request_), state_, model_, *optimizer_, fingerprint_);
    }
    if (callbacks_.epoch && processes_.first()) callbacks_.epoch(report);
  }

  void append_log(const EpochReport& r) const {
    std::ofstream out(log_path(request_), std::ios::app);
    out << json{{"epoch", r.epoch},
                {"train_relative_l2", r.train_l2},
                {"validation_relative_l2", r.validation_l2},
                {"learning_rate", r.learning_rate},
                {"seconds", r.seconds},
                {"best", r.best},
                {"skipped_steps", r.skipped}}
               .dump()
        << '\n';
    out.close();
    if (!out) throw RunFailed(fmt::format("cannot write {}", log_path(request_).string()));
  }

  const TrainRequest& request_;
  const TrainCallbacks& callbacks_;
  torch::Device device_;
  ProcessGroup processes_;
  TrainData data_;
  MultipoleModel model_;
  Precision precision_;
  std::unique_ptr<torch::optim::AdamW> optimizer_;
  std::string fingerprint_;
  TrainingState state_;
  double started_ = 0.0;   // as if without interruption
  double launched_ = 0.0;  // of this run
  int skipped_ = 0;        // steps of this epoch
  int in_a_row_ = 0;
};

}  // namespace

TrainResult train(const TrainRequest& request, const TrainCallbacks& callbacks) {
  check_request(request);
  check_architecture(request.architecture);
  Trainer trainer(request, callbacks);  // reads and checks the data before the folder is touched
  return trainer.run();
}

}  // namespace mano
