#include "surrogate/training/training_stage.hpp"

#include <cmath>
#include <limits>
#include <numbers>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/files.hpp"
#include "core/interrupt.hpp"
#include "surrogate/kernels/torch.hpp"
#include "surrogate/training/training_log.hpp"

namespace mano {

using torch::Tensor;

namespace {

// Linear warm-up, then half a cosine down to zero, as a fraction of the peak.
double schedule(double progress, double warm_up) {
  if (progress < warm_up) return (progress + 1e-3) / (warm_up + 1e-3);
  return 0.5 * (1.0 + std::cos(std::numbers::pi * (std::min(progress, 1.0) - warm_up) / (1.0 - warm_up)));
}

// The average in place of the weights for as long as the object lives.
class Swapped {
 public:
  Swapped(const std::vector<Tensor>& parameters, const std::vector<Tensor>& average)
      : parameters_(parameters) {
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      kept_.push_back(parameters[i].detach().clone());
      parameters[i].copy_(average[i]);
    }
  }
  ~Swapped() {
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < kept_.size(); ++i) parameters_[i].copy_(kept_[i]);
  }
  Swapped(const Swapped&) = delete;
  Swapped& operator=(const Swapped&) = delete;

 private:
  std::vector<Tensor> parameters_;
  std::vector<Tensor> kept_;
};

// Adds the gradients of the mean error over `samples` to what the weights carry; returns the sum of the errors.
Tensor add_gradients(const Tensor& errors, double samples) {
  const auto sum = errors.sum();
  (sum / samples).backward();
  return sum.detach();
}

}  // namespace

TrainingStage::TrainingStage(TrainTask& task, const TrainRequest& request, const TrainCallbacks& callbacks,
                             ProcessGroup& processes, StageOptions options)
    : task_(task),
      request_(request),
      callbacks_(callbacks),
      processes_(processes),
      options_(std::move(options)),
      optimizer_(task.network(), request.optimizer, weight_decay(request), request.gradient_clip),
      graphs_(request.graphs ? optimizer_.parameters.front().device() : torch::kCPU) {
  state_.stage = options_.number;
  state_.best_l2 = std::numeric_limits<double>::infinity();
  state_.seconds = options_.seconds_before;
}

TrainingState TrainingStage::run(bool resume) {
  if (resume) {
    state_ = load_training_state(options_.state_path, task_.network(), optimizer_, options_.fingerprint);
  }
  launched_ = seconds_now();
  started_ = launched_ - state_.seconds;
  while (state_.epoch < options_.epochs && !on_time_) on_time_ = !epoch();
  return state_;
}

// Sums over all processes.
std::vector<double> TrainingStage::add_up(const std::vector<double>& numbers) {
  auto sums = torch::tensor(numbers, torch::kFloat64);
  processes_.add_up(sums);
  return {sums.data_ptr<double>(), sums.data_ptr<double>() + sums.numel()};
}

int TrainingStage::samples_per_step() const {
  return request_.batch * request_.accumulate * processes_.size();
}

// Of the whole stage, by whichever ends first: its epochs or its time.
double TrainingStage::progress(double epochs_done) const {
  return std::max(epochs_done / options_.epochs,
                  options_.max_seconds ? elapsed_ / *options_.max_seconds : 0.0);
}

// One epoch; false where the time ran out during it.
bool TrainingStage::epoch() {
  task_.begin_epoch(state_.epoch);
  const auto batches =
      batches_of_epoch(task_.parts(), samples_per_step(), request_.seed, state_.epoch, task_.storage());
  std::size_t all = 0;
  for (const Split& part : task_.parts()) all += part.epoch_size();
  // On the device: a GPU's queue must not run dry while the host looks at a number.
  auto sum = torch::zeros({}, optimizer_.average.front().options());
  std::size_t samples = 0;
  double rate = 0.0;
  bool late = false;
  optimizer_.begin_epoch();
  for (std::size_t b = 0; b < batches.size() && !late; ++b) {
    if (const int signal = interrupt_signal()) {
      throw Interrupted(signal, std::filesystem::exists(options_.state_path)
                                    ? fmt::format("interrupted; --resume goes on after epoch {} of the {}",
                                                  state_.epoch, task_.name())
                                    : std::string("interrupted before the first epoch was finished"));
    }
    const double done = state_.epoch + static_cast<double>(b) / static_cast<double>(batches.size());
    rate = learning_rate(request_) * schedule(progress(done), request_.warm_up);
    const std::uint64_t draw =
        (request_.seed * 1'000'003 + state_.epoch) * 1'000'003 + b;  // the batch's own random numbers
    sum += step(batches[b], rate, draw);
    samples += batches[b].samples.size(0);
    late = options_.max_seconds && elapsed_ > *options_.max_seconds;
    if (!sum.is_cuda() || late || b + 1 == batches.size()) check_skipped();
    if (callbacks_.progress && processes_.first())
      callbacks_.progress(
          {task_.name(), state_.epoch + 1, options_.epochs, samples, all,
           options_.max_seconds ? std::optional(*options_.max_seconds - elapsed_) : std::nullopt});
  }
  const bool whole = samples == all;
  finish_epoch(sum.item<double>(), samples, rate, whole);
  return whole && !late;
}

