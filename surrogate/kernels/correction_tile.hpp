#pragma once
// surrogate/kernels/correction_kernels.hpp on a GPU, all but launching. Written for one thread of a block, so that a CPU test runs every
// thread of every block (tests/surrogate/kernels/correction_test.cpp); surrogate/kernels/cuda_correction.cu launches it. What is of one
// cell or one sample alone serves the CPU's loops, too.
//
// blocks(e) blocks share a sample. A sum over a sample is that of a block's threads, then of its blocks, always in the same order: one
// launch leaves each block's part in `scratch`, the next adds them up. A block is handed in as
//   thread(), block()                numbers of this thread and block
//   exchange(value, reach)           the value of the lane whose number differs in the bit `reach`; all lanes of a warp take part
//   barrier()                        for all threads of the block
//   shared()                         kWarps numbers that its threads share

#include <cstdint>

#include "core/host_device.hpp"
#include "surrogate/kernels/correction_kernels.hpp"

namespace mano::correction_tile {

inline constexpr int kThreads = 256;
inline constexpr int kWarps = kThreads / 32;
inline constexpr int kMostBlocks = kThreads;  // of a sample: one a thread when their sums are added up

// Of a cell or a sample.

/// A p in a cell with these transmissibilities and neighbours. Of differences: constants cancel before rounding does harm.
MANO_BOTH inline double outflow(double t_left, double t_right, double t_below, double t_above, double p,
                                double left, double right, double below, double above) {
  return -((t_right * (right - p) - t_left * (p - left)) + (t_above * (above - p) - t_below * (p - below)));
}

/// rms from a sum of squares; the tiny number keeps what is divided by it finite.
MANO_BOTH inline double size_of(double squares, std::int64_t cells) {
  return __builtin_sqrt(squares / static_cast<double>(cells) + 1e-300);
}

MANO_BOTH inline float centred(double share) {
  return static_cast<float>((share - 0.25) * 4.0);
}

/// The length of a step with `gain` = step . residual and `cost` = step . A step.
MANO_BOTH inline double length_of(double gain, double cost) {
  return cost > 2.0 * gain ? gain / cost : 1.0;
}

/// `cell` is numbered through all samples.
template <typename S>
MANO_BOTH inline double step_at(const FivePoint& e, const Step& step, std::int64_t sample, std::int64_t cell,
                                const S* output) {
  const bool active = e.part == nullptr || e.part[cell] > 0;
  const double scale = step.size == nullptr ? step.gain : step.gain * step.size[sample];
  return active ? scale * static_cast<double>(output[cell]) : 0.0;
}

/// (A v) in a cell of a sample, where value(cell) gives v, cells numbered through all samples.
template <typename Value>
MANO_BOTH inline double product_at(const FivePoint& e, std::int64_t sample, std::int64_t c,
                                   const Value& value) {
  const std::int64_t y = c / e.nx, x = c - y * e.nx, cell = sample * e.cells() + c;
  const double* across_x = e.left_right + (sample * e.ny + y) * (e.nx + 1) + x;
  const double* across_y = e.below_above + (sample * (e.ny + 1) + y) * e.nx + x;
  return outflow(across_x[0], across_x[1], across_y[0], across_y[e.nx], value(cell),
                 x > 0 ? value(cell - 1) : 0.0, x + 1 < e.nx ? value(cell + 1) : 0.0,
                 y > 0 ? value(cell - e.nx) : 0.0, y + 1 < e.ny ? value(cell + e.nx) : 0.0);
}

/// (f - A p) in a cell.
MANO_BOTH inline double residual_at(const FivePoint& e, std::int64_t sample, std::int64_t c,
                                    const double* p) {
  return e.right_hand_side[sample * e.cells() + c] -
         product_at(e, sample, c, [&](std::int64_t other) { return p[other]; });
}

// Of a thread.

/// Of a sample: four cells a thread, and not more than can be added up.
MANO_BOTH inline int blocks(const FivePoint& e) {
  const std::int64_t wanted = (e.cells() + 4 * kThreads - 1) / (4 * kThreads);
  return static_cast<int>(wanted < kMostBlocks ? wanted : kMostBlocks);
}

/// The sum over the block's threads, for all of them.
template <typename Block>
MANO_BOTH inline double sum_of_block(Block& block, double x) {
  for (int reach = 16; reach > 0; reach /= 2) x += block.exchange(x, reach);
  if (block.thread() % 32 == 0) block.shared()[block.thread() / 32] = x;
  block.barrier();
  double sum = 0;
  for (int warp = 0; warp < kWarps; ++warp) sum += block.shared()[warp];
  block.barrier();
  return sum;
}

/// The sum over the parts that the blocks of a sample left, for all threads.
template <typename Block>
MANO_BOTH inline double sum_of_parts(Block& block, const double* parts, int count) {
  return sum_of_block(block, block.thread() < count ? parts[block.thread()] : 0.0);
}

/// visit(sample, cell of the sample) for the cells that a thread takes.
template <typename Block, typename Visit>
MANO_BOTH inline void for_cells(const Block& block, const FivePoint& e, const Visit& visit) {
  const int each = blocks(e);
  const std::int64_t sample = block.block() / each, first = block.block() % each * kThreads + block.thread();
  for (std::int64_t c = first; c < e.cells(); c += static_cast<std::int64_t>(each) * kThreads)
    visit(sample, c);
}

template <typename Block>
MANO_BOTH void leave_residual(Block& block, const FivePoint& e, const double* p, double* residual) {
  for_cells(block, e, [&](std::int64_t sample, std::int64_t c) {
    residual[sample * e.cells() + c] = residual_at(e, sample, c, p);
  });
}

/// scratch [N, blocks]: sums of squared defects.
template <typename Block>
MANO_BOTH void leave_residual_and_squares(Block& block, const FivePoint& e, const double* p, double* residual,
                                          double* scratch) {
  double squares = 0;
  for_cells(block, e, [&](std::int64_t sample, std::int64_t c) {
    const std::int64_t cell = sample * e.cells() + c;
    residual[cell] = residual_at(e, sample, c, p);
    const double defect = residual[cell] / e.diagonal[cell];
    squares += defect * defect;
  });
  const double sum = sum_of_block(block, squares);
  if (block.thread() == 0) scratch[block.block()] = sum;
}

template <typename Block>
MANO_BOTH void write_input(Block& block, const FivePoint& e, const double* shares, const double* residual,
                           const double* scratch, double* size, float* input) {
  const int each = blocks(e), mine = block.block() / each;
  const double rms = size_of(sum_of_parts(block, scratch + mine * each, each), e.cells());
  if (block.block() % each == 0 && block.thread() == 0) size[mine] = rms;
  for_cells(block, e, [&](std::int64_t sample, std::int64_t c) {
    const std::int64_t cells = e.cells(), cell = sample * cells + c;
    float* to = input + sample * kCorrectionInputs * cells + c;
    for (int channel = 0; channel < kShares; ++channel)
      to[channel * cells] = centred(shares[(sample * kShares + channel) * cells + c]);
    to[kShares * cells] = static_cast<float>(residual[cell] / e.diagonal[cell] * (1.0 / rms));
  });
}

/// scratch [2, N, blocks]: sums of step . residual and of step . A step.
template <typename S, typename Block>
MANO_BOTH void leave_products(Block& block, const FivePoint& e, const double* residual, const Step& step,
                              const S* output, double* scratch) {
  double gain = 0, cost = 0;
  for_cells(block, e, [&](std::int64_t sample, std::int64_t c) {
    const std::int64_t cell = sample * e.cells() + c;
    const auto at = [&](std::int64_t other) { return step_at(e, step, sample, other, output); };
    gain += at(cell) * residual[cell];
    cost += at(cell) * product_at(e, sample, c, at);
  });
  const double gains = sum_of_block(block, gain), costs = sum_of_block(block, cost);
  if (block.thread() != 0) return;
  scratch[block.block()] = gains;
  scratch[e.samples * blocks(e) + block.block()] = costs;
}

template <typename S, typename Block>
MANO_BOTH void add_step(Block& block, const FivePoint& e, const Step& step, const S* output,
                        const double* scratch, double* p) {
  const int each = blocks(e), mine = block.block() / each;
  double length = 1.0;
  if (step.safe) {
    const double gain = sum_of_parts(block, scratch + mine * each, each);
    const double cost = sum_of_parts(block, scratch + (e.samples + mine) * each, each);
    length = length_of(gain, cost);
  }
  for_cells(block, e, [&](std::int64_t sample, std::int64_t c) {
    const std::int64_t cell = sample * e.cells() + c;
    p[cell] += length * step_at(e, step, sample, cell, output);
  });
}

}  // namespace mano::correction_tile
