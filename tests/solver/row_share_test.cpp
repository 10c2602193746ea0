// One grid on several ranks in slabs of rows. Threads stand in for the ranks here; MPI's are in darcy_solver_test.cpp.
#include "solver/row_share.hpp"

#include <gtest/gtest.h>

#include <barrier>
#include <cstring>
#include <random>
#include <thread>

#include "core/norms.hpp"
#include "solver/conjugate_gradients.hpp"
#include "solver/problems.hpp"
#include "solver/regions.hpp"
#include "solver/split_rows.hpp"

namespace mano {
namespace {

using Precision = Multigrid::Precision;

// Where threads show each other their data: all show, all take what they need.
struct Board {
  struct Shown {
    char *begin, *end;
    std::vector<double> numbers;
  };
  explicit Board(int size) : shown(size), barrier(size) {}
  std::vector<Shown> shown;
  std::barrier<> barrier;
};

class ThreadRanks : public SharingRanks {
 public:
  ThreadRanks(Board& board, int rank) : board_(board), rank_(rank) {}
  int size() const override { return static_cast<int>(board_.shown.size()); }
  int rank() const override { return rank_; }
  void sum(std::span<double> values) const override {
    show({nullptr, nullptr, {values.begin(), values.end()}});
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = 0;
      for (const Board::Shown& s : board_.shown) values[i] += s.numbers.at(i);
    }
    board_.barrier.arrive_and_wait();
  }
  double most(double value) const override {
    show({nullptr, nullptr, {value}});
    for (const Board::Shown& s : board_.shown) value = std::max(value, s.numbers[0]);
    board_.barrier.arrive_and_wait();
    return value;
  }
  void exchange(void* own, std::size_t row_bytes, int rows, int halo) const override {
    auto* begin = static_cast<char*>(own);
    char* end = begin + row_bytes * rows;
    show({begin, end, {}});
    const std::size_t bytes = row_bytes * halo;
    if (rank_ > 0) std::memcpy(begin - bytes, board_.shown[rank_ - 1].end - bytes, bytes);
    if (rank_ + 1 < size()) std::memcpy(end, board_.shown[rank_ + 1].begin, bytes);
    board_.barrier.arrive_and_wait();
  }
  void gather(void* array, std::size_t row_bytes, const std::vector<int>& begins) const override {
    auto* values = static_cast<char*>(array);
    show({values, nullptr, {}});
    for (int r = 0; r < size(); ++r) {
      const std::size_t begin = begins[r] * row_bytes;
      if (r != rank_)
        std::memcpy(values + begin, board_.shown[r].begin + begin, begins[r + 1] * row_bytes - begin);
    }
    board_.barrier.arrive_and_wait();
  }

 private:
  void show(Board::Shown shown) const {
    board_.shown[rank_] = std::move(shown);
    board_.barrier.arrive_and_wait();
  }
  Board& board_;
  int rank_;
};

template <typename Work>
void on_ranks(int ranks, Work work) {
  Board board(ranks);
  std::vector<std::thread> threads(ranks);
  for (int r = 0; r < ranks; ++r) threads[r] = std::thread([&, r] { work(ThreadRanks(board, r)); });
  for (std::thread& thread : threads) thread.join();
}

// One cycle for b, a field; what leaves the cycle, in the order of a field.
Field cycled(Multigrid& multigrid, const Grid& whole, int first, int rows, const Field& b) {
  const CycleVectors<double> v = multigrid.vectors<double>();
  const auto at = [](const SplitRows<double>& r, int i, int j, int k) -> double& {
    return r.row(j, k)[i % 2 * r.half + i / 2];
  };
  Field x(whole);
  const auto each = [&](auto visit) {
    for (int k = 0; k < whole.nz; ++k) {
      for (int j = 0; j < rows; ++j) {
        for (int i = 0; i < whole.nx; ++i) visit(i, j, k);
      }
    }
  };
  each([&](int i, int j, int k) { at(v.b, i, j, k) = b(i, first + j, k); });
  multigrid.cycle();
  each([&](int i, int j, int k) { x(i, first + j, k) = at(v.x, i, j, k); });
  return x;
}

struct Solved {
  ConjugateGradients::Result result;
  std::vector<double> pressure;
};

Solved solved(const Stencil& stencil, Precision precision, const SharingRanks* ranks) {
  ConjugateGradients method;
  method.take(stencil, precision, ranks);
  Solved s{{}, std::vector<double>(stencil.grid.cells())};
  s.result = method.solve(s.pressure, true, 1e-8, 60);
  const auto again = method.solve(s.pressure, false, 1e-10, 60);  // from where it ended
  s.result = {again.end, s.result.iterations + again.iterations};
  return s;
}

std::vector<Solved> solved_by(int ranks, const Stencil& stencil, Precision precision) {
  std::vector<Solved> all(ranks);
  on_ranks(ranks, [&](const ThreadRanks& own) { all[own.rank()] = solved(stencil, precision, &own); });
  return all;
}

// The same cycles: iterations are equal, and pressures but for rounding.
void expect_same(const Problem& problem, const char* what) {
  const Stencil stencil(problem);
  for (auto precision : {Precision::single, Precision::double_}) {
    const Solved alone = solved(stencil, precision, nullptr);
    EXPECT_EQ(alone.result.end, ConjugateGradients::End::converged)
        << problem.grid().resolution() << " " << what;
    for (const int ranks : {2, 3, 5}) {
      if (ranks > RowShare::most_ranks(problem.grid().ny, Multigrid::halo(problem.grid()))) continue;
      const std::vector<Solved> shared = solved_by(ranks, stencil, precision);
      for (const Solved& s : shared) {
        EXPECT_EQ(s.pressure, shared[0].pressure) << what;
        EXPECT_NEAR(s.result.iterations, alone.result.iterations, precision == Precision::single ? 1 : 0)
            << problem.grid().resolution() << " " << what << ", ranks: " << ranks;
      }
      Field p(problem.grid()), q(problem.grid());
      p.values = alone.pressure;
      q.values = shared[0].pressure;
      if (problem.pressure_is_free()) {
        subtract_mean(p.values, problem.active);
        subtract_mean(q.values, problem.active);
      }
      EXPECT_LT(relative_l2(q, p), 1e-9)
          << problem.grid().resolution() << " " << what << ", ranks: " << ranks;
    }
  }
}

Grid box(int nx, int ny, int nz, double lx, double ly, double lz) {
  Grid g{nx, ny, lx, ly};
  g.nz = nz;
  g.lz = lz;
  return g;
}

Field rock(const Grid& grid) {
  Field k = rough_permeability(grid);
  for (double& value : k.values) value = std::pow(value, 0.3);
  return k;
}

// Coarsened in both directions, in x alone and in y alone; odd sizes; flat and in layers, thin and tall.
const std::vector<Grid> kGrids{Grid{64, 128},
                               Grid{33, 101},
                               Grid{64, 96, 1, 50},
                               Grid{48, 128, 50, 1},
                               box(20, 64, 6, 1, 1, 1),
                               box(9, 51, 5, 1, 1, 1e-3),
                               box(16, 48, 4, 1, 1, 1e3),
                               box(24, 40, 4, 1, 30, 1),
                               box(12, 40, 4, 30, 1, 1)};

TEST(RowShare, CoversAllRowsAndBeginsAtEvenOnes) {
  for (int ny = 8; ny < 300; ny += 7) {
    for (int ranks = 1; ranks <= RowShare::most_ranks(ny, 4); ++ranks) {
      int rows = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const RowShare share = RowShare::of(ny, ranks, rank, 4);
        EXPECT_TRUE(ranks == 1 || share.holds()) << ny << " " << ranks;
        EXPECT_EQ(share.own_begin(), rows);
        EXPECT_EQ(share.first(), share.own_begin() - share.before());
        EXPECT_LE(share.first() + share.rows(), ny);
        EXPECT_EQ(share.halved().begins.back(), (ny + 1) / 2);
        rows += share.own_rows();
      }
      EXPECT_EQ(rows, ny);
    }
  }
}

