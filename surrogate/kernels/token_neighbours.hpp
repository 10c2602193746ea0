#pragma once
// What attention computes between the tokens of a row and their neighbours, head by head: products with each neighbour, and
// sums over neighbours, the factors in planes. Part of token_kernels.cpp, which alone includes it.

#include "surrogate/kernels/attention_shape.hpp"
#include "surrogate/kernels/vector_math.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

// The d numbers of a head: in registers where d is known (a power of two from 8 to 64), else (D = 0) in an array.
template <typename S, int D>
class Head {
  using A = Sum<S>;
  static constexpr int kLength = D < kLanes<A> ? D : kLanes<A>;
  static constexpr int kParts = D / kLength;

 public:
  explicit Head(int) {
    for (auto& part : v_) part = Vector<A, kLength>{};
  }
  void load(const S* from) {
    for (int p = 0; p < kParts; ++p) v_[p] = MANO_INSTRUCTIONS::load<kLength>(from + p * kLength);
  }
  A dot(const S* with) const {
    Vector<A, kLength> products = v_[0] * MANO_INSTRUCTIONS::load<kLength>(with);
    for (int p = 1; p < kParts; ++p) products += v_[p] * MANO_INSTRUCTIONS::load<kLength>(with + p * kLength);
    return sum<A, kLength>(products);
  }
  void add(A factor, const S* from) {
    for (int p = 0; p < kParts; ++p) v_[p] += factor * MANO_INSTRUCTIONS::load<kLength>(from + p * kLength);
  }
  void store(S* to) const {
    for (int p = 0; p < kParts; ++p) MANO_INSTRUCTIONS::store<kLength>(v_[p], to + p * kLength);
  }

 private:
  Vector<A, kLength> v_[kParts];
};

template <typename S>
class Head<S, 0> {
  using A = Sum<S>;

 public:
  explicit Head(int d) : d_(d) {
    for (int i = 0; i < d_; ++i) v_[i] = 0;
  }
  void load(const S* from) {
    for (int i = 0; i < d_; ++i) v_[i] = widen(from[i]);
  }
  A dot(const S* with) const {
    A total = 0;
#pragma omp simd reduction(+ : total)
    for (int i = 0; i < d_; ++i) total += v_[i] * widen(with[i]);
    return total;
  }
  void add(A factor, const S* from) {
#pragma omp simd
    for (int i = 0; i < d_; ++i) v_[i] += factor * widen(from[i]);
  }
  void store(S* to) const {
    for (int i = 0; i < d_; ++i) narrow(v_[i], to + i);
  }

 private:
  int d_;
  A v_[kMostDimHead];
};

// Rows of tokens of one image; a token's heads lie side by side, `step` numbers from one token to the next.
template <typename S>
struct TokenRows {
  S* at = nullptr;
  Index step = 0;

  S* token(const AttentionShape& s, int y, int x) const {
    return at + (static_cast<Index>(y) * s.width + x) * step;
  }
};

// A plane holds a number for each token of a row and each head of it, x * heads + head. Planes come in sets, one for each of
// the (2K-1)^2 neighbours of a token.
struct Planes {
  Index lanes = 0;  // of one plane, a multiple of the vector length
  int neighbours = 0;

  template <typename A>
  static Planes of(const AttentionShape& s) {
    const Index used = static_cast<Index>(s.width) * s.heads;
    const int reach = 2 * s.window - 1;
    return {(used + kLanes<A> - 1) / kLanes<A> * kLanes<A>, reach * reach};
  }
  Index size() const { return lanes * neighbours; }
};

// planes[n] = factor * (a of the token) . (b of its neighbour n); where there is no neighbour, some finite number.
template <typename S, int D, int K>
void dot_with_neighbours(const AttentionShape& s, const Planes& planes, int y, TokenRows<const S> a,
                         TokenRows<const S> b, Sum<S> factor, Sum<S>* to) {
  const int reach = (K > 0 ? K : s.window) - 1;
  const int d = D > 0 ? D : s.dim_head;
  Head<S, D> mine(d);
  for (int x = 0; x < s.width; ++x) {
    for (int head = 0; head < s.heads; ++head) {
      mine.load(a.token(s, y, x) + head * d);
      Sum<S>* lane = to + static_cast<Index>(x) * s.heads + head;
      for (int dy = -reach; dy <= reach; ++dy) {
        for (int dx = -reach; dx <= reach; ++dx, lane += planes.lanes) {
          const bool inside = y + dy >= 0 && y + dy < s.height && x + dx >= 0 && x + dx < s.width;
          if (inside) *lane = factor * mine.dot(b.token(s, y + dy, x + dx) + head * d);
        }
      }
    }
  }
}

