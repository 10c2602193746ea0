#pragma once
// A small network that adds to an interpolated pressure what the finer coefficient says of it, or to an error what its equation says;
// one network for all grids of the hierarchy (docs/mano.md). With p the interpolated pressure, d its defect
// (surrogate/multigrid/darcy_operator.hpp), s = rms d:
//
//   p <- p + g s R(shares, d / s)           g: rms of the error over rms of the defect in training, a constant
//
// Zero defect, zero correction; the same for k and c k, for a domain of any size and for cells of any shape, since D^-1 A, the
// shares of the faces, is all that it sees of them. Where the equation is not recorded, d is that of f = 0 and no flow through the
// boundary: the part of the equation that the coefficient alone decides. Private to surrogate/ and its tests.

#include <torch/types.h>

#include <string>

#include "surrogate/checkpoint/model_card.hpp"
#include "surrogate/multigrid/darcy_operator.hpp"
#include "surrogate/networks/network.hpp"

namespace mano {

/// Whether a model trained on such data can have the equation's own defect.
bool knows_equation(const std::string& problem_name, Location location);

/// The problem whose operator the defect is taken from: the data's own, or one without source and flow.
KnownProblem problem_for_defect(const ModelCard& card);

/// shares [N, 5, H, W] and defect [N, 1, H, W] -> correction [N, 1, H, W] in the network's type.
torch::Tensor correction(const Network& network, const torch::Tensor& shares, const torch::Tensor& defect,
                         double gain, Precision precision = Precision::full);

/// pressure [N, 1, H, W] and a correction of it, 0 in inactive cells and with `safe` no longer than safe_length() says; float64. Without
/// gradients in few passes over the cells, to rounding the same.
torch::Tensor corrected(const Network& network, const DarcyOperator& darcy, const torch::Tensor& pressure,
                        double gain, bool safe);

}  // namespace mano
