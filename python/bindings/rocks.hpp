#pragma once
// Permeabilities that come as arrays, for trained models.

#include "arrays.hpp"
#include "datagen/dataset.hpp"
#include "surrogate/checkpoint/model_card.hpp"

namespace mano::python {

/// [N, ny, nx], and active cells of each, or of all.
struct Rocks {
  In<double, 3> k;
  std::optional<In<std::uint8_t, 3>> active;
  Grid grid;

  /// Throws InvalidInput for inactive cells that the model does not take, or that have another shape.
  Rocks(const ModelCard& card, In<double, 3> permeability, std::optional<In<std::uint8_t, 3>> mask,
        const std::pair<double, double>& size)
      : k(permeability), active(mask), grid(grid_of(k, size)) {
    card.check_takes_inactive(active.has_value(), "active");
    check(!active || ((active->shape(0) == 1 || active->shape(0) == k.shape(0)) &&
                      active->shape(1) == k.shape(1) && active->shape(2) == k.shape(2)),
          "active must have the shape of the permeability");
  }

  std::size_t count() const { return k.shape(0); }
  Sample sample(std::size_t i) const {
    Sample s;
    s.number = i;
    s.permeability = field_of(k.data() + i * grid.cells(), grid);
    if (active) s.active = mask_of(active->data() + (active->shape(0) == 1 ? 0 : i * grid.cells()), grid);
    check_permeability(s.permeability, fmt::format("permeability {}", i), s.active);
    return s;
  }
};

/// The field's values at the end of `all`, not a number in inactive cells.
inline void append(std::vector<double>& all, const Field& field, const CellMask& active) {
  all.resize(all.size() + field.values.size());
  store(field, active, all.data() + (all.size() - field.values.size()));
}

}  // namespace mano::python