// In the rows that a rank owns and in those next to them.
TEST(RowShare, ACycleIsTheSame) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  for (const Grid& grid : kGrids) {
    const Stencil stencil(make_problem("drive", rock(grid)));
    Field b(grid);
    for (double& value : b.values) value = normal(random);
    Multigrid alone;
    alone.set_up(stencil, Precision::double_);
    const Field expected = cycled(alone, grid, 0, grid.ny, b);
    const Range range = least_and_most(expected.values);
    for (const int ranks : {2, 3}) {
      on_ranks(ranks, [&](const ThreadRanks& own) {
        const RowShare share = RowShare::of(grid.ny, ranks, own.rank(), Multigrid::halo(grid));
        Multigrid multigrid;
        multigrid.set_up(stencil.rows(share.first(), share.rows()), Precision::double_, false, share, own);
        EXPECT_EQ(multigrid.levels(), alone.levels());
        const Field x = cycled(multigrid, grid, share.first(), share.rows(), b);
        double worst = 0;
        for (int k = 0; k < grid.nz; ++k) {
          for (int j = std::max(0, share.own_begin() - 1);
               j < std::min(grid.ny, share.own_begin() + share.own_rows() + 1); ++j) {
            for (int i = 0; i < grid.nx; ++i)
              worst = std::max(worst, std::abs(x(i, j, k) - expected(i, j, k)));
          }
        }
        EXPECT_LT(worst, 1e-12 * std::max(-range.least, range.most))
            << grid.resolution() << ", ranks: " << ranks;
      });
    }
  }
}

TEST(RowShare, RanksTogetherDoWhatOneDoesAlone) {
  for (const Grid& grid : kGrids) {
    for (const char* setup : {"benchmark", "drive"}) expect_same(make_problem(setup, rock(grid)), setup);
  }
}

TEST(RowShare, NothingHoldsThePressureAndBoresJoinLayers) {
  for (const Grid& grid : {Grid{64, 96}, box(20, 64, 6, 1, 1, 1)}) {
    Problem problem = make_problem("five-spot", rock(grid));
    for (Well& well : problem.wells) well.radius = 1e-3;
    for (const int j : {grid.ny / 2 - 1, grid.ny / 2}) {  // on either side of a border, and in halos
      problem.wells.push_back({.i = 3, .j = j, .value = j == grid.ny / 2 ? 0.5 : -0.5, .radius = 1e-3});
      problem.wells.back().last_layer = grid.nz - 1;
    }
    expect_same(problem, "five-spot");
    problem.wells[0].control = Well::Control::pressure;
    expect_same(problem, "a well of given pressure");
  }
}

TEST(RowShare, InactiveCells) {
  std::mt19937 random(1);
  for (const Grid& grid : {Grid{40, 100}, box(12, 60, 5, 1, 1, 1)}) {
    CellMask mask{grid, std::vector<std::uint8_t>(grid.cells())};
    for (auto& value : mask.values) value = random() % 10 < 9;
    Problem problem = make_problem("benchmark", rock(grid), mask);
    drop_islands(problem);
    expect_same(problem, "inactive cells");
  }
}

}  // namespace
}  // namespace mano
