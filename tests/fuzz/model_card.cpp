// The model card, without the safetensors file around it, so that its JSON is not hidden in strings: a line for each entry, "key value".
// A card that is read must say the same once it is written and read again.
#include "surrogate/checkpoint/model_card.hpp"

#include <sstream>

#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  mano::fuzz::limit_memory();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::istringstream lines(std::string(reinterpret_cast<const char*>(data), size));
  std::map<std::string, std::string> metadata;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t blank = std::min(line.find(' '), line.size());
    metadata[line.substr(0, blank)] = line.substr(std::min(blank + 1, line.size()));
  }
  mano::ModelCard card;
  bool read = false;
  mano::fuzz::expect_read_or_refused([&] {
    card = mano::card_from_metadata(metadata, "input");
    read = true;
  });
  if (!read) return 0;
  card.coarsest();
  const auto written = mano::to_metadata(card);
  if (mano::to_metadata(mano::card_from_metadata(written, "written")) != written) std::abort();
  return 0;
}
