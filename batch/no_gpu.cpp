// Stands in for batch/on_gpu.cu where CUDA was not built.
#include "batch/sample_maker.hpp"
#include "core/error.hpp"

namespace mano {

std::unique_ptr<SampleMaker> samples_on_gpu(const BatchRequest&, int, const BatchLaunch&) {
  throw MissingPart(
      "this mano was built without CUDA: build it with 'scripts/build cuda', or pass --device cpu");
}

}  // namespace mano
