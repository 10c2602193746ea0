#pragma once
// Samples that are made as training goes on: those of the next epoch while this one is trained on. Private to surrogate/.
//
// Numbers 0 ... V - 1 are held out; epoch e takes V + e N ... V + (e + 1) N - 1, so that a resumed training sees what an unbroken one
// does.

#include <torch/types.h>

#include <future>
#include <utility>

#include "surrogate/training/train_request.hpp"

namespace mano {

class FreshData {
 public:
  explicit FreshData(const TrainRequest& request);
  ~FreshData();  ///< waits for what is being made

  using Fields =
      std::pair<torch::Tensor, torch::Tensor>;  ///< permeability, pressure [n, 1, H, W], float32 on the CPU
  Fields held_out();
  /// Begins to make those of the epoch after it. Throws what making them throws.
  Fields epoch(int number);

  std::int64_t held_out_count() const { return held_out_; }

 private:
  Fields make(std::uint64_t first, std::int64_t count) const;

  const FreshSamples& source_;
  std::int64_t held_out_, per_epoch_;
  int epochs_;
  int next_ = -1;  // the epoch that is being made
  std::future<Fields> making_;
};

}  // namespace mano
