#pragma once
// What Torch is asked to do.
#include <ATen/record_function.h>

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "surrogate/kernels/torch.hpp"

namespace mano {

// Operators that a piece of work calls, by name: all of them, and those that no other operator calls. What an
// operator is made of differs between devices: on a CPU `_foreach_mul_` is one product a tensor, on a GPU one kernel.
class OperatorCounter {
 public:
  using Counts = std::map<std::string, int>;

  OperatorCounter() {
    handle_ = at::addGlobalCallback(
        at::RecordFunctionCallback(
            [](const at::RecordFunction& f) -> std::unique_ptr<at::ObserverContext> {
              const std::lock_guard lock(guard_);
              if (counting_) ++all_[f.name()];
              if (counting_ && depth_++ == 0) ++outermost_[f.name()];
              return nullptr;
            },
            [](const at::RecordFunction&, at::ObserverContext*) { depth_ = std::max(0, depth_ - 1); })
            .scopes({at::RecordScope::FUNCTION}));
  }
  ~OperatorCounter() { at::removeCallback(handle_); }

  static std::pair<Counts, Counts> of(const std::function<void()>& work) {
    const OperatorCounter counter;
    all_.clear();
    outermost_.clear();
    depth_ = 0;
    counting_ = true;
    work();
    counting_ = false;
    return {all_, outermost_};
  }

 private:
  static inline std::mutex guard_;
  static inline bool counting_ = false;
  static inline Counts all_, outermost_;
  static thread_local inline int depth_ = 0;
  at::CallbackHandle handle_ = 0;
};

}  // namespace mano
