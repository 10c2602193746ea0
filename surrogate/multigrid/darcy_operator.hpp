#pragma once
// The solver's two-point flux discretisation (solver/stencil.hpp) for a batch of permeabilities as tensors, where the problem's data
// are known by its name: what a prediction leaves of the equation. Private to surrogate/ and its tests.
//
// Faces, product and mean are those of the solver's loops once more: batches of tensors, on a GPU too, and gradients through them have
// no use for loops over arrays, and surrogate/ goes without PETSc. A test compares the two. Where no gradient is asked for, the products
// are loops and kernels after all (surrogate/kernels/correction_kernels.hpp).
//
//   (A p)_c = sum over faces of T (p_c - p_neighbour),   defect d = (rhs - A p) / D,   D = diagonal of A
//
// The defect of a prediction p is in units of pressure; the error e = p_true - p obeys D^-1 A e = d.

#include <torch/types.h>

#include <memory>

#include "core/field.hpp"
#include "core/known_problem.hpp"
#include "surrogate/kernels/correction_kernels.hpp"

namespace mano {

class DarcyOperator {
 public:
  /// permeability [N, 1, H, W] on `grid`, at cells. Everything is in float64. With inactive cells permeability is 0 there, and `part`
  /// [N, 1, H, W] what is active of each cell (surrogate/multigrid/grid_transfer.hpp): their faces are closed, D is 1, and a source
  /// counts in the active part alone.
  DarcyOperator(const torch::Tensor& permeability, const Grid& grid, const KnownProblem& problem,
                const torch::Tensor& part = {});

  torch::Tensor apply(const torch::Tensor& pressure) const;     ///< A p, [N, 1, H, W]
  torch::Tensor residual(const torch::Tensor& pressure) const;  ///< rhs - A p
  torch::Tensor defect(const torch::Tensor& pressure) const;    ///< (rhs - A p) / D
  /// Of the equation A e = residual that an error e obeys, residual [N, 1, H, W] over a cell.
  DarcyOperator of_error(const torch::Tensor& residual) const;
  const torch::Tensor& diagonal() const { return diagonal_; }  ///< D

  /// Everything that D^-1 A is made of: transmissibilities of the left, right, lower and upper face over D, zero where the face
  /// has no neighbour; and the share of faces with a prescribed pressure. [N, 5, H, W]
  torch::Tensor shares() const;

  // One correction by a network, without gradients (torch::GradMode off): surrogate/kernels/correction_kernels.hpp.

  /// What a network of float32 is asked about a pressure.
  struct Asked {
    torch::Tensor input;     ///< [N, 6, H, W] float32
    torch::Tensor residual;  ///< [N, 1, H, W]
    torch::Tensor size;      ///< [N], rms of the defect
  };
  Asked ask(const torch::Tensor& pressure) const;
  /// pressure + length * gain * size * answer; at most as long as lessens the error's energy most, where `safe`.
  torch::Tensor corrected(const torch::Tensor& pressure, const Asked& asked, const torch::Tensor& answer,
                          double gain, bool safe) const;

  /// `error`, or where that would raise the energy of what is left of A e = rhs, the length of it that lessens it most.
  torch::Tensor safe(const torch::Tensor& error) const;

  const torch::Tensor& right_hand_side() const { return rhs_; }
  const torch::Tensor& part() const {
    return part_;
  }  ///< what is active of each cell; undefined where all is

  /// p with A p = rhs to the relative tolerance, by conjugate gradients preconditioned by D; for small grids. Throws
  /// RunFailed where they do not converge.
  torch::Tensor solve(double relative_tolerance) const;

 private:
  FivePoint five_point() const;
  torch::Tensor shares_of_faces() const;

  torch::Tensor left_right_;   // [N, 1, H, W + 1], transmissibilities of faces
  torch::Tensor below_above_;  // [N, 1, H + 1, W]
  torch::Tensor diagonal_, rhs_, part_;
  std::shared_ptr<torch::Tensor> shares_ =
      std::make_shared<torch::Tensor>();  // once they are asked for without gradients
  bool free_ = false;
};

/// a . b of every sample, [N, 1, 1, 1].
torch::Tensor sum_of_products(const torch::Tensor& a, const torch::Tensor& b);

/// 1, or where the whole step would raise the energy of the error, e . A e, the length that lessens it most: [N, 1, 1, 1].
torch::Tensor safe_length(const DarcyOperator& darcy, const torch::Tensor& step,
                          const torch::Tensor& residual);

/// Every sample's mean taken off, as a pressure is fixed that is free up to a constant; with `part`, where something is active.
torch::Tensor without_mean(const torch::Tensor& pressure, const torch::Tensor& part = {});

/// D^-1 A p from the shares alone: p - sum over faces of share * p_neighbour.
torch::Tensor apply_shares(const torch::Tensor& shares, const torch::Tensor& pressure);

}  // namespace mano
