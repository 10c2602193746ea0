#pragma once
// The twin of overlapping_attention (surrogate/kernels/attention.hpp): plain loops over windows with double sums, never tuned,
// sharing no code with the fast form. Every K x K window with origin a multiple of the stride and wholly inside attends
// within itself; the outputs of the windows that hold a token are averaged; a token that no window holds gets 0.

#include <vector>

#include "surrogate/kernels/attention_shape.hpp"

namespace mano {

/// q, k, v and the result: [B, H, W, h, d].
std::vector<double> overlapping_attention_reference(const AttentionShape& shape, const std::vector<double>& q,
                                                    const std::vector<double>& k,
                                                    const std::vector<double>& v);

}  // namespace mano
