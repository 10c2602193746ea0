#include "surrogate/kernels/correction_kernels.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "surrogate/kernels/correction_tile.hpp"

namespace mano {

namespace {

using correction_tile::length_of;
using correction_tile::outflow;

constexpr std::int64_t kCellsOfAPiece = 4096;  // of rows whose sums are taken together, whatever the threads

std::int64_t rows_of_a_piece(const FivePoint& e) {
  return std::max<std::int64_t>(1, kCellsOfAPiece / e.nx);
}

std::int64_t pieces(const FivePoint& e) {
  const std::int64_t rows = rows_of_a_piece(e);
  return (e.ny + rows - 1) / rows;
}

// body(sample, piece, first row, last row) for all pieces of all samples, shared among Torch's threads.
template <typename Body>
void for_pieces_of(const FivePoint& e, const Body& body) {
  const std::int64_t each = pieces(e), rows = rows_of_a_piece(e);
  at::parallel_for(0, e.samples * each, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t first = i % each * rows;
      body(i / each, i % each, first, std::min(e.ny, first + rows));
    }
  });
}

// visit(cell, (A p)_cell) for the cells of some rows, numbered through all samples; `zeros` is a row of them.
template <typename Visit>
void for_products(const FivePoint& e, std::int64_t sample, std::int64_t first, std::int64_t last,
                  const double* p, const double* zeros, const Visit& visit) {
  const std::int64_t nx = e.nx;
  for (std::int64_t y = first; y < last; ++y) {
    const std::int64_t at = sample * e.cells() + y * nx;
    const double* row = p + at;
    const double* below = y > 0 ? row - nx : zeros;
    const double* above = y + 1 < e.ny ? row + nx : zeros;
    const double* across_x = e.left_right + (sample * e.ny + y) * (nx + 1);
    const double* across_y = e.below_above + (sample * (e.ny + 1) + y) * nx;
    const auto product = [&](std::int64_t x, double left, double right) {
      return outflow(across_x[x], across_x[x + 1], across_y[x], across_y[x + nx], row[x], left, right,
                     below[x], above[x]);
    };
    visit(at, product(0, 0.0, nx > 1 ? row[1] : 0.0));
    for (std::int64_t x = 1; x + 1 < nx; ++x) visit(at + x, product(x, row[x - 1], row[x + 1]));
    if (nx > 1) visit(at + nx - 1, product(nx - 1, row[nx - 2], 0.0));
  }
}

}  // namespace

void residual_of(const FivePoint& e, const double* p, double* residual) {
  const std::vector<double> zeros(e.nx);
  for_pieces_of(e, [&](std::int64_t sample, std::int64_t, std::int64_t first, std::int64_t last) {
    for_products(e, sample, first, last, p, zeros.data(), [&](std::int64_t cell, double product) {
      residual[cell] = e.right_hand_side[cell] - product;
    });
  });
}

void ask_for_correction(const FivePoint& e, const double* shares, const double* p, double* residual,
                        double* size, float* input) {
  const std::vector<double> zeros(e.nx);
  const std::int64_t each = pieces(e), cells = e.cells();
  std::vector<double> squares(e.samples * each);
  for_pieces_of(e, [&](std::int64_t sample, std::int64_t piece, std::int64_t first, std::int64_t last) {
    double sum = 0;
    for_products(e, sample, first, last, p, zeros.data(), [&](std::int64_t cell, double product) {
      residual[cell] = e.right_hand_side[cell] - product;
      const double defect = residual[cell] / e.diagonal[cell];
      sum += defect * defect;
    });
    squares[sample * each + piece] = sum;
  });
  for (std::int64_t sample = 0; sample < e.samples; ++sample) {
    double sum = 0;
    for (std::int64_t piece = 0; piece < each; ++piece) sum += squares[sample * each + piece];
    size[sample] = correction_tile::size_of(sum, cells);
  }
  for_pieces_of(e, [&](std::int64_t sample, std::int64_t, std::int64_t first, std::int64_t last) {
    float* to = input + sample * kCorrectionInputs * cells;
    const double* from = shares + sample * kShares * cells;
    for (int channel = 0; channel < kShares; ++channel)
      for (std::int64_t c = first * e.nx; c < last * e.nx; ++c)
        to[channel * cells + c] = correction_tile::centred(from[channel * cells + c]);
    const double inverse = 1.0 / size[sample];
    for (std::int64_t c = first * e.nx; c < last * e.nx; ++c) {
      const std::int64_t cell = sample * cells + c;
      to[kShares * cells + c] = static_cast<float>(residual[cell] / e.diagonal[cell] * inverse);
    }
  });
}

template <typename S>
void add_step(const FivePoint& e, const double* residual, const Step& step, const S* output, double* p) {
  const std::vector<double> zeros(e.nx);
  const std::int64_t each = pieces(e), cells = e.cells();
  std::vector<double> whole(e.samples * cells), gains(e.samples * each), costs(e.samples * each);
  for_pieces_of(e, [&](std::int64_t sample, std::int64_t, std::int64_t first, std::int64_t last) {
    for (std::int64_t c = sample * cells + first * e.nx; c < sample * cells + last * e.nx; ++c)
      whole[c] = correction_tile::step_at(e, step, sample, c, output);
  });
  if (step.safe) {
    for_pieces_of(e, [&](std::int64_t sample, std::int64_t piece, std::int64_t first, std::int64_t last) {
      double gain = 0, cost = 0;
      for_products(e, sample, first, last, whole.data(), zeros.data(),
                   [&](std::int64_t cell, double product) {
                     gain += whole[cell] * residual[cell];
                     cost += whole[cell] * product;
                   });
      gains[sample * each + piece] = gain;
      costs[sample * each + piece] = cost;
    });
  }
  for_pieces_of(e, [&](std::int64_t sample, std::int64_t, std::int64_t first, std::int64_t last) {
    double gain = 0, cost = 0;
    for (std::int64_t piece = 0; piece < each; ++piece) {
      gain += gains[sample * each + piece];
      cost += costs[sample * each + piece];
    }
    const double length = step.safe ? length_of(gain, cost) : 1.0;
    for (std::int64_t c = sample * cells + first * e.nx; c < sample * cells + last * e.nx; ++c)
      p[c] += length * whole[c];
  });
}

template void add_step(const FivePoint&, const double*, const Step&, const float*, double*);
template void add_step(const FivePoint&, const double*, const Step&, const double*, double*);

}  // namespace mano
