// mano._core: solver, generator and datasets. No Torch, and PETSc only where mano's own multigrid does not suffice.

#include "apps/samples/petsc_reserve.hpp"
#include "core/version.hpp"
#include "errors.hpp"
#include "modules.hpp"

NB_MODULE(_core, m) {
  using namespace mano::python;
  nanobind::set_leak_warnings(false);  // what torch and caches hold when Python ends is no leak
  translate_errors();
  bind_setup(m);
  bind_solving(m);
  bind_differentiable(m);
  bind_samples(m);
  bind_datasets(m);
  bind_displacement(m);
  m.attr("version") = mano::kVersion;
  m.attr("torch_version") = mano::kTorchVersion;
  m.def("petsc_is_running", &mano::petsc_is_running);
}
