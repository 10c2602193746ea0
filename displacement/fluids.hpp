#pragma once
// Two fluids that do not mix, and how easily each flows beside the other.
//
//   S                                saturation of the injected fluid, R_i <= S <= 1 - R_d     R: residual saturations
//   s = (S - R_i) / (1 - R_i - R_d)  its mobile part, 0 to 1
//   k_i = E_i s^n_i,  k_d = E_d (1 - s)^n_d                  relative permeabilities: end points E, exponents n >= 1
//   lambda = k_i + k_d / M           total mobility, over that of the injected fluid alone at k_i = 1
//   f = k_i / lambda                 fractional flow: the injected fluid's part of the flow
//
// with M the viscosity of the displaced fluid over that of the injected one. No gravity, no capillary pressure.
//
// Sources: A. T. Corey, The interrelation between gas and oil relative permeabilities, Producers Monthly 19 (1954); S. E. Buckley and
// M. C. Leverett, Mechanism of fluid displacement in sands, Trans. AIME 146 (1942); R. H. Brooks and A. T. Corey, Hydraulic properties of
// porous media, Colorado State University (1964).

#include <cmath>
#include <string>
#include <vector>

namespace mano {

struct Fluids {
  std::string name = "oil-water";
  std::string injected = "water";
  std::string displaced = "oil";
  double viscosity_ratio = 5.0;  ///< M: displaced over injected
  double injected_exponent = 2.0;
  double displaced_exponent = 2.0;
  double injected_end_point = 1.0;
  double displaced_end_point = 1.0;
  double injected_residual = 0.0;  ///< also what the rock holds of it at the start
  double displaced_residual = 0.0;
  bool operator==(const Fluids&) const = default;
};

/// "oil-water", "co2-brine" or "tracer" (one fluid, marked: f = s).
/// Throws InvalidInput for another name.
Fluids named_fluids(const std::string& name);
const std::vector<std::string>& fluid_names();

/// Throws InvalidInput for exponents below 1 or above 20, end points outside (0, 1], residuals that leave nothing mobile, a viscosity ratio
/// that is not above zero, or numbers that are not finite.
void check_fluids(const Fluids& fluids);

/// f, its slope and the total mobility as functions of the mobile part s.
class FractionalFlow {
 public:
  /// Checks the fluids.
  explicit FractionalFlow(const Fluids& fluids);

  struct Value {
    double flow;   ///< f
    double slope;  ///< df/ds
  };
  Value at(double s) const;
  double flow(double s) const;
  double mobility(double s) const;

  /// Where f is steepest. f is convex below and concave above.
  double inflection() const { return inflection_; }
  double steepest() const { return steepest_; }  ///< its slope there
  /// The mobile part of the pore volume.
  double mobile() const { return 1.0 - fluids_.injected_residual - fluids_.displaced_residual; }
  double saturation(double s) const { return fluids_.injected_residual + mobile() * s; }
  double mobile_part(double saturation) const { return (saturation - fluids_.injected_residual) / mobile(); }
  const Fluids& fluids() const { return fluids_; }

 private:
  static double power(double x, double n) { return n == 2.0 ? x * x : n == 1.0 ? x : std::pow(x, n); }
  static double power_slope(double x, double n) {
    return n == 2.0 ? 2.0 * x : n == 1.0 ? 1.0 : n * std::pow(x, n - 1.0);
  }

  Fluids fluids_;
  double weight_ = 1.0;  // of the displaced fluid: E_d / (E_i M)
  double inflection_ = 0.0;
  double steepest_ = 0.0;
};

inline FractionalFlow::Value FractionalFlow::at(double s) const {
  const double r = 1.0 - s;
  const double a = power(s, fluids_.injected_exponent);
  const double b = weight_ * power(r, fluids_.displaced_exponent);
  const double inverse = 1.0 / (a + b);
  const double a_slope = power_slope(s, fluids_.injected_exponent);
  const double b_slope = weight_ * power_slope(r, fluids_.displaced_exponent);  // downwards
  return {a * inverse, (a_slope * b + a * b_slope) * inverse * inverse};
}

inline double FractionalFlow::flow(double s) const {
  const double a = power(s, fluids_.injected_exponent);
  return a / (a + weight_ * power(1.0 - s, fluids_.displaced_exponent));
}

inline double FractionalFlow::mobility(double s) const {
  return fluids_.injected_end_point *
         (power(s, fluids_.injected_exponent) + weight_ * power(1.0 - s, fluids_.displaced_exponent));
}

}  // namespace mano
