#pragma once
// Arrays of several problems, taken problem by problem.

#include <array>
#include <optional>

#include "arrays.hpp"
#include "setup.hpp"

namespace mano::python {

/// [N, nz, ny, nx]; nz is 1 in flat grids. What is given beside the permeability is one for each problem, or one for all.
struct Batch {
  Fields k;
  std::optional<Masks> active;
  std::optional<Fields> source, permeability_y, permeability_z;
  Grid grid;
  const Setup& setup;

  Batch(const Setup& s, const Fields& permeability, std::optional<Masks> mask, std::optional<Fields> f,
        std::optional<Fields> ky, std::optional<Fields> kz, const Size& size)
      : k(permeability),
        active(mask),
        source(f),
        permeability_y(ky),
        permeability_z(kz),
        grid(grid_of(k, size)),
        setup(s) {
    const auto fits = [&](const auto& other, const char* name) {
      if (!other) return;
      const auto shape = [](const auto& a) {
        return a.shape(1) == 1
                   ? fmt::format("[{}, {}, {}]", a.shape(0), a.shape(2), a.shape(3))
                   : fmt::format("[{}, {}, {}, {}]", a.shape(0), a.shape(1), a.shape(2), a.shape(3));
      };
      check((other->shape(0) == 1 || other->shape(0) == k.shape(0)) && other->shape(1) == k.shape(1) &&
                other->shape(2) == k.shape(2) && other->shape(3) == k.shape(3),
            "{} has the shape {}, the permeability {}: expected the same, or one for all", name,
            shape(*other), shape(k));
    };
    fits(active, "active");
    fits(source, "source");
    fits(permeability_y, "permeability_y");
    fits(permeability_z, "permeability_z");
    check(!permeability_z || !grid.flat(), "permeability_z is for volumes, the grid is {}",
          grid.resolution());
  }

  int count() const { return static_cast<int>(k.shape(0)); }
  Problem problem(int i) const {
    const std::uint8_t* mask = at(active, i);
    return setup.problem(field_of(k.data() + i * grid.cells(), grid),
                         mask == nullptr ? CellMask{} : mask_of(mask, grid), at(source, i),
                         at(permeability_y, i), at(permeability_z, i));
  }

 private:
  template <typename Array>
  const typename Array::Scalar* at(const std::optional<Array>& array, int i) const {
    return array ? array->data() + (array->shape(0) == 1 ? 0 : i * grid.cells()) : nullptr;
  }
};

}  // namespace mano::python
