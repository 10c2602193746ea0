#pragma once
// PETSc's and hypre's multigrids on a volume, on one core, as careful users would set them up.

#include <petscksp.h>

#include <string>
#include <utility>
#include <vector>

#include "solver/problem.hpp"
#include "solver/stencil.hpp"

namespace mano {

/// True relative residual that all solvers of the bench stop at.
inline constexpr double kTolerance = 1e-8;

/// Processor time: the same as time on a clock on a machine that does nothing else, and right on one that does.
double processor_seconds();
double since(double start);

struct Method {
  enum class Levels {
    none,
    full,
    semi
  };  ///< of a geometric multigrid: all directions halved, or the strong ones
  std::string name;
  Levels levels = Levels::none;
  bool galerkin = false;
  std::vector<std::pair<const char*, const char*>> options;
};

/// The variants of each rival; the fastest counts.
std::vector<Method> rivals();

struct Outcome {
  double seconds =
      0.0;  ///< stencil, assembly, set-up and iterations; objects and non-zero patterns are there already
  int iterations = 0;  ///< -1 where it did not converge
  Field pressure;
};

class PetscRival {
 public:
  /// `problem` must outlive it. Throws RunFailed where PETSc fails, as solve() does.
  PetscRival(const Method& method, const Problem& problem);
  ~PetscRival();
  PetscRival(const PetscRival&) = delete;
  PetscRival& operator=(const PetscRival&) = delete;
  Outcome solve();

 private:
  void add_levels(const Stencil& stencil);
  void refresh_levels(const Stencil& stencil);

  Method method_;
  const Problem& problem_;
  std::vector<Mat> matrices_;
  Vec x_ = nullptr;
  Vec b_ = nullptr;
  KSP ksp_ = nullptr;
};

}  // namespace mano
