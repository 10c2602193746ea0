#pragma once
// One multigrid V-cycle for the matrix of solver/stencil.hpp, as a symmetric positive preconditioner.
//
//   coarse grid     every second cell, in the direction of strong coupling alone while one direction dominates
//   interpolation   x_g = (T_w x_w + T_e x_e) / (T_w + T_e + excess): the equation of the cell, summed across the direction,
//                   so that the flux T dp/dx, not the slope dp/dx, is continuous where the permeability jumps
//   coarse matrix   P^T A P, nine points
//   smoother        Gauss-Seidel, red-black on five points and in four colours on nine, backwards after the correction
//
// In a volume whole columns take the place of points:
//
//   coarse grid     every second column in x, in y or in both, as strongly as they couple; layers are never left out
//   interpolation   x_g = l x_w + u x_e, with the column's own equations solved for neighbours that are constant along it: where layers
//                   couple strongly all take one weight, where weakly each its own
//   coarse matrix   P^T A P within layers; between layers the sum of what is taken in, without coupling across
//   smoother        Gauss-Seidel by columns: each solved exactly, so that thin layers, which couple strongly, cost nothing
//
// after J. E. Dendy, Black box multigrid, J. Comput. Phys. 48 (1982), and R. E. Alcouffe et al., The multi-grid method for the
// diffusion equation with strongly discontinuous coefficients, SIAM J. Sci. Stat. Comput. 2 (1981), here with the
// interpolation taken one direction after the other. In single precision where contrasts allow: a preconditioner need not
// be accurate, and half the bytes are half the time.
//
// Several ranks may share a grid in slabs of rows (solver/row_share.hpp): the cycle is that of one rank but for rounding.

#include <memory>

#include "solver/stencil.hpp"

namespace mano {

template <typename T>
struct CycleVectors;  // solver/split_rows.hpp
struct RowShare;
class SharingRanks;

class Multigrid {
 public:
  Multigrid();
  ~Multigrid();
  Multigrid(Multigrid&&) noexcept;
  Multigrid& operator=(Multigrid&&) noexcept;

  enum class Precision { single, double_ };
  /// Single precision knows no differences below 1e-7 of the largest flow.
  static Precision precision_for(const Range& permeability) {
    return permeability.most / permeability.least < 1e7 ? Precision::single : Precision::double_;
  }
  /// Sets up the hierarchy for `stencil`; memory of an earlier one of the same shape is used again.
  void set_up(const Stencil& stencil, Precision precision);
  /// The same of the rows that this rank holds: `rows` is the stencil of those, `free` whether nothing holds a constant in the whole grid, not
  /// even what a bore adds to the diagonal. `ranks` must outlive the cycles. Collective, and so are the cycles.
  void set_up(const Stencil& rows, Precision precision, bool free, const RowShare& share,
              const SharingRanks& ranks);
  /// Rows that a rank must hold beside its own.
  static int halo(const Grid& grid);
  /// z = B r, one cycle from 0; r and z [nz, ny, nx]. Returns |r|.
  double apply(const double* r, double* z);

  int levels() const;

  /// For conjugate gradients: the vectors of the finest level, in the precision that was set up, and one cycle from b to x. Where ranks share the
  /// grid, b counts in the rows that are owned, and x is right in these and in those next to them.
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
