#pragma once
// NumPy arrays as fields and back. Arrays of other types and strides have become contiguous float64 before (nanobind converts them).

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "core/cell_mask.hpp"
#include "core/error.hpp"
#include "core/field.hpp"

namespace mano::python {

namespace nb = nanobind;

// As Python's type checkers are told of them.
using Tuple = nb::typed<nb::tuple, nb::any, nb::ellipsis>;
using List = nb::typed<nb::list, nb::any>;
using Dict = nb::typed<nb::dict, nb::str, nb::any>;

template <typename T, int axes>
using In = nb::ndarray<const T, nb::ndim<axes>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Out = nb::ndarray<nb::numpy, T>;

/// The array takes the vector's memory over.
template <typename T>
Out<T> give(std::vector<T> values, std::initializer_list<std::size_t> shape) {
  auto* kept = new std::vector<T>(std::move(values));
  nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return Out<T>(kept->data(), shape, owner);
}

using Fields = In<double, 4>;        ///< [N, nz, ny, nx], nz is 1 where they are flat
using Masks = In<std::uint8_t, 4>;   ///< the same, 0 and 1
using Size = std::array<double, 3>;  ///< (lx, ly, lz), lz is 1 where it is flat

inline Grid grid_of(std::size_t nz, std::size_t ny, std::size_t nx, const Size& size) {
  const Resolution r{static_cast<int>(nx), static_cast<int>(ny), static_cast<int>(nz)};
  check(is_supported(r),
        "an array of {} cells is no field: expected [ny, nx] or [nz, ny, nx], at least one cell",
        static_cast<double>(nz) * ny * nx);
  check(size[0] > 0 && size[1] > 0 && size[2] > 0, "size is ({:g}, {:g}{}); lengths must be above zero",
        size[0], size[1], nz == 1 ? "" : fmt::format(", {:g}", size[2]));
  Grid grid{r.nx, r.ny, size[0], size[1]};
  grid.nz = r.nz;
  grid.lz = size[2];
  return grid;
}

inline Grid grid_of(const Fields& k, const Size& size) {
  return grid_of(k.shape(1), k.shape(2), k.shape(3), size);
}

/// Array [n, nz, ny, nx] of a grid's values.
template <typename T>
Out<T> give_fields(std::vector<T> values, const Grid& grid) {
  const std::size_t n = values.size() / grid.cells();
  return give(std::move(values), {n, static_cast<std::size_t>(grid.nz), static_cast<std::size_t>(grid.ny),
                                  static_cast<std::size_t>(grid.nx)});
}

inline Field field_of(const double* values, const Grid& grid) {
  Field field;
  field.grid = grid;
  field.values.assign(values, values + grid.cells());
  return field;
}

/// The field's values, not a number in inactive cells.
template <typename T>
void store(const Field& field, const CellMask& active, T* to) {
  for (std::size_t c = 0; c < field.values.size(); ++c)
    to[c] = active[c] ? static_cast<T>(field.values[c]) : std::numeric_limits<T>::quiet_NaN();
}

inline CellMask mask_of(const std::uint8_t* values, const Grid& grid) {
  CellMask mask{grid, {values, values + grid.cells()}};
  if (mask.inactive() == 0) mask.values.clear();
  return mask;
}

/// Of flat fields [N, ny, nx].
inline Grid grid_of(const In<double, 3>& k, const std::pair<double, double>& size) {
  return grid_of(1, k.shape(1), k.shape(2), {size.first, size.second, 1.0});
}

}  // namespace mano::python
