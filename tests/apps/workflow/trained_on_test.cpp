#include "apps/workflow/trained_on.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "core/files.hpp"
#include "temporary_folder.hpp"

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

TEST(TrainedOn, KnowsAllDatasetsAndTheGapsOfMergedOnes) {
  const json drawn{{"field", "two-phase"}, {"seed", 4u}};
  json merged = drawn, other{{"field", "lognormal"}, {"seed", 1u}, {"first", 7u}, {"samples", 2u}};
  merged["ranges"] = json::array({{0u, 10u}, {20u, 5u}});
  merged["samples"] = 15u;
  ModelCard card;
  card.data_configuration = other.dump();
  card.data = {{"a.h5", "1", 2, other.dump()}, {"b.h5", "2", 15, merged.dump()}, {"c.h5", "3", 9}};
  for (const auto& [number, expected] :
       {std::pair(0, true), {9, true}, {10, false}, {19, false}, {20, true}, {24, true}, {25, false}})
    EXPECT_EQ(trained_on(card, drawn, number), expected) << number;
  EXPECT_TRUE(trained_on(card, {{"field", "lognormal"}, {"seed", 1u}}, 8));
}

TEST(TrainedOn, KnowsNothingOfDataWithoutASeed) {
  ModelCard card;
  for (const char* configuration : {"", "{}", "[1]", "{\"field\": \"file\"}"}) {
    card.data_configuration = configuration;
    EXPECT_FALSE(trained_on(card, json::object(), 0)) << configuration;
  }
}

TEST(TrainedOn, KnowsTheUnits) {
  ModelCard card;
  EXPECT_EQ(units_of(card), Units{});
  card.data_configuration = R"({"field": "lognormal", "flow": {"units": {"system": "field", "viscosity": 2.5,
                                                                        "thickness": 30.0}}})";
  EXPECT_EQ(units_of(card), (Units{UnitSystem::field, 2.5, 30.0}));
}

TEST(TrainedOn, OtherUnitsAreRefused) {
  const TemporaryFolder folder;
  FieldOptions rock;
  rock.permeability = (folder.path() / "rock.grdecl").string();
  write_text_atomically(rock.permeability, "METRIC\nDIMENS\n 2 1 1 /\nPERMX\n 3 4 /\n");
  ModelCard card;
  EXPECT_THROW(check_units(card, FieldSource(rock)), InvalidInput);
  card.data_configuration = R"({"flow": {"units": {"system": "metric"}}})";
  EXPECT_NO_THROW(check_units(card, FieldSource(rock)));
}

}  // namespace
}  // namespace mano
