#pragma once
// RUN/config.toml: every option of a training as it took effect, so that `mano train --config RUN/config.toml -o OTHER` repeats it.

#include "apps/workflow/fresh_samples.hpp"
#include "surrogate/training/train_request.hpp"

namespace mano {

void write_effective_config(const TrainRequest& request, const FreshOptions& fresh);

}  // namespace mano
