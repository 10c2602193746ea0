#pragma once
// Muon: momentum, made orthonormal. A weight that is a matrix W [r, c] takes the step
//   M = beta M + (1 - beta) G,   U = beta M + (1 - beta) G             momentum of the gradient G, and Nesterov's look ahead
//   W = W - rate (0.2 sqrt(max(r, c)) orthonormal(U) + decay W)
// in place of AdamW's. All singular values of a step are alike, so a direction that the gradients seldom point to is learned as fast
// as one that they often point to. The factor gives a step's numbers the size that AdamW's have, so both take the same rates.
// Jordan and others, "Muon: an optimizer for hidden layers in neural networks" (2024); the factor and the decay: Liu and others, arXiv
// 2502.16982, equation 4. Private to surrogate/ and its tests.

#include <torch/types.h>

namespace mano::muon {

inline constexpr double kMomentum = 0.95;

/// Whether a weight of this shape is one matrix or several:
///   [r, c]                  one
///   [r, c, kernel...]       a convolution's kernel: one, [r, c * kernel]
///   [r, c, modes..., 2]     of five dimensions, an FNO's: a complex one for each mode
/// All others stay with AdamW: biases, norms, depthwise kernels, and what is narrower than 8.
bool has_matrices(torch::IntArrayRef shape);

/// k weights of one shape, [k, shape...], as their matrices [n, r, c], and back. A view or a copy.
torch::Tensor matrices(const torch::Tensor& weights);
torch::Tensor weights_of(const torch::Tensor& matrices, torch::IntArrayRef stacked_shape);

/// Nearly U (U^H U)^(-1/2) of every matrix U [n, r, c]: five steps of Newton-Schulz' iteration with coefficients that bring singular values from
/// 1e-3 of the norm upwards into (0.6, 1.3). A matrix of zeros stays one.
torch::Tensor orthonormal(const torch::Tensor& matrices);

/// 0.2 sqrt(max(r, c)): what a step is multiplied by.
double step_size(const torch::Tensor& matrices);

}  // namespace mano::muon
