// What is around a network that corrects a pressure: the CPU's loops against sums cell by cell, every thread of every block of the GPU's
// kernels run on the CPU, and on a machine with a GPU the device's answers.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "core/error.hpp"
#include "surrogate/kernels/correction_kernels.hpp"
#include "surrogate/kernels/correction_tile.hpp"
#include "surrogate/kernels/host_block.hpp"
#include "surrogate/kernels/torch.hpp"

namespace mano {
namespace {

using Block = HostBlock<double, correction_tile::kThreads>;

template <typename Body>
void run_blocks(const FivePoint& e, const Body& body) {
  Block::run(static_cast<int>(e.samples) * correction_tile::blocks(e), body);
}

// Random equations: with zero faces at the border where nothing is prescribed there, and inactive cells.
struct Equations {
  std::int64_t samples, ny, nx;
  std::vector<double> left_right, below_above, diagonal, right_hand_side, part, shares, pressure, residual;
  std::vector<float> output;

  Equations(std::int64_t samples, std::int64_t ny, std::int64_t nx) : samples(samples), ny(ny), nx(nx) {
    std::mt19937 generator(7);
    std::uniform_real_distribution<double> uniform(0.1, 1.0);
    std::normal_distribution<double> normal;
    const auto drawn = [&](std::int64_t count, auto& from) {
      std::vector<double> v(count);
      for (double& x : v) x = from(generator);
      return v;
    };
    const std::int64_t cells = samples * ny * nx;
    left_right = drawn(samples * ny * (nx + 1), uniform);
    below_above = drawn(samples * (ny + 1) * nx, uniform);
    for (std::int64_t row = 0; row < samples * ny; ++row) left_right[row * (nx + 1)] = 0;
    diagonal.resize(cells);
    for (std::int64_t n = 0; n < samples; ++n)
      for (std::int64_t y = 0; y < ny; ++y)
        for (std::int64_t x = 0; x < nx; ++x) {
          const double* across_x = &left_right[(n * ny + y) * (nx + 1) + x];
          const double* across_y = &below_above[(n * (ny + 1) + y) * nx + x];
          diagonal[(n * ny + y) * nx + x] = across_x[0] + across_x[1] + across_y[0] + across_y[nx];
        }
    right_hand_side = drawn(cells, normal);
    part = drawn(cells, uniform);
    for (double& p : part) p = p < 0.3 ? 0.0 : p;
    shares = drawn(kShares * cells, uniform);
    pressure = drawn(cells, normal);
    residual = drawn(cells, normal);
    for (const double v : drawn(cells, normal)) output.push_back(static_cast<float>(v));
  }
  FivePoint of(bool holed) const {
    return {samples,
            ny,
            nx,
            left_right.data(),
            below_above.data(),
            diagonal.data(),
            right_hand_side.data(),
            holed ? part.data() : nullptr};
  }
  // A v: diagonal times centre less neighbours.
  std::vector<double> product(const std::vector<double>& v) const {
    std::vector<double> result(v.size());
    for (std::int64_t n = 0; n < samples; ++n)
      for (std::int64_t y = 0; y < ny; ++y)
        for (std::int64_t x = 0; x < nx; ++x) {
          const std::int64_t c = (n * ny + y) * nx + x;
          const double* across_x = &left_right[(n * ny + y) * (nx + 1) + x];
          const double* across_y = &below_above[(n * (ny + 1) + y) * nx + x];
          result[c] = diagonal[c] * v[c];
          if (x > 0) result[c] -= across_x[0] * v[c - 1];
          if (x + 1 < nx) result[c] -= across_x[1] * v[c + 1];
          if (y > 0) result[c] -= across_y[0] * v[c - nx];
          if (y + 1 < ny) result[c] -= across_y[nx] * v[c + nx];
        }
    return result;
  }
};

template <typename T>
double largest_difference(const std::vector<T>& a, const std::vector<T>& b) {
  EXPECT_EQ(a.size(), b.size());
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    most = d > most || std::isnan(d) ? d : most;
  }
  return most;
}

// From the rows of a piece to the blocks of a sample: 5 rows, one column, 4,200 cells in 2 pieces or 5 blocks.
const std::vector<std::vector<std::int64_t>> kShapes{{3, 5, 7}, {2, 9, 1}, {1, 1, 12}, {2, 60, 70}};

struct Answers {
  std::vector<double> residual, size, pressure, whole;
  std::vector<float> input;
  explicit Answers(const Equations& e)
      : residual(e.pressure.size(), NAN),
        size(e.samples, NAN),
        pressure(e.pressure),
        whole(e.pressure),
        input(kCorrectionInputs * e.pressure.size(), NAN) {}
};

Answers of_loops(const Equations& e, bool holed, double gain) {
  Answers a(e);
  ask_for_correction(e.of(holed), e.shares.data(), e.pressure.data(), a.residual.data(), a.size.data(),
                     a.input.data());
  add_step(e.of(holed), e.residual.data(), {gain, a.size.data(), true}, e.output.data(), a.pressure.data());
  add_step(e.of(holed), e.residual.data(), {gain, nullptr, false}, e.residual.data(), a.whole.data());
  return a;
}

void expect_equal(const Answers& a, const Answers& b, double tolerance) {
  EXPECT_LT(largest_difference(a.residual, b.residual), tolerance);
  EXPECT_LT(largest_difference(a.size, b.size), tolerance);
  EXPECT_LT(largest_difference(a.pressure, b.pressure), tolerance);
  EXPECT_LT(largest_difference(a.whole, b.whole), tolerance);
  EXPECT_LT(largest_difference(a.input, b.input), 1e-6);  // float32
}

TEST(CorrectionLoops, AreTheEquations) {
  for (const auto& shape : kShapes) {
    for (const bool holed : {false, true}) {
      for (const double gain : {0.01, 10.0}) {  // a whole step, and one that is too long
        const Equations e(shape[0], shape[1], shape[2]);
        const auto cells = static_cast<std::size_t>(shape[1] * shape[2]);
        const Answers a = of_loops(e, holed, gain);
        Answers expected(e);
        const auto product = e.product(e.pressure);
        for (std::size_t c = 0; c < product.size(); ++c)
          expected.residual[c] = e.right_hand_side[c] - product[c];
        std::vector<double> step(product.size());
        for (std::size_t n = 0; n < a.size.size(); ++n) {
          double squares = 0;
          for (std::size_t c = n * cells; c < (n + 1) * cells; ++c)
            squares += std::pow(expected.residual[c] / e.diagonal[c], 2) / static_cast<double>(cells);
          expected.size[n] = std::sqrt(squares);
          for (std::size_t c = 0; c < cells; ++c) {
            const std::size_t cell = n * cells + c;
            for (std::size_t k = 0; k < kShares; ++k)
              expected.input[(n * kCorrectionInputs + k) * cells + c] =
                  static_cast<float>(4.0 * e.shares[(n * kShares + k) * cells + c] - 1.0);
            expected.input[(n * kCorrectionInputs + kShares) * cells + c] =
                static_cast<float>(expected.residual[cell] / e.diagonal[cell] / expected.size[n]);
            const bool active = !holed || e.part[cell] > 0;
            step[cell] = active ? gain * expected.size[n] * e.output[cell] : 0.0;
            expected.whole[cell] += active ? gain * e.residual[cell] : 0.0;
          }
        }
        const auto of_step = e.product(step);
        bool shortened = false;
        for (std::size_t n = 0; n < a.size.size(); ++n) {
          double numerator = 0, denominator = 0;
          for (std::size_t c = n * cells; c < (n + 1) * cells; ++c) {
            numerator += step[c] * e.residual[c];
            denominator += step[c] * of_step[c];
          }
          const bool too_long = denominator > 2 * numerator;
          shortened |= too_long;
          for (std::size_t c = n * cells; c < (n + 1) * cells; ++c)
            expected.pressure[c] += (too_long ? numerator / denominator : 1.0) * step[c];
        }
        expect_equal(a, expected, 1e-11);
        if (gain > 1) {
          EXPECT_TRUE(shortened);
        }
      }
    }
  }
}

// The error v itself, times 1.9, lessens the energy still; times 2.1 it would raise it, and v is what lessens it most.
TEST(CorrectionLoops, ShortenWhatIsMoreThanTwiceTheBestLength) {
  Equations e(1, 5, 7);
  const std::vector<double> v = e.residual;
  e.residual = e.product(v);
  for (const auto& [gain, taken] : {std::pair{1.9, 1.9}, {2.1, 1.0}, {-1.0, 1.0}}) {
    auto p = e.pressure;
    add_step(e.of(false), e.residual.data(), {gain, nullptr, true}, v.data(), p.data());
    for (std::size_t c = 0; c < p.size(); ++c) EXPECT_NEAR(p[c], e.pressure[c] + taken * v[c], 1e-12) << gain;
  }
}

TEST(CorrectionTile, EveryThreadOfEveryBlockGivesWhatTheLoopsGive) {
  for (const auto& shape : kShapes) {
    for (const bool holed : {false, true}) {
      const double gain = 10.0;
      const Equations e(shape[0], shape[1], shape[2]);
      const FivePoint f = e.of(holed);
      Answers a(e);
      std::vector<double> scratch(2 * e.samples * correction_tile::blocks(f), NAN), residual(a.residual);
      run_blocks(f, [&](Block& b) {
        correction_tile::leave_residual_and_squares(b, f, e.pressure.data(), a.residual.data(),
                                                    scratch.data());
      });
      run_blocks(
          f, [&](Block& b) { correction_tile::leave_residual(b, f, e.pressure.data(), residual.data()); });
      EXPECT_EQ(residual, a.residual);
      run_blocks(f, [&](Block& b) {
        correction_tile::write_input(b, f, e.shares.data(), a.residual.data(), scratch.data(), a.size.data(),
                                     a.input.data());
      });
      const Step safe{gain, a.size.data(), true}, whole{gain, nullptr, false};
      run_blocks(f, [&](Block& b) {
        correction_tile::leave_products(b, f, e.residual.data(), safe, e.output.data(), scratch.data());
      });
      run_blocks(f, [&](Block& b) {
        correction_tile::add_step(b, f, safe, e.output.data(), scratch.data(), a.pressure.data());
      });
      run_blocks(f, [&](Block& b) {
        correction_tile::add_step(b, f, whole, e.residual.data(), scratch.data(), a.whole.data());
      });
      expect_equal(a, of_loops(e, holed, gain), 1e-11);
    }
  }
}

TEST(CorrectionLoops, GiveASampleTheSameInWhateverBatch) {
  const Equations all(3, 60, 70);
  const Answers together = of_loops(all, true, 10.0);
  Equations one = all;
  one.samples = 1;
  const std::int64_t cells = 60 * 70;
  const auto keep_last = [&](auto& v, std::int64_t count) { v.erase(v.begin(), v.end() - count); };
  keep_last(one.left_right, 60 * 71);
  keep_last(one.below_above, 61 * 70);
  keep_last(one.shares, kShares * cells);
  for (auto* v : {&one.diagonal, &one.right_hand_side, &one.part, &one.pressure, &one.residual})
    keep_last(*v, cells);
  keep_last(one.output, cells);
  const Answers alone = of_loops(one, true, 10.0);
  EXPECT_EQ(alone.pressure, std::vector<double>(together.pressure.end() - cells, together.pressure.end()));
  EXPECT_EQ(alone.size.back(), together.size.back());
}

TEST(CudaCorrection, AgreesWithTheLoops) {
  if (!torch::cuda::is_available()) {
    EXPECT_THROW(cuda_residual_of({1, 1, 1, nullptr, nullptr, nullptr, nullptr, nullptr}, nullptr, nullptr),
                 Error);
    GTEST_SKIP() << "no CUDA device, or built without CUDA";
  }
  for (const auto& shape : kShapes) {
    for (const bool holed : {false, true}) {
      const Equations e(shape[0], shape[1], shape[2]);
      const auto there = [](const auto& v) { return torch::tensor(v).to(torch::kCUDA); };
      const auto t = [&](const std::vector<double>& v) {
        return torch::tensor(v, torch::kFloat64).to(torch::kCUDA);
      };
      const auto numbers = [](const torch::Tensor& x) { return x.data_ptr<double>(); };
      const auto back = [](const torch::Tensor& x) {
        const auto host = x.to(torch::kCPU).contiguous();
        return std::vector<double>(host.data_ptr<double>(), host.data_ptr<double>() + host.numel());
      };
      const auto lr = t(e.left_right), ba = t(e.below_above), d = t(e.diagonal), f = t(e.right_hand_side),
                 part = t(e.part), shares = t(e.shares), p = t(e.pressure), r = t(e.residual);
      const FivePoint on_gpu{e.samples,   e.ny,       e.nx,       numbers(lr),
                             numbers(ba), numbers(d), numbers(f), holed ? numbers(part) : nullptr};
      const auto residual = torch::zeros_like(p), size = torch::zeros({e.samples}, p.options());
      const auto input = torch::zeros({kCorrectionInputs * p.numel()}, p.options().dtype(torch::kFloat32));
      const auto scratch = torch::zeros({cuda_correction_scratch(on_gpu)}, p.options());
      const auto output = there(e.output);
      cuda_ask_for_correction(on_gpu, numbers(shares), numbers(p), numbers(residual), numbers(size),
                              input.data_ptr<float>(), numbers(scratch));
      const auto safe = p.clone(), whole = p.clone();
      cuda_add_step(on_gpu, numbers(r), {10.0, numbers(size), true}, output.data_ptr<float>(), numbers(safe),
                    numbers(scratch));
      cuda_add_step(on_gpu, numbers(r), {10.0, nullptr, false}, numbers(r), numbers(whole), numbers(scratch));
      Answers a(e);
      a.residual = back(residual);
      a.size = back(size);
      a.pressure = back(safe);
      a.whole = back(whole);
      const auto in = input.to(torch::kCPU);
      a.input.assign(in.data_ptr<float>(), in.data_ptr<float>() + in.numel());
      expect_equal(a, of_loops(e, holed, 10.0), 1e-10);
    }
  }
}

}  // namespace
}  // namespace mano
