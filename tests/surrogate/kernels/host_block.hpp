#pragma once
// A GPU's block on the CPU: its threads are threads, and a warp's exchange goes through an array that it shares.

#include <barrier>
#include <memory>
#include <thread>
#include <vector>

namespace mano {

/// What the kernels of surrogate/kernels/*_tile.hpp are handed in, of so many threads; Number is what lanes exchange.
template <typename Number, int threads_of_a_block>
class HostBlock {
 public:
  struct Shared {
    static constexpr int warps_of_a_block = threads_of_a_block / 32;
    std::barrier<> all{threads_of_a_block};
    std::vector<std::unique_ptr<std::barrier<>>> warps;
    Number values[threads_of_a_block], numbers[warps_of_a_block];
    Shared() {
      for (int w = 0; w < warps_of_a_block; ++w) warps.push_back(std::make_unique<std::barrier<>>(32));
    }
  };
  HostBlock(Shared& shared, int thread, int block, int blocks)
      : shared_(&shared), thread_(thread), block_(block), blocks_(blocks) {}
  int thread() const { return thread_; }
  int block() const { return block_; }
  int blocks() const { return blocks_; }
  Number exchange(Number value, int reach) const {
    auto& warp = *shared_->warps[thread_ / 32];
    shared_->values[thread_] = value;
    warp.arrive_and_wait();
    const Number other = shared_->values[thread_ ^ reach];
    warp.arrive_and_wait();
    return other;
  }
  void barrier() const { shared_->all.arrive_and_wait(); }
  Number* shared() const { return shared_->numbers; }

  /// body(block) for every thread of all blocks, one block after the other.
  template <typename Body>
  static void run(int blocks, const Body& body) {
    for (int b = 0; b < blocks; ++b) {
      Shared shared;
      std::vector<std::thread> threads;
      for (int t = 0; t < threads_of_a_block; ++t)
        threads.emplace_back([&, t] {
          HostBlock block(shared, t, b, blocks);
          body(block);
        });
      for (auto& t : threads) t.join();
    }
  }

 private:
  Shared* shared_;
  int thread_, block_, blocks_;
};

}  // namespace mano
