#pragma once
// One multigrid V-cycle for the seven-point matrix of solver/stencil.hpp in three dimensions, as a symmetric positive preconditioner.
// Robust for cells of any aspect and for layers of any contrast:
//
//   smoother        Gauss-Seidel by vertical lines, each solved exactly: red-black on five points a layer, four colours on nine;
//                   one step before the correction, one after it in the opposite order
//   coarse grid     every second column, in x or y alone while one of them dominates; all layers stay. So strong vertical coupling
//                   is the lines', and weak one leaves a multigrid in each layer. Down to one column, which is solved.
//   interpolation   by layer; the weights of a line solve its equation, the vertical part included, for neighbours constant along z
//   coarse matrix   P^T A P within layers, nine points; between layers its lumped sum, which couples a column with itself alone
//
// Line relaxation with coarsening in the plane is from J. E. Dendy et al., Multigrid methods for three-dimensional petroleum reservoir
// simulation, SPE 18409 (1989), and S. Schaffer, A semicoarsening multigrid method for elliptic partial differential equations with
// highly discontinuous and anisotropic coefficients, SIAM J. Sci. Comput. 20 (1998); the interpolation from Dendy (solver/multigrid.hpp).

#include <memory>

#include "solver/multigrid.hpp"
#include "solver/split_rows.hpp"

namespace mano {

class VolumeMultigrid {
 public:
  VolumeMultigrid();
  ~VolumeMultigrid();
  VolumeMultigrid(VolumeMultigrid&&) noexcept;
  VolumeMultigrid& operator=(VolumeMultigrid&&) noexcept;

  /// Sets up the hierarchy for `stencil`, bores as wells of given pressure; memory of an earlier one of the same shape is used again.
  void set_up(const Stencil& stencil, Multigrid::Precision precision);
  /// z = B r, one cycle from 0; r and z [nz, ny, nx]. Returns |r|.
  double apply(const double* r, double* z);

  int levels() const;

  /// For conjugate gradients: the vectors of the finest level, in the precision that was set up, and one cycle from b to x.
  bool in_single_precision() const;
  template <typename T>
  CycleVectors<T> vectors() const;
  void cycle();

  /// Bytes for a grid, at most.
  static double memory(const Grid& grid);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mano
