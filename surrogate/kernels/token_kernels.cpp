// Compiled once for each instruction set, with MANO_INSTRUCTIONS its name.
#include "surrogate/kernels/token_kernels.hpp"

#include "surrogate/kernels/vector_math.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

using Index = std::ptrdiff_t;

template <typename S>
constexpr int kWidth = kLanes<Sum<S>>;  // numbers in a vector of sums

// body(begin, vector length as a type) for all of `count` numbers: whole vectors, then one by one.
template <int n>
struct Length {
  static constexpr int value = n;
};
template <int n, typename Body>
inline void in_vectors(Index count, Body body) {
  Index i = 0;
  for (; i + n <= count; i += n) body(i, Length<n>());
  for (; i < count; ++i) body(i, Length<1>());
}

// --- LayerNorm ---------------------------------------------------------------------------------------------------------

constexpr double kEpsilon = 1e-5;

inline float square_root(float x) {
  return __builtin_sqrtf(x);
}
inline double square_root(double x) {
  return __builtin_sqrt(x);
}

template <typename A>
A sum_of(const A* x, int count) {
  constexpr int n = kLanes<A>;
  Vector<A, n> whole{};
  A rest = 0;
  int i = 0;
  for (; i + n <= count; i += n) whole += load<n>(x + i);
  for (; i < count; ++i) rest += x[i];
  return sum<A, n>(whole) + rest;
}

// sum of a b
template <typename A>
A dot(const A* a, const A* b, int count) {
  constexpr int n = kLanes<A>;
  Vector<A, n> whole{};
  A rest = 0;
  int i = 0;
  for (; i + n <= count; i += n) whole += load<n>(a + i) * load<n>(b + i);
  for (; i < count; ++i) rest += a[i] * b[i];
  return sum<A, n>(whole) + rest;
}

// to = (x - mean) / standard deviation; returns its inverse.
template <typename A>
A standardize(const A* x, int channels, A* to) {
  const A mean = sum_of(x, channels) / static_cast<A>(channels);
  in_vectors<kLanes<A>>(channels, [&](Index c, auto length) {
    constexpr int n = decltype(length)::value;
    store<n>(load<n>(x + c) - mean, to + c);
  });
  const A variance = dot(to, to, channels) / static_cast<A>(channels);
  const A inverse = 1 / square_root(variance + static_cast<A>(kEpsilon));
  in_vectors<kLanes<A>>(channels, [&](Index c, auto length) {
    constexpr int n = decltype(length)::value;
    store<n>(load<n>(to + c) * inverse, to + c);
  });
  return inverse;
}

template <typename A, typename S>
void scale_and_shift(const A* x, const A* weight, const A* bias, int channels, S* to) {
  in_vectors<kLanes<A>>(channels, [&](Index c, auto length) {
    constexpr int n = decltype(length)::value;
    store<n>(load<n>(x + c) * load<n>(weight + c) + load<n>(bias + c), to + c);
  });
}

constexpr int kMostChannels = 8192;  // as check_architecture allows

template <typename S>
void normalize(Index rows, int channels, const Sum<S>* x, const NormWeights<Sum<S>>& w, S* out) {
  using A = Sum<S>;
  A standard[kMostChannels];
  for (Index r = 0; r < rows; ++r) {
    standardize(x + r * channels, channels, standard);
    if (w.inner_weight != nullptr) {
      scale_and_shift(standard, w.weight, w.bias, channels, standard);
      standardize(standard, channels, standard);
      scale_and_shift(standard, w.inner_weight, w.inner_bias, channels, out + r * channels);
    } else {
      scale_and_shift(standard, w.weight, w.bias, channels, out + r * channels);
    }
  }
}

// gradient: of the norm's result in, of its input out. Adds to the gradients of weight and bias.
template <typename A>
void norm_backward(const A* standard, A inverse, const A* weight, int channels, A* gradient, A* d_weight,
                   A* d_bias) {
  in_vectors<kLanes<A>>(channels, [&](Index c, auto length) {
    constexpr int n = decltype(length)::value;
    const auto d = load<n>(gradient + c);
    store<n>(load<n>(d_weight + c) + d * load<n>(standard + c), d_weight + c);
    store<n>(load<n>(d_bias + c) + d, d_bias + c);
    store<n>(d * load<n>(weight + c), gradient + c);
  });
  const A mean = sum_of(gradient, channels) / static_cast<A>(channels);
  const A slope = dot(gradient, standard, channels) / static_cast<A>(channels);
  in_vectors<kLanes<A>>(channels, [&](Index c, auto length) {
    constexpr int n = decltype(length)::value;
    store<n>(inverse * (load<n>(gradient + c) - mean - slope * load<n>(standard + c)), gradient + c);
  });
}

