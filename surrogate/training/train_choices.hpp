#pragma once
// What a training decides before it begins: whether the request can be met, and what it leaves open, chosen by the data. Private to
// surrogate/.

#include "surrogate/training/train_data.hpp"
#include "surrogate/training/train_request.hpp"

namespace mano {

struct TrainChoices {
  bool refines = false;        ///< whether a refinement is trained after the base
  bool residual_form = false;  ///< whether it sees the equation's own residual
  int coarsening = 1;          ///< of the network's grid against the data's
  int correction_steps = 1;    ///< of the refinement, unrolled
  int cycles = 1;              ///< of the hierarchy

  /// The base's, where time is limited: on a coarse grid the network costs little, and the refinement has more to do.
  double base_share_of_time() const { return !refines ? 1.0 : coarsening == 1 ? 0.75 : 0.25; }
};

/// Throws InvalidInput for options out of their range, whatever the data.
void check_request(const TrainRequest& request);

/// Throws InvalidInput where the data do not allow what the request asks for.
TrainChoices choose(const TrainRequest& request, const TrainData& data);

}  // namespace mano
