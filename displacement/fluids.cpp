#include "displacement/fluids.hpp"

#include <algorithm>
#include <tuple>

#include "core/error.hpp"

namespace mano {

const std::vector<std::string>& fluid_names() {
  static const std::vector<std::string> names{"oil-water", "co2-brine", "tracer"};
  return names;
}

Fluids named_fluids(const std::string& name) {
  Fluids fluids;
  fluids.name = name;
  if (name == "oil-water") return fluids;
  if (name == "tracer") {
    fluids.injected = "tracer";
    fluids.displaced = "water";
    fluids.viscosity_ratio = fluids.injected_exponent = fluids.displaced_exponent = 1.0;
    return fluids;
  }
  check(name == "co2-brine", "fluids are '{}', expected oil-water, co2-brine or tracer", name);
  // H. Class et al., A benchmark study on problems related to CO2 storage in geologic formations, Comput. Geosci. 13 (2009), problem 1:
  // viscosities of 0.0395 and 0.2535 cP. Residual brine and exponents are round numbers; that problem's curves are straight.
  fluids.injected = "CO2";
  fluids.displaced = "brine";
  fluids.viscosity_ratio = 6.42;
  fluids.displaced_exponent = 4.0;
  fluids.displaced_residual = 0.2;
  return fluids;
}

void check_fluids(const Fluids& f) {
  check(std::isfinite(f.viscosity_ratio) && f.viscosity_ratio > 0,
        "viscosity ratio is {}; it must be finite and above zero", f.viscosity_ratio);
  for (auto [name, exponent] :
       {std::pair{&f.injected, f.injected_exponent}, {&f.displaced, f.displaced_exponent}})
    check(exponent >= 1 && exponent <= 20, "Corey exponent of {} is {}; it must lie between 1 and 20", *name,
          exponent);
  for (auto [name, end] :
       {std::pair{&f.injected, f.injected_end_point}, {&f.displaced, f.displaced_end_point}})
    check(end > 0 && end <= 1, "end point of {} is {}; it must be above 0 and at most 1", *name, end);
  for (auto [name, residual] :
       {std::pair{&f.injected, f.injected_residual}, {&f.displaced, f.displaced_residual}})
    check(residual >= 0 && residual < 1, "residual saturation of {} is {}; it must be at least 0 and below 1",
          *name, residual);
  check(f.injected_residual + f.displaced_residual < 1,
        "residual saturations {} and {} leave nothing that moves; their sum must be below 1",
        f.injected_residual, f.displaced_residual);
}

FractionalFlow::FractionalFlow(const Fluids& fluids) : fluids_(fluids) {
  check_fluids(fluids);
  weight_ = fluids.displaced_end_point / (fluids.injected_end_point * fluids.viscosity_ratio);
  // The steepest point of f: among many, then between its neighbours by golden section.
  constexpr int kPoints = 1000;
  int best = 0;
  for (int i = 0; i <= kPoints; ++i) {
    if (at(static_cast<double>(i) / kPoints).slope > at(static_cast<double>(best) / kPoints).slope) best = i;
  }
  double low = std::max(0, best - 1) / static_cast<double>(kPoints);
  double high = std::min(kPoints, best + 1) / static_cast<double>(kPoints);
  constexpr double kGolden = 0.6180339887498949;
  for (int step = 0; step < 60; ++step) {
    const double a = high - kGolden * (high - low);
    const double b = low + kGolden * (high - low);
    (at(a).slope > at(b).slope ? high : low) = at(a).slope > at(b).slope ? b : a;
  }
  inflection_ = best == 0 || best == kPoints ? static_cast<double>(best) / kPoints : 0.5 * (low + high);
  steepest_ = at(inflection_).slope;
}

}  // namespace mano