#ifdef __AVX512F__
// The same, sixteen lanes of a plane at once: sums within vectors are what costs, and many of them share their steps.
template <typename S, int D, int K>
requires(sizeof(Sum<S>) == sizeof(float) && D % 16 == 0 && D > 0 &&
         K > 0) void dot_with_neighbours(const AttentionShape& s, const Planes& planes, int y,
                                         TokenRows<const S> a, TokenRows<const S> b, float factor,
                                         float* to) {
  constexpr int reach = K - 1;
  constexpr int parts = D / 16;
  const Index ahead = 32 / s.heads + 1;  // tokens: what is read for the first time comes from far away
  const Index new_row = (y + reach < s.height ? reach : 0) * static_cast<Index>(s.width) * b.step;
  for (Index lane = 0; lane < planes.lanes; lane += 16) {
    const S* mine[16];
    Index theirs[2 * reach + 1][16];  // the nearest column stands for one outside
    for (int i = 0; i < 16; ++i) {
      const int used = static_cast<int>(lane) + i;
      const int x = used / s.heads < s.width ? used / s.heads : s.width - 1;
      const int head = used % s.heads;
      mine[i] = a.token(s, y, x) + head * D;
      const S* next = b.token(s, y, x) + new_row + head * D;
      for (int line = 0; line < D; line += 64 / static_cast<int>(sizeof(S))) {
        __builtin_prefetch(mine[i] + ahead * a.step + line);
        __builtin_prefetch(next + ahead * b.step + line);
      }
      for (int dx = -reach; dx <= reach; ++dx) {
        const int column = x + dx < 0 ? 0 : (x + dx < s.width ? x + dx : s.width - 1);
        theirs[dx + reach][i] = column * b.step + head * D;
      }
    }
    for (int dy = -reach; dy <= reach; ++dy) {
      if (y + dy < 0 || y + dy >= s.height) continue;
      const S* row = b.token(s, y + dy, 0);
      for (int dx = -reach; dx <= reach; ++dx) {
        const auto sums = sums_of<16>(0, [&](int i) {
          const S* with = row + theirs[dx + reach][i];
          Vector<float, 16> product = load<16>(mine[i]) * load<16>(with);
          for (int p = 1; p < parts; ++p) product += load<16>(mine[i] + 16 * p) * load<16>(with + 16 * p);
          return product;
        });
        store<16>(factor * sums, to + ((dy + reach) * (2 * reach + 1) + dx + reach) * planes.lanes + lane);
      }
    }
  }
}
#endif

// to of a token, `step` numbers from one to the next = sum over its neighbours n of planes[n] * (from of the neighbour).
template <typename S, int D, int K>
void sum_over_neighbours(const AttentionShape& s, const Planes& planes, int y, const Sum<S>* factors,
                         TokenRows<const S> from, S* to, Index step) {
  const int reach = (K > 0 ? K : s.window) - 1;
  const int d = D > 0 ? D : s.dim_head;
  for (int x = 0; x < s.width; ++x) {
    for (int head = 0; head < s.heads; ++head) {
      Head<S, D> total(d);
      const Sum<S>* lane = factors + static_cast<Index>(x) * s.heads + head;
      for (int dy = -reach; dy <= reach; ++dy) {
        for (int dx = -reach; dx <= reach; ++dx, lane += planes.lanes) {
          const bool inside = y + dy >= 0 && y + dy < s.height && x + dx >= 0 && x + dx < s.width;
          if (inside) total.add(*lane, from.token(s, y + dy, x + dx) + head * d);
        }
      }
      total.store(to + x * step + head * d);
    }
  }
}

// to of a token j, `step` numbers from one to the next = sum over the tokens t that have it as their neighbour n of planes(row of t)[n] * (from of t).
template <typename S, int D, int K, typename PlanesOfRow>
void sum_over_readers(const AttentionShape& s, const Planes& planes, int y, PlanesOfRow factors,
                      TokenRows<const S> from, S* to, Index step) {
  const int reach = (K > 0 ? K : s.window) - 1;
  const int d = D > 0 ? D : s.dim_head;
  for (int x = 0; x < s.width; ++x) {
    for (int head = 0; head < s.heads; ++head) {
      Head<S, D> total(d);
      for (int dy = -reach; dy <= reach; ++dy) {
        const int row = y - dy;
        if (row < 0 || row >= s.height) continue;
        const Sum<S>* lane = factors(row) + (dy + reach) * (2 * reach + 1) * planes.lanes + head;
        for (int dx = -reach; dx <= reach; ++dx, lane += planes.lanes) {
          const int column = x - dx;
          if (column >= 0 && column < s.width)
            total.add(lane[static_cast<Index>(column) * s.heads], from.token(s, row, column) + head * d);
        }
      }
      total.store(to + x * step + head * d);
    }
  }
}

}  // namespace

}  // namespace mano::MANO_INSTRUCTIONS