template <typename S>
void normalize_backward(Index rows, int channels, const Sum<S>* x, const NormWeights<Sum<S>>& w,
                        const S* d_out, const Sum<S>* add, Sum<S>* d_x, const NormGradients<Sum<S>>& g) {
  using A = Sum<S>;
  A outer[kMostChannels];
  A inner[kMostChannels];
  A gradient[kMostChannels];
  for (Index r = 0; r < rows; ++r) {
    const A inverse = standardize(x + r * channels, channels, outer);
    in_vectors<kWidth<S>>(channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      store<n>(load<n>(d_out + r * channels + c), gradient + c);
    });
    if (w.inner_weight != nullptr) {
      scale_and_shift(outer, w.weight, w.bias, channels, inner);
      const A inner_inverse = standardize(inner, channels, inner);
      norm_backward(inner, inner_inverse, w.inner_weight, channels, gradient, g.inner_weight, g.inner_bias);
    }
    norm_backward(outer, inverse, w.weight, channels, gradient, g.weight, g.bias);
    in_vectors<kWidth<S>>(channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      auto d = load<n>(gradient + c);
      if (add != nullptr) d += load<n>(add + r * channels + c);
      store<n>(d, d_x + r * channels + c);
    });
  }
}

// --- One number after the other -----------------------------------------------------------------------------------------

template <typename A>
Vector<A, kLanes<A>> first_of(Vector<A, 1> x) {
  Vector<A, kLanes<A>> v{};
  v[0] = x[0];
  return v;
}

// value = gelu(x), slope = its derivative.
template <typename A, int n>
void gelu_and_slope(Vector<A, n> x, Vector<A, n>& value, Vector<A, n>& slope) {
  if constexpr (n == 1) {
    Vector<A, kLanes<A>> v, s;
    gelu_and_slope<A, kLanes<A>>(first_of<A>(x), v, s);
    value = Vector<A, 1>{v[0]};
    slope = Vector<A, 1>{s[0]};
  } else {
    constexpr A density = static_cast<A>(0.39894228040143267794);  // 1 / sqrt(2 pi)
    Vector<A, n> e;
    const Vector<A, n> phi = normal_cdf(x, e);
    value = x * phi;
    slope = phi + x * density * e;
  }
}

template <typename S>
void gelu(Index rows, int channels, const S* x, const Sum<S>* bias, S* out) {
  using A = Sum<S>;
  for (Index r = 0; r < rows; ++r) {
    in_vectors<kWidth<S>>(channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      Vector<A, n> value, slope;
      gelu_and_slope<A, n>(load<n>(x + r * channels + c) + load<n>(bias + c), value, slope);
      store<n>(value, out + r * channels + c);
    });
  }
}

template <typename S>
void gelu_backward(Index rows, int channels, const S* x, const Sum<S>* bias, const S* d_out, S* out, S* d_x,
                   Sum<S>* d_bias) {
  using A = Sum<S>;
  for (Index r = 0; r < rows; ++r) {
    in_vectors<kWidth<S>>(channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      const Index i = r * channels + c;
      Vector<A, n> value, slope;
      gelu_and_slope<A, n>(load<n>(x + i) + load<n>(bias + c), value, slope);
      const Vector<A, n> d = load<n>(d_out + i) * slope;
      store<n>(value, out + i);
      store<n>(d, d_x + i);
      store<n>(load<n>(d_bias + c) + d, d_bias + c);
    });
  }
}

template <typename S>
void add_biased(Index rows, int channels, const Sum<S>* a, const S* y, const Sum<S>* bias,
                const Sum<S>* scale, Sum<S>* out) {
  using A = Sum<S>;
  for (Index r = 0; r < rows; ++r) {
    const A factor = scale != nullptr ? scale[r] : 1;
    in_vectors<kWidth<S>>(channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      const Index i = r * channels + c;
      Vector<A, n> v = load<n>(y + i);
      if (bias != nullptr) v += load<n>(bias + c);
      v *= factor;
      if (a != nullptr) v += load<n>(a + i);
      store<n>(v, out + i);
    });
  }
}

