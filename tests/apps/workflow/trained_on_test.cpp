#include "apps/workflow/trained_on.hpp"

#include <gtest/gtest.h>

namespace mano {
namespace {

using nlohmann::json;

TEST(TrainedOn, IsTheSameFieldSeedAndNumber) {
  ModelCard card;
  const json training{{"field", "two-phase"}, {"phases", {3.0, 12.0}}, {"seed", 4u},
                      {"first", 100u},        {"samples", 50u},        {"setup", "drive"}};
  card.data_configuration = training.dump();
  const json same{{"field", "two-phase"}, {"phases", {3.0, 12.0}}, {"seed", 4u}};
  EXPECT_TRUE(trained_on(card, same, 100));
  EXPECT_TRUE(trained_on(card, same, 149));
  EXPECT_FALSE(trained_on(card, same, 99));
  EXPECT_FALSE(trained_on(card, same, 150));
  for (const auto& [key, value] : std::initializer_list<std::pair<const char*, json>>{
           {"seed", 5u}, {"phases", {1.0, 12.0}}, {"field", "lognormal"}, {"mean", 0.0}}) {
    json other = same;
    other[key] = value;
    EXPECT_FALSE(trained_on(card, other, 120)) << key;
  }
}

TEST(TrainedOn, KnowsNothingOfDataWithoutASeed) {
  ModelCard card;
  for (const char* configuration : {"", "{}", "[1]", "{\"field\": \"file\"}"}) {
    card.data_configuration = configuration;
    EXPECT_FALSE(trained_on(card, json::object(), 0)) << configuration;
  }
}

}  // namespace
}  // namespace mano
