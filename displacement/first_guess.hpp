#pragma once
// A first guess of a displacement at any time, for two pressure solves and two passes over the cells.
//
//   S(x, t) = saturation of tanks in series (displacement/tanks_in_series.hpp), as many as tell the residence time T(x) of a tracer
//             (displacement/residence_times.hpp), at theta = t / E[T(x)]
//
// in one flow that stands for all: that at the total mobility which the same guess, in the flow at the start, gives at half of the last
// time. What the networks correct (surrogate/history.hpp), and a rival of theirs. Exact in mean and variance for a tracer; for two fluids
// it does not see the flow turn towards where the thinner one has come.

#include "displacement/simulator.hpp"
#include "displacement/tanks_in_series.hpp"

namespace mano {

/// Of displacements by the same fluids.
class FirstGuess {
 public:
  explicit FirstGuess(const Fluids& fluids);

  struct Arrival {
    CellMask active;
    Grid grid;
    std::vector<double> time;  ///< E[T], in pore volumes injected; infinite where nothing flows
    std::vector<double> tanks;
    std::vector<double> out;   ///< of each cell to the outside, its part of all outflow
    std::vector<double> pore;  ///< its part of the pore volume
    Field pressure;            ///< of both fluids in that flow
  };
  /// In the flow for times up to `until` pore volumes injected. Throws as simulate() does.
  Arrival arrival(const Displacement& displacement, double until) const;
  /// 0 in inactive cells.
  Field saturation(const Arrival& arrival, double pore_volumes) const;

  /// What the injected fluid is of all that leaves, where each cell holds `saturation` and as much leaves it as in that flow.
  double cut(const Arrival& arrival, const Field& saturation) const;
  /// What was displaced by then, over what there was: the injected fluid in place more than at the start.
  double recovery(const Arrival& arrival, const Field& saturation) const;

 private:
  FractionalFlow fractional_;
  TanksInSeries profile_;
};

}  // namespace mano
