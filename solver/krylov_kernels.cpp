// The table of krylov_kernels.hpp, compiled once for each instruction set, with MANO_INSTRUCTIONS its name. No header of the standard
// library with inline functions: the linker would be free to take their AVX-512 version for everybody.
#include "solver/krylov_kernels.hpp"

namespace mano::MANO_INSTRUCTIONS {

namespace {

using Index = std::ptrdiff_t;

// One row of y = A x. Differences, not diagonal times centre: constants cancel before rounding does harm. Outside lies the pressure 0.
inline void apply_row(const Transmissibilities& a, Index j, Index k, const double* x, double* y) {
  const Index nx = a.grid.nx;
  const Index ny = a.grid.ny;
  const Index n = k * ny + j;
  const Index layer = nx * ny;
  const double* p = x + n * nx;
  const double* west = a.tx + n * (nx + 1);
  const double* south = a.ty + (n + k) * nx;
  const double* north = south + nx;
  double* out = y + n * nx;
  const bool first = j == 0;
  const bool last = j == ny - 1;
  const double* front = first ? p : p - nx;
  const double* back = last ? p : p + nx;
  const double keep_front = first ? 0 : 1;
  const double keep_back = last ? 0 : 1;
  const auto in_plane = [&](Index i) {
    return south[i] * (p[i] - keep_front * front[i]) + north[i] * (p[i] - keep_back * back[i]);
  };
  if (a.tz != nullptr) {
    const double* above = a.tz + n * nx;
    const double* below = above + layer;
    const double* up = k == 0 ? p : p - layer;
    const double* down = k == a.grid.nz - 1 ? p : p + layer;
    const double keep_up = k == 0 ? 0 : 1;
    const double keep_down = k == a.grid.nz - 1 ? 0 : 1;
    const auto all = [&](Index i) {
      return in_plane(i) + above[i] * (p[i] - keep_up * up[i]) + below[i] * (p[i] - keep_down * down[i]);
    };
#pragma omp simd
    for (Index i = 1; i < nx - 1; ++i)
      out[i] = west[i] * (p[i] - p[i - 1]) + west[i + 1] * (p[i] - p[i + 1]) + all(i);
    out[0] = west[0] * p[0] + west[1] * (nx > 1 ? p[0] - p[1] : p[0]) + all(0);
    if (nx > 1) out[nx - 1] = west[nx - 1] * (p[nx - 1] - p[nx - 2]) + west[nx] * p[nx - 1] + all(nx - 1);
  } else {
#pragma omp simd
    for (Index i = 1; i < nx - 1; ++i)
      out[i] = west[i] * (p[i] - p[i - 1]) + west[i + 1] * (p[i] - p[i + 1]) + in_plane(i);
    out[0] = west[0] * p[0] + west[1] * (nx > 1 ? p[0] - p[1] : p[0]) + in_plane(0);
    if (nx > 1)
      out[nx - 1] = west[nx - 1] * (p[nx - 1] - p[nx - 2]) + west[nx] * p[nx - 1] + in_plane(nx - 1);
  }
  if (a.well != nullptr) {
    const double* well = a.well + n * nx;
#pragma omp simd
    for (Index i = 0; i < nx; ++i) out[i] += well[i] * p[i];
  }
}

void apply(const Transmissibilities& a, const double* x, double* y) {
  for (Index k = 0; k < a.grid.nz; ++k) {
    for (Index j = a.grid.begin; j < a.grid.end; ++j) apply_row(a, j, k, x, y);
  }
}

template <typename T>
void load_row(Index nx, double factor, const double* from, T* to, Index half) {
#pragma omp simd
  for (Index i = 0; i < nx / 2; ++i) {
    to[i] = static_cast<T>(factor * from[2 * i]);
    to[half + i] = static_cast<T>(factor * from[2 * i + 1]);
  }
  if (nx % 2 == 1) to[nx / 2] = static_cast<T>(factor * from[nx - 1]);
}

template <typename T>
void load(const RowsOf& g, double factor, const double* r, const SplitRows<T>& to) {
  for (Index k = 0; k < g.nz; ++k) {
    for (Index j = g.begin; j < g.end; ++j)
      load_row(g.nx, factor, r + (k * g.ny + j) * g.nx, to.row(j, k), to.half);
  }
}

template <typename T>
void unload(const RowsOf& g, double factor, const SplitRows<T>& from, double* z) {
  for (Index k = 0; k < g.nz; ++k) {
    for (Index j = g.begin; j < g.end; ++j) {
      const T* x = from.row(j, k);
      double* to = z + (k * g.ny + j) * g.nx;
#pragma omp simd
      for (Index i = 0; i < g.nx / 2; ++i) {
        to[2 * i] = factor * static_cast<double>(x[i]);
        to[2 * i + 1] = factor * static_cast<double>(x[from.half + i]);
      }
      if (g.nx % 2 == 1) to[g.nx - 1] = factor * static_cast<double>(x[g.nx / 2]);
    }
  }
}

template <typename T>
Products products(const RowsOf& g, const SplitRows<T>& b, const SplitRows<T>& x, double mean) {
  Products sum;
  for (Index j = g.begin; j < g.end; ++j) {
    for (Index k = 0; k < g.nz; ++k) {
      for (Index parity = 0; parity < 2; ++parity) {
        const T* from = b.row(j, k) + parity * b.half;
        const T* to = x.row(j, k) + parity * x.half;
        const Index size = (g.nx + 1 - parity) / 2;
        double bz = 0;
        double zz = 0;
        double z = 0;
#pragma omp simd reduction(+ : bz, zz, z)
        for (Index i = 0; i < size; ++i) {
          const auto value = static_cast<double>(to[i]);
          const double centred = value != 0 ? value - mean : 0;
          bz += static_cast<double>(from[i]) * centred;
          zz += centred * centred;
          z += value;
        }
        sum.bz += bz;
        sum.zz += zz;
        sum.z += z;
      }
    }
  }
  return sum;
}

// x += step p, p = factor z + keep p for one row.
template <typename T>
inline void direct_row(Index nx, const T* z, Index half, double factor, double keep, double step, double* x,
                       double* p) {
  if (keep == 0) {
#pragma omp simd
    for (Index i = 0; i < nx / 2; ++i) {
      p[2 * i] = factor * static_cast<double>(z[i]);
      p[2 * i + 1] = factor * static_cast<double>(z[half + i]);
    }
    if (nx % 2 == 1) p[nx - 1] = factor * static_cast<double>(z[nx / 2]);
    return;
  }
#pragma omp simd
  for (Index i = 0; i < nx / 2; ++i) {
    const double even = p[2 * i];
    const double odd = p[2 * i + 1];
    x[2 * i] += step * even;
    x[2 * i + 1] += step * odd;
    p[2 * i] = factor * static_cast<double>(z[i]) + keep * even;
    p[2 * i + 1] = factor * static_cast<double>(z[half + i]) + keep * odd;
  }
  if (nx % 2 == 1) {
    x[nx - 1] += step * p[nx - 1];
    p[nx - 1] = factor * static_cast<double>(z[nx / 2]) + keep * p[nx - 1];
  }
}

// The new direction runs one row, in a volume one layer, ahead of the operator.
template <typename T>
double direction(const Transmissibilities& a, const SplitRows<T>& z, double factor, double keep, double step,
                 double* x, double* p, double* q) {
  const RowsOf& g = a.grid;
  const Index first = g.begin > 0 ? g.begin - 1 : 0;
  const Index width = (g.end < g.ny ? g.end + 1 : g.end) - first;
  Index directed = 0;  // rows
  const auto direct_to = [&](Index rows) {
    for (; directed < rows && directed < width * g.nz; ++directed) {
      const Index j = first + directed % width;
      const Index k = directed / width;
      const Index at = (k * g.ny + j) * g.nx;
      direct_row(g.nx, z.row(j, k), z.half, factor, keep, step, x + at, p + at);
    }
  };
  double pq = 0;
  for (Index k = 0; k < g.nz; ++k) {
    for (Index j = g.begin; j < g.end; ++j) {
      direct_to((g.nz > 1 ? (k + 1) * width : 1) + j - first + 1);
      apply_row(a, j, k, p, q);
      const double* from = p + (k * g.ny + j) * g.nx;
      const double* to = q + (k * g.ny + j) * g.nx;
      double sum = 0;
#pragma omp simd reduction(+ : sum)
      for (Index i = 0; i < g.nx; ++i) sum += from[i] * to[i];
      pq += sum;
    }
  }
  return pq;
}

template <typename T>
double residual(const RowsOf& g, double step, const double* q, double factor, double* r,
                const SplitRows<T>& b) {
  double rr = 0;
  for (Index k = 0; k < g.nz; ++k) {
    for (Index j = g.begin; j < g.end; ++j) {
      const Index at = (k * g.ny + j) * g.nx;
      double* own = r + at;
      const double* take = q + at;
      double sum = 0;
#pragma omp simd reduction(+ : sum)
      for (Index i = 0; i < g.nx; ++i) {
        own[i] -= step * take[i];
        sum += own[i] * own[i];
      }
      rr += sum;
      load_row(g.nx, factor, own, b.row(j, k), b.half);
    }
  }
  return rr;
}

double sum_of_squares(const RowsOf& g, const double* x) {
  double all = 0;
  for (Index k = 0; k < g.nz; ++k) {
    const double* from = x + (k * g.ny + g.begin) * g.nx;
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index i = 0; i < (g.end - g.begin) * g.nx; ++i) sum += from[i] * from[i];
    all += sum;
  }
  return all;
}

}  // namespace

template <typename T>
constexpr KrylovKernelsIn<T> kKrylov{load<T>, unload<T>, products<T>, direction<T>, residual<T>};

extern const KrylovKernels krylov_table;
const KrylovKernels krylov_table{apply, sum_of_squares, kKrylov<float>, kKrylov<double>};

}  // namespace mano::MANO_INSTRUCTIONS
