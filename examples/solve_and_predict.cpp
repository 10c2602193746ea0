// Solves one field and predicts it from a trained model:   solve_and_predict RUN 64
#include <cstdio>
#include <string>

#include "core/error.hpp"
#include "core/norms.hpp"
#include "datagen/random_field.hpp"
#include "solver/darcy_solver.hpp"
#include "surrogate/surrogate.hpp"

int main(int argc, char** argv) {
  if (argc != 3) return std::fprintf(stderr, "solve_and_predict RUN CELLS\n"), 2;
  try {
    // 1. A permeability, two-phase rock, on as many cells as asked for in each direction.
    const int n = std::stoi(argv[2]);
    const mano::Field k = mano::draw_field({.kind = "two-phase"}, 7, 0, {n, n});
    // 2. Its pressure by the solver.
    const mano::PetscSession session({});
    const mano::SolveResult solved = mano::solve_darcy(mano::make_problem("benchmark", k));
    // 3. The same by the model, at any resolution.
    const mano::Surrogate surrogate(argv[1], "cpu");
    const mano::Field predicted = surrogate.predict(k);
    // 4. How far they are apart.
    std::printf("solver: %d iterations, relative residual %.1e\n", solved.iterations,
                solved.relative_residual);
    std::printf("surrogate: relative L2 error %.6f\n", mano::relative_l2(predicted, solved.pressure));
  } catch (const mano::Error& e) {
    return std::fprintf(stderr, "%s\n", e.what()), e.exit_status();
  }
}
