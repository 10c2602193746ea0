#pragma once
// The flow of both fluids together, at a given saturation:
//
//   -div(lambda k grad p) = q,   u = -lambda k grad p          lambda: total mobility (displacement/fluids.hpp)
//
// by the discretisation of solver/stencil.hpp with lambda k in place of k. So lambda k is averaged harmonically between two cells, and
// sides and wells of given pressure take that of their cell. p is the pressure of both fluids: there is no capillary pressure.

#include <functional>
#include <memory>
#include <vector>

#include "displacement/network.hpp"
#include "solver/problem.hpp"

namespace mano {

/// A place where fluid enters or leaves: a face of a side, a well, or a cell with a source.
struct Opening {
  enum class Kind { side, well, source };
  Kind kind = Kind::source;
  int number = 0;  ///< of the side (Side) or the well
  int cell = 0;
  double prescribed = 0.0;   ///< rate into the rock, or
  double conductance = 0.0;  ///< at lambda = 1: rate = conductance lambda (held - p)
  double held = 0.0;
};

/// Solves for the pressure at one saturation after another, each from the pressure before.
class TotalFlow {
 public:
  /// Where the multigrid does not converge, another solver may: the pressure of a problem.
  using Spare = std::function<Field(const Problem&)>;
  /// `problem` at lambda = 1. Throws InvalidInput as check_problem() does.
  explicit TotalFlow(const Problem& problem, Spare spare = {});
  ~TotalFlow();

  /// Pressure at total mobility `lambda` [cells], above zero in active cells, to a relative residual of `tolerance`, or what rounding allows.
  /// Throws RunFailed where no solver gets there.
  void solve(const std::vector<double>& lambda, double tolerance);

  const Problem& problem() const;  ///< with lambda k
  const Field& pressure() const;
  const Flows& flows()
      const;  ///< but for the residual free of divergence: see balance() in displacement/network.hpp
  const Connections& connections() const;
  const std::vector<Opening>& openings() const;
  const std::vector<double>& rates() const;  ///< of the openings, into the rock
  int solves() const;
  int cycles() const;  ///< of multigrid, in all solves

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mano
