#pragma once
// What is around a network that corrects a pressure (surrogate/multigrid/refinement.hpp), without gradients: its input from the defect of
// a five-point equation, and its output added at a safe length. As Torch operators these are fifty passes over the cells; here they are
// five. On a CPU correction_kernels.cpp, on a GPU cuda_correction.cu. Private to surrogate/ and its tests.

#include <cstdint>

#include "core/host_device.hpp"

namespace mano {

/// Equations A p = f of some samples on one grid, all float64 and without gaps:
///
///   (A p)_c = sum over the faces of T (p_c - p_neighbour),   p = 0 beyond the grid
struct FivePoint {
  std::int64_t samples, ny, nx;
  const double* left_right;       ///< [N, ny, nx + 1], T of the faces across x
  const double* below_above;      ///< [N, ny + 1, nx], of those across y
  const double* diagonal;         ///< [N, ny, nx], D: the sum of a cell's four
  const double* right_hand_side;  ///< [N, ny, nx], f
  const double* part;             ///< [N, ny, nx], 0 in inactive cells; null where there are none

  MANO_BOTH std::int64_t cells() const { return ny * nx; }
};

inline constexpr int kShares = 5;                      ///< DarcyOperator::shares()
inline constexpr int kCorrectionInputs = kShares + 1;  ///< and the defect

/// A step is gain * size * output, 0 in inactive cells. With `safe`, where the whole step would raise the energy e . A e of the error e,
/// that length of it which lessens it most.
struct Step {
  double gain;
  const double* size;  ///< [N]; null: 1
  bool safe;
};

// `residual` [N, ny, nx] is f - A p; `size` [N] is rms(residual / D). Same answers in whatever batch a sample is, and however many threads.

void residual_of(const FivePoint& e, const double* p, double* residual);
/// residual and size of p, and input [N, 6, ny, nx]: 4 shares - 1, residual / D / size. `shares` is [N, 5, ny, nx].
void ask_for_correction(const FivePoint& e, const double* shares, const double* p, double* residual,
                        double* size, float* input);
/// p [N, ny, nx] += the step that `output` [N, ny, nx], float or double, gives.
template <typename S>
void add_step(const FivePoint& e, const double* residual, const Step& step, const S* output, double* p);

// On a CUDA device, on Torch's current stream. `scratch`: cuda_correction_scratch(e) numbers. Throw RunFailed for an error of the device,
// MissingPart where CUDA was not built.
std::int64_t cuda_correction_scratch(const FivePoint& e);
void cuda_residual_of(const FivePoint& e, const double* p, double* residual);
void cuda_ask_for_correction(const FivePoint& e, const double* shares, const double* p, double* residual,
                             double* size, float* input, double* scratch);
template <typename S>
void cuda_add_step(const FivePoint& e, const double* residual, const Step& step, const S* output, double* p,
                   double* scratch);

}  // namespace mano
