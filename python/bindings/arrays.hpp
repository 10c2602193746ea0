#pragma once
// NumPy arrays as fields and back. Arrays of other types and strides have become contiguous float64 before (nanobind converts them).

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/cell_mask.hpp"
#include "core/error.hpp"
#include "core/field.hpp"

namespace mano::python {

namespace nb = nanobind;

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

inline Grid grid_of(std::size_t ny, std::size_t nx, const std::pair<double, double>& size) {
  const Resolution resolution{static_cast<int>(nx), static_cast<int>(ny)};
  check(is_supported(resolution), "an array of [{}, {}] is no field: expected [ny, nx], at least one cell",
        ny, nx);
  check(size.first > 0 && size.second > 0, "size is ({:g}, {:g}); both lengths must be above zero",
        size.first, size.second);
  return {resolution.nx, resolution.ny, size.first, size.second};
}

inline Field field_of(const double* values, const Grid& grid) {
  Field field;
  field.grid = grid;
  field.values.assign(values, values + grid.cells());
  return field;
}

inline CellMask mask_of(const std::uint8_t* values, const Grid& grid) {
  CellMask mask{grid, {values, values + grid.cells()}};
  if (mask.inactive() == 0) mask.values.clear();
  return mask;
}

/// [ny, nx], the last two axes of an array.
template <int axes, typename T>
Grid grid_of(const In<T, axes>& array, const std::pair<double, double>& size) {
  return grid_of(array.shape(axes - 2), array.shape(axes - 1), size);
}

}  // namespace mano::python
