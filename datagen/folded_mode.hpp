#pragma once
// Cosines that a grid cannot tell from longer ones. Private to datagen/.

namespace mano {

/// cos(pi m (i + 1/2) / n) as sign * cos(pi index (i + 1/2) / n) with index < n; sign 0 where it vanishes.
struct FoldedMode {
  int index = 0;
  double sign = 0.0;
};

inline FoldedMode fold_cosine(int m, int n) {
  const int remainder = m % (2 * n);
  const double sign = (m / (2 * n)) % 2 == 0 ? 1.0 : -1.0;
  if (remainder == n) return {0, 0.0};
  if (remainder < n) return {remainder, sign};
  return {2 * n - remainder, -sign};
}

}  // namespace mano
