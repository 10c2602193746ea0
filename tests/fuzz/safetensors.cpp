// A checkpoint: its tensors, and the model card in its metadata.
#include "surrogate/checkpoint/safetensors.hpp"

#include "surrogate/checkpoint/model_card.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  mano::fuzz::limit_memory();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const mano::fuzz::InputFile input("input.safetensors");
  input.write(data, size);
  mano::fuzz::expect_read_or_refused([&] {
    const mano::SafetensorsFile file = mano::read_safetensors(input.path());
    std::size_t bytes = 0;
    for (const auto& [name, tensor] : file.tensors) bytes += tensor.bytes.size();
    if (bytes > size) std::abort();  // more than the file holds
    mano::card_from_metadata(file.metadata, "input");
  });
  return 0;
}
