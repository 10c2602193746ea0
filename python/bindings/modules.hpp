#pragma once
// The parts of the extension module mano._core.

#include <nanobind/nanobind.h>

namespace mano::python {

namespace nb = nanobind;

void bind_setup(nb::module_& m);
void bind_solving(nb::module_& m);
void bind_samples(nb::module_& m);
void bind_datasets(nb::module_& m);

}  // namespace mano::python
