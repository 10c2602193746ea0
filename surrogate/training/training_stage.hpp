#pragma once
// Epochs of one task: optimiser, warm-up and cosine decay, clipping, an average of the weights, the best checkpoint, and a state from
// which it goes on. Private to surrogate/.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "surrogate/kernels/graph_recorder.hpp"
#include "surrogate/training/optimizer.hpp"
#include "surrogate/training/process_group.hpp"
#include "surrogate/training/train.hpp"
#include "surrogate/training/train_task.hpp"
#include "surrogate/training/training_state.hpp"

namespace mano {

struct StageOptions {
  int number = 0;  ///< of the stage
  int epochs = 1;
  std::optional<double> max_seconds;
  double seconds_before = 0.0;  ///< of earlier stages
  std::filesystem::path state_path, log_path;
  std::string fingerprint;
  /// Called with the averaged weights in place, where they are the best so far.
  std::function<void(int epoch, double validation)> keep;
};

class TrainingStage {
 public:
  TrainingStage(TrainTask& task, const TrainRequest& request, const TrainCallbacks& callbacks,
                ProcessGroup& processes, StageOptions options);

  /// From the state where `resume`, which must be of this stage.
  TrainingState run(bool resume);
  bool stopped_on_time() const { return on_time_; }

 private:
  bool epoch();
  torch::Tensor step(const Batch& batch, double rate, std::uint64_t draw);
  void add_up_gradients();
  void check_skipped();
  std::string kept_text() const;  // what a failure leaves
  std::vector<double> validate();
  void finish_epoch(double sum, std::size_t samples, double rate, bool whole);
  std::vector<double> add_up(const std::vector<double>& numbers);
  int samples_per_step() const;
  double progress(double epochs_done) const;

  TrainTask& task_;
  const TrainRequest& request_;
  const TrainCallbacks& callbacks_;
  ProcessGroup& processes_;
  StageOptions options_;
  Optimizer optimizer_;
  GraphRecorder graphs_;
  TrainingState state_;
  double started_ = 0.0;   // as if without interruption
  double launched_ = 0.0;  // of this run
  double elapsed_ = 0.0;   // since launched_, the mean of all processes
  bool on_time_ = false;
};

}  // namespace mano