template <typename A>
void add_column_sums(Index rows, int channels, const A* x, const A* scale, A* sums) {
  for (Index r = 0; r < rows; ++r) {
    const A factor = scale != nullptr ? scale[r] : 1;
    in_vectors<kLanes<A>>(channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      store<n>(load<n>(sums + c) + factor * load<n>(x + r * channels + c), sums + c);
    });
  }
}

template <typename S>
void convert(Index count, const Sum<S>* from, S* to) {
  in_vectors<kWidth<S>>(count, [&](Index i, auto length) {
    constexpr int n = decltype(length)::value;
    store<n>(load<n>(from + i), to + i);
  });
}

template <typename S>
void add_back(Index count, const S* from, Sum<S>* to) {
  in_vectors<kWidth<S>>(count, [&](Index i, auto length) {
    constexpr int n = decltype(length)::value;
    store<n>(load<n>(to + i) + load<n>(from + i), to + i);
  });
}

// --- Levels -------------------------------------------------------------------------------------------------------------

// visit(token of the fine level, its place in block_rows, outside) for all of the blocks of coarse rows [begin, end).
template <typename Visit>
void for_block_parts(const LevelShape& s, int begin, int end, Visit visit) {
  Index part = 0;
  for (int y = begin; y < end; ++y) {
    for (int x = 0; x < s.coarse_width(); ++x) {
      for (int p = 0; p < s.rate * s.rate; ++p, ++part) {
        const int row = y * s.rate + p / s.rate;
        const int column = x * s.rate + p % s.rate;
        const int nearest_row = row < s.height ? row : s.height - 1;
        const int nearest_column = column < s.width ? column : s.width - 1;
        visit((static_cast<Index>(nearest_row) * s.width + nearest_column) * s.channels, part * s.channels,
              row != nearest_row || column != nearest_column);
      }
    }
  }
}

template <typename S>
void gather_blocks(const LevelShape& s, int begin, int end, const Sum<S>* fine, Sum<S> factor,
                   bool zero_outside, S* block_rows) {
  for_block_parts(s, begin, end, [&](Index from, Index to, bool outside) {
    const Sum<S> f = outside && zero_outside ? 0 : factor;
    in_vectors<kWidth<S>>(s.channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      store<n>(f * load<n>(fine + from + c), block_rows + to + c);
    });
  });
}

template <typename S>
void scatter_blocks(const LevelShape& s, int begin, int end, const S* block_rows, Sum<S> factor,
                    bool repeated, Sum<S>* fine) {
  for_block_parts(s, begin, end, [&](Index to, Index from, bool outside) {
    if (outside && !repeated) return;
    in_vectors<kWidth<S>>(s.channels, [&](Index c, auto length) {
      constexpr int n = decltype(length)::value;
      store<n>(load<n>(fine + to + c) + factor * load<n>(block_rows + from + c), fine + to + c);
    });
  });
}

// --- Attention ----------------------------------------------------------------------------------------------------------

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

// In how many windows along one side of `size` a token lies; window `a` begins a tokens before it.
bool window_exists(int token, int a, int size, int window, int stride) {
  const int origin = token - a;
  return origin >= 0 && origin % stride == 0 && origin + window <= size;
}
int windows_with(int token, int size, int window, int stride) {
  int count = 0;
  for (int a = 0; a < window; ++a) count += window_exists(token, a, size, window, stride) ? 1 : 0;
  return count;
}

// shares[a][lane]: 1 / (windows along x that hold the token) where window a exists, else 0.
template <typename A>
void fill_shares(const AttentionShape& s, Index lanes, A* shares) {
  for (int a = 0; a < s.window; ++a) {
    for (Index i = 0; i < lanes; ++i) shares[a * lanes + i] = 0;
    for (int x = 0; x < s.width; ++x) {
      if (!window_exists(x, a, s.width, s.window, s.stride)) continue;
      const A share = static_cast<A>(1) / static_cast<A>(windows_with(x, s.width, s.window, s.stride));
      for (int head = 0; head < s.heads; ++head)
        shares[a * lanes + static_cast<Index>(x) * s.heads + head] = share;
    }
  }
}

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

