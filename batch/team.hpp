#pragma once
// How batch/ is written once and runs on both sides: loops over items that a team of threads shares.
//
//   team.each(n, body)        body(0) ... body(n - 1), in any order and at once; all are done when it returns
//   team.sum(n, term)         term(0) + ... + term(n - 1), the same number for every thread, in an order that depends on n alone
//   team.in_one_warp(body)    body(smaller team): work that is too little for all
//
// On a GPU a team is a block of threads (batch/batch_solver.cu). HostTeam is the same on a CPU: it takes the items thread by
// thread, so that a test runs what every thread of a block would run, and in an order that a test can turn round to find
// items that depend on one another.

#include "core/host_device.hpp"

namespace mano::batch {

/// A team's threads, one after the other.
class HostTeam {
 public:
  static constexpr int kMostThreads = 1024;
  /// `backwards`: the last thread first.
  explicit HostTeam(int threads = 128, bool backwards = false) : threads_(threads), backwards_(backwards) {}

  template <typename Body>
  MANO_BOTH void each(int n, const Body& body) {
    ++barriers;
    for (int t = 0; t < threads_; ++t) {
      const int thread = backwards_ ? threads_ - 1 - t : t;
      for (int i = thread; i < n; i += threads_) body(i);
    }
  }

  template <typename Term>
  MANO_BOTH double sum(int n, const Term& term) {
    barriers += 2;
    double parts[kMostThreads];
    for (int t = 0; t < threads_; ++t) {
      const int thread = backwards_ ? threads_ - 1 - t : t;
      parts[thread] = 0;
      for (int i = thread; i < n; i += threads_) parts[thread] += term(i);
    }
    // In a warp by halves, then the warps in turn: the order of a GPU.
    double total = 0;
    for (int warp = 0; warp < threads_; warp += 32) {
      for (int reach = 16; reach > 0; reach /= 2)
        for (int lane = 0; lane < reach; ++lane)
          if (warp + lane + reach < threads_) parts[warp + lane] += parts[warp + lane + reach];
      total += parts[warp];
    }
    return total;
  }

  template <typename Body>
  MANO_BOTH void in_one_warp(const Body& body) {
    HostTeam warp(threads_ < 32 ? threads_ : 32, backwards_);
    body(warp);
    ++barriers;
    warp_barriers += warp.barriers;
  }

  long barriers = 0;       ///< of all threads, for the model of what a cycle takes
  long warp_barriers = 0;  ///< within one warp

 private:
  int threads_;
  bool backwards_;
};

}  // namespace mano::batch
