#pragma once
// Systems of units, and the constants that Darcy's law has in them, each derived from definitions in SI units.
//
//                 length   permeability   viscosity   pressure   rate      volume   velocity   time
//   consistent    any one system of units, permeability over viscosity
//   metric        m        mD             cP          bar        m3/day    m3       m/day      day
//   field         ft       mD             cP          psi        bbl/day   bbl      ft/day     day
//
// In metric and field units Darcy's law reads
//
//   rate = c permeability area (pressure drop) / (viscosity length),   c = 0.00852702 metric, 0.00112712 field
//
// Sources: the atmosphere, the inch and foot, the pound and standard gravity, BIPM SI brochure (2019) and NIST SP 811 (2008);
// the barrel, 42 US gallons of 231 cubic inches; the darcy, the permeability of a rock through whose section of 1 cm2 a fluid of 1 cP
// flows at 1 cm3/s under 1 atm/cm, SPE Metric Standard (1984).

#include <string>

namespace mano {

namespace si {
inline constexpr double kAtmosphere = 101325.0;                            ///< Pa
inline constexpr double kBar = 1e5;                                        ///< Pa
inline constexpr double kInch = 0.0254;                                    ///< m
inline constexpr double kFoot = 12 * kInch;                                ///< m
inline constexpr double kPound = 0.45359237;                               ///< kg
inline constexpr double kStandardGravity = 9.80665;                        ///< m/s2
inline constexpr double kPsi = kPound * kStandardGravity / kInch / kInch;  ///< Pa
inline constexpr double kBarrel = 42 * 231 * kInch * kInch * kInch;        ///< m3
inline constexpr double kDay = 24 * 3600.0;                                ///< s
inline constexpr double kCentipoise = 1e-3;                                ///< Pa s
inline constexpr double kCentimetre = 1e-2;                                ///< m
/// m2: (volume / time) viscosity / (area (pressure / length)).
inline constexpr double kDarcy = kCentimetre * kCentimetre * kCentimetre * kCentipoise /
                                 (kCentimetre * kCentimetre * (kAtmosphere / kCentimetre));
inline constexpr double kMillidarcy = 1e-3 * kDarcy;
}  // namespace si

/// c of Darcy's law above: in m3 cP / (day m bar mD), and in bbl cP / (day ft psi mD).
inline constexpr double kDarcyMetric = si::kMillidarcy * si::kBar / si::kCentipoise * si::kDay;
inline constexpr double kDarcyField =
    si::kMillidarcy * si::kFoot * si::kPsi / si::kCentipoise * si::kDay / si::kBarrel;
/// Cubic feet in a barrel, 5.614583.
inline constexpr double kCubicFeetPerBarrel = si::kBarrel / (si::kFoot * si::kFoot * si::kFoot);

enum class UnitSystem { consistent, metric, field };

std::string to_string(UnitSystem system);
/// "consistent", "metric" or "field". Throws InvalidInput for another text.
UnitSystem parse_unit_system(const std::string& text);

/// Names of units, empty in consistent ones.
struct UnitNames {
  const char* length = "";
  const char* permeability = "";
  const char* viscosity = "";
  const char* pressure = "";
  const char* rate = "";
  const char* volume = "";    ///< of the rate
  const char* velocity = "";  ///< Darcy flux
  const char* time = "";
};

/// A system of units with the two numbers that turn permeability into what the solver takes. The solver works in the system's own lengths,
/// pressures and rates, on the whole thickness of the layer: only permeability, Darcy flux and porosity need a factor. A volume has its
/// thickness in its grid: there `thickness` is 1.
struct Units {
  UnitSystem system = UnitSystem::consistent;
  double viscosity = 1.0;  ///< cP; 1 in consistent units
  double thickness = 1.0;  ///< of the layer, m or ft; 1 in consistent units

  bool consistent() const { return system == UnitSystem::consistent; }
  UnitNames names() const;
  /// The solver's k = conductance() times permeability: c thickness / viscosity; 1 in consistent units.
  double conductance() const;
  /// Darcy flux = velocity() times the solver's flow through a unit of length (of area, in a volume).
  double velocity() const;
  /// Pore volume, in the unit of volume of the rates = storage() times porosity times area (times volume, in a volume).
  double storage() const;
  /// "metric units: lengths in m, ..."; for people. Without thickness for volumes, which have their own.
  std::string description(bool with_thickness = true) const;
  bool operator==(const Units&) const = default;
};

/// "pressure [bar]"; the name alone where the unit has none.
std::string with_unit(const std::string& name, const std::string& unit);

}  // namespace mano