// For the tokens of row y: softmax of the scores in each of its windows, averaged over the windows: c. With d_c, the
// gradient of c, also d_scores times `factor`.
template <typename A, int K, bool backward>
void softmax_over_windows(const AttentionShape& s, const Planes& planes, int y, const A* shares,
                          const A* scores, const A* d_c, A factor, A* c, A* d_scores) {
  constexpr int n = kLanes<A>;
  using V = Vector<A, n>;
  const int window = K > 0 ? K : s.window;
  const int reach = 2 * window - 1;
  for (Index i = 0; i < planes.size(); i += n) {
    store<n>(V{}, c + i);
    if (backward) store<n>(V{}, d_scores + i);
  }
  const int rows = windows_with(y, s.height, window, s.stride);
  for (int a_row = 0; a_row < window; ++a_row) {
    if (!window_exists(y, a_row, s.height, window, s.stride)) continue;
    for (int a_column = 0; a_column < window; ++a_column) {
      const auto plane = [&](int b) {  // of the neighbour at position b of the window
        const int row = b / window - a_row + window - 1;
        const int column = b % window - a_column + window - 1;
        return (row * reach + column) * planes.lanes;
      };
      for (Index i = 0; i < planes.lanes; i += n) {
        V e[K > 0 ? K * K : kMostWindow * kMostWindow];
        V most = load<n>(scores + plane(0) + i);
        for (int b = 1; b < window * window; ++b) {
          const V score = load<n>(scores + plane(b) + i);
          most = score > most ? score : most;
        }
        V total{};
        for (int b = 0; b < window * window; ++b)
          total += e[b] = exp_of_negative(load<n>(scores + plane(b) + i) - most);
        const V share = load<n>(shares + a_column * planes.lanes + i) / (total * static_cast<A>(rows));
        V mean{};  // of d_c in the window
        for (int b = 0; b < window * window; ++b) {
          e[b] *= share;
          A* sum_c = c + plane(b) + i;
          store<n>(load<n>(sum_c) + e[b], sum_c);
          if (backward) mean += e[b] * load<n>(d_c + plane(b) + i);
        }
        if (!backward) continue;
        // e / (share of the window) is the softmax, and e sums to that share.
        const V window_share = share * total;
        mean = window_share > 0 ? mean / window_share : V{};
        for (int b = 0; b < window * window; ++b) {
          A* sum_d = d_scores + plane(b) + i;
          store<n>(load<n>(sum_d) + factor * e[b] * (load<n>(d_c + plane(b) + i) - mean), sum_d);
        }
      }
    }
  }
}

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

template <typename S>
S* row_at(const AttentionShape& s, S* rows, int row, Index step) {
  return rows + static_cast<Index>(row) * s.width * step;
}

template <typename S>
std::size_t attention_scratch(const AttentionShape& s) {
  const Planes planes = Planes::of<Sum<S>>(s);
  const int rows = 2 * s.window - 1;  // that are kept, of both c and its scores' gradient
  return static_cast<std::size_t>(planes.size() * (2 + 2 * rows) + s.window * planes.lanes);
}

template <typename S, int D, int K>
void attend(const AttentionShape& s, int begin, int end, const S* qkv, S* out_rows, Sum<S>* scratch) {
  using A = Sum<S>;
  const Planes planes = Planes::of<A>(s);
  const Index inner = static_cast<Index>(s.heads) * s.dim_head;
  A* shares = scratch;
  A* scores = shares + s.window * planes.lanes;
  A* c = scores + planes.size();
  fill_shares(s, planes.lanes, shares);
  for (Index i = 0; i < planes.size(); ++i) scores[i] = 0;  // lanes beyond the row
  const A scale = 1 / square_root(static_cast<A>(s.dim_head));
  const TokenRows<const S> q{qkv, 3 * inner}, k{qkv + inner, 3 * inner}, v{qkv + 2 * inner, 3 * inner};
  for (int y = begin; y < end; ++y) {
    dot_with_neighbours<S, D, K>(s, planes, y, q, k, scale, scores);
    softmax_over_windows<A, K, false>(s, planes, y, shares, scores, nullptr, 1, c, nullptr);
    sum_over_neighbours<S, D, K>(s, planes, y, c, v, row_at(s, out_rows, y - begin, inner), inner);
  }
}

