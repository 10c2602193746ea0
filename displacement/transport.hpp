#pragma once
// Transport of the injected fluid by a given flow: first order, upwind, in any number of dimensions.
//
//   v_c ds_c/dt = sum over faces with flow into c of flow * f_neighbour + inflow from outside - (all inflow) f_c
//
// with v_c the mobile pore volume of cell c, s the mobile part of the saturation and f the fractional flow (displacement/fluids.hpp).
// What enters from outside is the injected fluid alone. The flow is free of divergence, so all inflow is all outflow; written with the
// inflow, no residual of the pressure can drive s out of [0, 1].
//
// In a step dt cell c passes on F_c = theta_c f(s_c at its end) + (1 - theta_c) f(s_c at its beginning), to whichever neighbour takes it.
// C_c = dt (all inflow) max f' / v_c is its Courant number.
//
//   theta      theta = 1/2, of second order, which creates no new extreme while C <= 2. A cell with more flow, as at a well, takes 2, 4, 8, ...
//              steps of its own instead; neighbours of other steps see the mean of F, or its value, over theirs
//   implicit   theta = 1
//   explicit   theta = 0, all cells in sub-steps with C <= 1
//
// Along the flow each cell needs only cells that came before. So each step is one pass of equations in a single unknown,
// solved by Newton's method with a trust region that ends at the inflection of f, within brackets: it always converges.
// Water is conserved to rounding, whatever the iteration leaves.
//
// Sources: J. Crank and P. Nicolson, Proc. Camb. Phil. Soc. 43 (1947) (theta = 1/2); S. Osher and R. Sanders, Math. Comp. 41 (1983) (steps of
// their own); J. R. Natvig and K.-A. Lie, J. Comput. Phys. 227 (2008) (order of cells); P. Jenny, H. A. Tchelepi and S. H. Lee, J. Comput.
// Phys. 228 (2009) (trust region); K. Aziz and A. Settari, Petroleum Reservoir Simulation (1979) (upwind scheme).

#include <string>
#include <vector>

#include "displacement/fluids.hpp"
#include "displacement/network.hpp"

namespace mano {

enum class TransportScheme { theta, implicit, explicit_ };
std::string to_string(TransportScheme scheme);
/// "theta", "implicit" or "explicit". Throws InvalidInput for another text.
TransportScheme parse_transport_scheme(const std::string& text);

class Transport {
 public:
  /// `volume`: mobile pore volume of each cell, not negative.
  Transport(const FractionalFlow& fractional, std::vector<double> volume, TransportScheme scheme);

  /// Carries `s` [cells] over a step dt: one pass, or as many explicit ones as C <= 1 asks for. Throws RunFailed where flow passes cells of
  /// next to no pore volume, so that explicit steps are more than ten million. A cell takes a step of its own where its C is above `courant`,
  /// which may be above 2 where accuracy matters less; theta is then as much above 1/2 as it must.
  void advance(const UpstreamOrder& order, double dt, std::vector<double>& s, double courant = 2.0);

  /// F of every cell, its mean over the last advance(): the injected fluid's part of what left the cell.
  const std::vector<double>& passed() const { return passed_; }
  /// Longest step that leaves the part `share` of the cells that have flow with C <= 1.
  double usual_step(const UpstreamOrder& order, double share) const;
  /// Longest step with C <= 1 everywhere; infinite where nothing flows.
  double longest_explicit_step(const UpstreamOrder& order) const;
  std::size_t passes() const { return passes_; }  ///< made so far

 private:
  void pass(const UpstreamOrder& order, double dt, std::vector<double>& s, double most);
  void pass_circles(const UpstreamOrder& order, double dt, std::vector<double>& s);
  void pass_explicitly(const UpstreamOrder& order, double dt, std::vector<double>& s);
  int level_of(const UpstreamOrder& order, std::size_t place, double dt, double most) const;
  double inflow(const UpstreamOrder& order, std::size_t place, int level, int part) const;
  double take_parts(const UpstreamOrder& order, std::size_t place, double dt, int level, double s);
  struct Taken {
    double s;       // at the end
    double passed;  // F
  };
  Taken take(int cell, double through, double in, double start, double flow, double change) const;
  double root(double volume, double weight, double right, double guess, double settled) const;

  FractionalFlow fractional_;
  std::vector<double> volume_;
  TransportScheme scheme_;
  std::vector<double> passed_, start_, mean_;
  std::vector<double> rate_;  // of s, lately: what a change may be guessed from
  std::vector<double> flow_;  // f at the beginning of a pass
  // F of cell c in each of the 2^level_[c] parts of a pass, from first_[c] on.
  std::vector<double> parts_;
  std::vector<int> first_, level_;
  mutable std::vector<double> rates_;
  std::size_t passes_ = 0;
};

}  // namespace mano