// Loss summed over this process's part of the samples; 0 where the step was left out.
Tensor TrainingStage::step(const Batch& batch, double rate, std::uint64_t draw) {
  const std::int64_t all = batch.samples.size(0);
  const auto taken_or_zero = [](const Tensor& taken, const Tensor& sum) {
    return torch::where(taken > 0, sum, torch::zeros_like(sum));
  };
  ++state_.step;
  optimizer_.schedule(rate);
  if (all == request_.batch && processes_.size() == 1) {  // what a graph can be recorded of
    const auto question = task_.question(batch.set, batch.samples, draw);
    const Work whole = [&](const std::vector<Tensor>& q) {
      optimizer_.zero_gradients();
      const Tensor sum = add_gradients(task_.errors_of(batch.set, q), static_cast<double>(all));
      const Tensor result = taken_or_zero(optimizer_.update(), sum);
      optimizer_.zero_gradients();  // they are the graph's
      return result;
    };
    const Tensor sum = graphs_.run(batch.set, question, whole);
    elapsed_ = seconds_now() - launched_;
    return sum;
  }
  optimizer_.zero_gradients();
  const std::int64_t begin = all * processes_.rank() / processes_.size();
  const std::int64_t end = all * (processes_.rank() + 1) / processes_.size();
  auto sum = torch::zeros({}, optimizer_.average.front().options());
  for (std::int64_t at = begin; at < end; at += request_.batch) {
    const auto samples = batch.samples.slice(0, at, std::min<std::int64_t>(end, at + request_.batch));
    sum += add_gradients(task_.errors_of(batch.set, task_.question(batch.set, samples, draw)),
                         static_cast<double>(all));
  }
  elapsed_ = seconds_now() - launched_;
  if (processes_.size() > 1) add_up_gradients();
  return taken_or_zero(optimizer_.update(), sum);
}

// The gradients of all processes, in one vector, and the mean of their clocks, by which all of them stop at once.
void TrainingStage::add_up_gradients() {
  if (options_.max_seconds) elapsed_ = add_up({elapsed_})[0] / processes_.size();
  std::vector<Tensor> parts;
  const auto parameters = task_.network().parameters();
  for (const auto& parameter : parameters) {
    if (!parameter.grad().defined()) parameter.mutable_grad() = torch::zeros_like(parameter);
    parts.push_back(parameter.grad().flatten());
  }
  auto whole = torch::cat(parts);
  processes_.add_up(whole);
  std::int64_t at = 0;
  for (const auto& parameter : parameters) {
    parameter.mutable_grad().copy_(whole.narrow(0, at, parameter.numel()).view(parameter.sizes()));
    at += parameter.numel();
  }
}

std::string TrainingStage::kept_text() const {
  if (state_.best_epoch > 0) return "the best checkpoint is kept in " + request_.run.string();
  return options_.number > 0 ? "the checkpoint of the stage before is kept in " + request_.run.string()
                             : "there is no checkpoint yet";
}

// Steps whose gradient is not finite are left out; so many in a row will not mend themselves.
void TrainingStage::check_skipped() {
  constexpr int kMostInARow = 10;
  if (optimizer_.skipped().in_a_row < kMostInARow) return;
  throw RunFailed(
      fmt::format("epoch {}: {} steps in a row without a finite gradient; {}; try a lower --learning-rate",
                  state_.epoch + 1, kMostInARow, kept_text()));
}

// Sum of errors over this process's share of the held-out samples, and their number.
std::vector<double> TrainingStage::validate() {
  const torch::NoGradGuard no_grad;
  double sum = 0.0;
  double count = 0.0;
  for (std::size_t part = 0; part < task_.parts().size(); ++part) {
    const auto& held_out = task_.parts()[part].validation;
    std::vector<std::int64_t> mine;
    for (std::size_t i = processes_.rank(); i < held_out.size(); i += processes_.size())
      mine.push_back(held_out[i]);
    const auto samples = torch::tensor(mine, torch::kLong);
    const std::int64_t batch = validation_batch(request_.batch, optimizer_.parameters.front().device());
    for (std::int64_t at = 0; at < samples.size(0); at += batch) {
      const auto some = samples.slice(0, at, at + batch);
      sum += task_.validation_errors(part, some).sum().item<double>();
      count += static_cast<double>(some.size(0));
    }
  }
  return {sum, count};
}

void TrainingStage::finish_epoch(double sum, std::size_t samples, double rate, bool whole) {
  EpochReport report;
  report.stage = task_.name();
  report.epoch = state_.epoch + 1;
  report.epochs = options_.epochs;
  report.learning_rate = rate;
  report.skipped = optimizer_.skipped().steps;
  {
    const Swapped averaged(task_.network().parameters(), optimizer_.average);
    const auto held_out = validate();
    const auto sums = add_up({sum, held_out[0], held_out[1]});
    report.train_l2 = sums[0] / static_cast<double>(samples);
    report.validation_l2 = sums[1] / sums[2];
    report.seconds = seconds_now() - started_;
    if (!std::isfinite(report.train_l2) || !std::isfinite(report.validation_l2)) {
      throw RunFailed(fmt::format("epoch {}: the loss is {}, validation {}; {}; try a lower --learning-rate",
                                  report.epoch, report.train_l2, report.validation_l2, kept_text()));
    }
    if (report.validation_l2 < state_.best_l2) {
      report.best = true;
      state_.best_l2 = report.validation_l2;
      state_.best_epoch = report.epoch;
      if (processes_.first()) options_.keep(report.epoch, report.validation_l2);
    }
  }
  if (processes_.first()) append_log(options_.log_path, report);
  // Time may end within an epoch; going on begins it anew, from the weights as they are.
  if (whole) ++state_.epoch;
  state_.seconds = report.seconds;
  if (processes_.first()) {
    save_training_state(options_.state_path, state_, task_.network(), optimizer_, options_.fingerprint);
  }
  if (callbacks_.epoch && processes_.first()) callbacks_.epoch(report);
}

}  // namespace mano