template <typename S, int D, int K>
void attend_backward(const AttentionShape& s, int begin, int end, bool continued, const S* qkv,
                     const S* d_out, S* d_rows, Sum<S>* scratch) {
  using A = Sum<S>;
  const Planes planes = Planes::of<A>(s);
  const Index inner = static_cast<Index>(s.heads) * s.dim_head;
  const int reach = s.window - 1;
  const int kept = 2 * reach + 1;
  A* shares = scratch;
  A* scores = shares + s.window * planes.lanes;
  A* d_c = scores + planes.size();
  A* rows = d_c + planes.size();  // c and d_scores of the last rows
  if (!continued) {
    fill_shares(s, planes.lanes, shares);
    for (Index i = 0; i < 2 * planes.size(); ++i) scores[i] = 0;
  }
  const auto c = [&](int row) { return rows + 2 * (row % kept) * planes.size(); };
  const auto d_scores = [&](int row) { return c(row) + planes.size(); };
  const A scale = 1 / square_root(static_cast<A>(s.dim_head));
  const Index step = 3 * inner;
  const TokenRows<const S> q{qkv, step}, k{qkv + inner, step}, v{qkv + 2 * inner, step}, g{d_out, inner};
  // What row y reads of its neighbours; then the gradients of row y - reach, whose readers are all known.
  for (int y = continued ? begin + reach : begin - reach; y < end + reach; ++y) {
    if (y >= 0 && y < s.height) {
      dot_with_neighbours<S, D, K>(s, planes, y, q, k, scale, scores);
      dot_with_neighbours<S, D, K>(s, planes, y, g, v, 1, d_c);
      softmax_over_windows<A, K, true>(s, planes, y, shares, scores, d_c, scale, c(y), d_scores(y));
    }
    const int done = y - reach;
    if (done < begin) continue;
    S* to = row_at(s, d_rows, done - begin, step);
    sum_over_neighbours<S, D, K>(s, planes, done, d_scores(done), k, to, step);
    sum_over_readers<S, D, K>(s, planes, done, d_scores, q, to + inner, step);
    sum_over_readers<S, D, K>(s, planes, done, c, g, to + 2 * inner, step);
  }
}

// call(head width as a type, window as a type), 0 for those that have no code of their own.
template <typename S, typename Call>
void specialized(const AttentionShape& s, Call call) {
  const auto with_window = [&](auto d) {
    if (s.window == 2) {
      call(d, Length<2>());
    } else {
      call(d, Length<0>());
    }
  };
  if constexpr (sizeof(Sum<S>) == sizeof(float)) {
    switch (s.dim_head) {
      case 8:
        return with_window(Length<8>());
      case 16:
        return with_window(Length<16>());
      case 32:
        return with_window(Length<32>());
      case 64:
        return with_window(Length<64>());
      default:
        break;
    }
  }
  with_window(Length<0>());
}

template <typename S>
void attention(const AttentionShape& s, int begin, int end, const S* qkv, S* out_rows, Sum<S>* scratch) {
  specialized<S>(s, [&](auto d, auto window) {
    attend<S, decltype(d)::value, decltype(window)::value>(s, begin, end, qkv, out_rows, scratch);
  });
}

template <typename S>
void attention_backward(const AttentionShape& s, int begin, int end, bool continued, const S* qkv,
                        const S* d_out, S* d_rows, Sum<S>* scratch) {
  specialized<S>(s, [&](auto d, auto window) {
    attend_backward<S, decltype(d)::value, decltype(window)::value>(s, begin, end, continued, qkv, d_out,
                                                                    d_rows, scratch);
  });
}

}  // namespace

template <typename S>
constexpr TokenKernels<S> kTable{attention_scratch<S>, attention<S>,          attention_backward<S>,
                                 normalize<S>,         normalize_backward<S>, gelu<S>,
                                 gelu_backward<S>,     add_biased<S>,         add_column_sums<Sum<S>>,
                                 convert<S>,           add_back<S>,           gather_blocks<S>,
                                 scatter_blocks<S>};

extern const TokenKernels<float> table_float;
extern const TokenKernels<double> table_double;
extern const TokenKernels<BFloat16> table_bfloat16;
const TokenKernels<float> table_float = kTable<float>;
const TokenKernels<double> table_double = kTable<double>;
const TokenKernels<BFloat16> table_bfloat16 = kTable<BFloat16>;

}  // namespace mano::MANO_INSTRUCTIONS
