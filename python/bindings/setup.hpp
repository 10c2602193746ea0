#pragma once
// What drives the flow, for permeabilities that come as arrays.

#include <optional>
#include <string>
#include <vector>

#include "apps/options/flow_options.hpp"
#include "apps/options/unit_options.hpp"
#include "arrays.hpp"

namespace mano::python {

/// The options of the program (apps/options/flow_options.hpp), and in place of its files arrays.
class Setup {
 public:
  Setup(const FlowOptions& flow, const UnitOptions& units);

  const FlowSource& flow() const { return flow_; }
  const FlowOptions& options() const { return options_; }
  const UnitOptions& unit_options() const { return unit_options_; }

  /// Source and permeability along y and z replace those of the options where they are given.
  Problem problem(Field permeability, CellMask active, const double* source = nullptr,
                  const double* permeability_y = nullptr, const double* permeability_z = nullptr) const;

 private:
  FlowOptions options_;
  UnitOptions unit_options_;
  FlowSource flow_;
};

/// Options of a field name files by their rock's file; an array has none.
const FieldSource& no_file();

void bind_setup(nb::module_& m);

}  // namespace mano::python
