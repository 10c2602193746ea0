#include "surrogate/checkpoint/model_card.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace mano {
namespace {

std::map<std::string, std::string> sample() {
  ModelCard card;
  card.resolutions = {{32, 16}};
  card.calibrations = {{{32, 16}, 11, 0.05, 0.06}};
  card.coefficients.fields = 11;
  card.data = {{"d.h5", "c429", 220}};
  card.epoch = 3;
  return to_metadata(card);
}

// Of the sample with `to` in place of `from`; nothing where it is read.
std::string error(const std::string& key, const std::string& from, const std::string& to) {
  auto metadata = sample();
  std::string& text = metadata.at(key);
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from << " in " << text;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  try {
    card_from_metadata(metadata, "m.safetensors");
  } catch (const InvalidInput& e) {
    return e.what();
  }
  return "";
}

TEST(ModelCard, SaysTheSameAgain) {
  EXPECT_EQ(to_metadata(card_from_metadata(sample(), "m.safetensors")), sample());
}

// Found by fuzzing: nlohmann makes an int of 1e99, 2.5 and 4294967328.
TEST(ModelCard, TakesWholeNumbersThatFit) {
  for (const char* bad : {"1e99", "2.5", "4294967328", "18446744073709551615", "true", "null", "[3]"}) {
    const std::string number(bad);
    for (const auto& [key, from, to] : {std::tuple("architecture", "\"dim\":32", "\"dim\":" + number),
                                        std::tuple("architecture", "\"window\":2", "\"window\":" + number),
                                        std::tuple("training", "\"epoch\":3", "\"epoch\":" + number),
                                        std::tuple("training", "[[32,16]]", "[[32," + number + "]]"),
                                        std::tuple("calibration", "[32,16]", "[" + number + ",16]")}) {
      const std::string text = error(key, from, to);
      EXPECT_EQ(text.find("m.safetensors: "), 0u) << to << " -> " << text;
    }
  }
  for (const char* bad : {"-1", "1e99", "18446744073709551616"}) {
    EXPECT_NE(error("training", "\"samples\":220", std::string("\"samples\":") + bad), "") << bad;
    EXPECT_NE(error("coefficients", "\"fields\":11", std::string("\"fields\":") + bad), "") << bad;
  }
}

}  // namespace
}  // namespace mano
