#include "core/units.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace mano {
namespace {

// Published values, to as many digits as they are printed with.
TEST(Units, FollowFromTheirDefinitions) {
  EXPECT_NEAR(si::kDarcy, 9.869233e-13, 5e-20);      // SPE Metric Standard
  EXPECT_NEAR(si::kPsi, 6894.757, 5e-4);             // NIST SP 811
  EXPECT_NEAR(si::kBarrel, 0.1589873, 5e-8);         // NIST SP 811
  EXPECT_NEAR(kCubicFeetPerBarrel, 5.614583, 5e-7);  // 9702 / 1728
  EXPECT_NEAR(kDarcyMetric, 0.00852702, 5e-9);       // Eclipse Technical Description, CDARCY
  EXPECT_NEAR(kDarcyField, 0.00112712, 5e-9);        // the same
  EXPECT_NEAR(kCubicFeetPerBarrel, 9702.0 / 1728.0, 1e-14);
}

// The same rock in both systems, converted by hand.
TEST(Units, MetricAndFieldAgree) {
  const Units metric{UnitSystem::metric, 2.0, 30.0};
  const Units field{UnitSystem::field, 2.0, 30.0 / si::kFoot};
  const double psi_per_bar = si::kBar / si::kPsi;
  const double barrels = 1.0 / si::kBarrel;
  EXPECT_NEAR(metric.conductance() * barrels / (field.conductance() * psi_per_bar), 1.0, 1e-14);
  // The solver's flow through a unit of length: m3/day through 1 m, bbl/day through 1 ft.
  EXPECT_NEAR(metric.velocity() / si::kFoot / (field.velocity() * barrels * si::kFoot), 1.0, 1e-14);
  EXPECT_NEAR(metric.storage() * barrels * si::kFoot * si::kFoot / field.storage(), 1.0, 1e-14);
}

TEST(Units, ConsistentOnesChangeNothing) {
  const Units units;
  EXPECT_EQ(units.conductance(), 1.0);
  EXPECT_EQ(units.velocity(), 1.0);
  EXPECT_EQ(units.storage(), 1.0);
  EXPECT_EQ(with_unit("pressure", units.names().pressure), "pressure");
  EXPECT_EQ(with_unit("pressure", Units{UnitSystem::field}.names().pressure), "pressure [psi]");
}

TEST(Units, AreParsed) {
  for (UnitSystem system : {UnitSystem::consistent, UnitSystem::metric, UnitSystem::field})
    EXPECT_EQ(parse_unit_system(to_string(system)), system);
  EXPECT_THROW(parse_unit_system("imperial"), InvalidInput);
}

}  // namespace
}  // namespace mano
