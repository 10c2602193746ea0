#pragma once
// mano generate where samples come many at once (batch/sample_maker.hpp): the shards, checks and files of datagen/generator.hpp.

#include <functional>
#include <memory>

#include "batch/sample_maker.hpp"
#include "datagen/generator.hpp"

namespace mano {

/// Makes the shards that are missing, in this process alone. `maker_of` is called once for each grid of the request. Every sample
/// is checked once more on the host, as verified_solve() does: true residual, maximum principle. Throws as generate_shards() does.
GenerateTimes generate_in_batches(const GenerateRequest& request,
                                  const std::function<std::unique_ptr<SampleMaker>(const Grid&)>& maker_of,
                                  const std::function<void(std::size_t finished)>& progress);

}  // namespace mano
