#pragma once
// Overlapping-window attention of rows of tokens and its gradient: the softmax in every window and the order of the rows, on top
// of token_neighbours.hpp. Part of token_kernels.cpp, which alone includes it.

#include "surrogate/kernels/token_neighbours.hpp"
#include "surrogate/kernels/vector_math.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

// In how many windows along one side of `size` a token lies.
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

}  // namespace mano::MANO_INSTRUCTIONS
