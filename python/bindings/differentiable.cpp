// Solved problems and the gradients of what is computed from them, by all that drives the flow (solver/adjoint.hpp).

#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <array>

#include "apps/samples/solved_batch.hpp"
#include "batch.hpp"
#include "modules.hpp"
#include "solver/flow.hpp"

namespace mano::python {

namespace {

// What the gradients of a batch are written to, problem after problem.
struct Gradients {
  const SolvedBatch& solved;
  const Grid& grid;
  const Units& units;
  std::array<std::vector<double>, 3> by_k;     // [N, nz, ny, nx] each; along y and z empty where nobody asks
  std::vector<double> by_source;               // the same
  std::vector<double> by_well;                 // [N, W]
  std::array<std::vector<double>, 6> by_side;  // [N, faces], indexed by Side

  Gradients(const SolvedBatch& batch, const Grid& g, const Units& u, OwnDirections own, bool with_source)
      : solved(batch), grid(g), units(u) {
    const std::size_t n = batch.size();
    by_k[0].resize(n * g.cells());
    if (own.y) by_k[1].resize(n * g.cells());
    if (own.z) by_k[2].resize(n * g.cells());
    if (with_source) by_source.resize(n * g.cells());
    by_well.resize(n * batch.problem(0).wells.size());
    for (Side side : sides_of(g))
      by_side.at(static_cast<int>(side)).resize(n * batch.problem(0).on(side).values.size());
  }

  void take(int i, const FlowGradient& g) {
    const Problem& problem = solved.problem(i);
    by_permeability(i, 0, g.by_log_permeability, problem.permeability);
    by_permeability(i, 1, g.by_log_permeability_y, problem.along_y());
    by_permeability(i, 2, g.by_log_permeability_z, problem.along_z());
    if (!by_source.empty())
      std::copy(g.by_source.values.begin(), g.by_source.values.end(), by_source.begin() + i * grid.cells());
    std::copy(g.by_well.begin(), g.by_well.end(), by_well.begin() + i * g.by_well.size());
    for (Side side : sides_of(grid)) {
      const std::vector<double>& values = g.by_boundary[static_cast<int>(side)];
      const bool flux = problem.on(side).type == BoundaryCondition::Type::flux;
      const double unit = flux ? 1.0 / units.velocity() : 1.0;
      std::transform(values.begin(), values.end(),
                     by_side.at(static_cast<int>(side)).begin() + i * values.size(),
                     [&](double v) { return unit * v; });
    }
  }

  void by_permeability(int i, int axis, const Field& by_log, const Field& k) {
    std::vector<double>& to = by_k.at(axis);
    if (to.empty()) return;
    const CellMask& active = solved.problem(i).active;
    for (std::size_t c = 0; c < grid.cells(); ++c) {
      if (active[c]) to[i * grid.cells() + c] = units.conductance() * by_log.values[c] / k.values[c];
    }
  }

  // By permeability, that along y and along z [N, nz, ny, nx], by source, by wells, and by sides in their order; None for what nobody asks.
  Tuple given() {
    const std::size_t n = solved.size();
    const auto fields = [&](std::vector<double>& values) -> nb::object {
      return values.empty() ? nb::none() : nb::cast(give_fields(std::move(values), grid));
    };
    nb::list sides;
    for (Side side : sides_of(grid)) {
      std::vector<double>& values = by_side.at(static_cast<int>(side));
      const std::size_t faces = values.size() / n;
      sides.append(give(std::move(values), {n, faces}));
    }
    const std::size_t wells = by_well.size() / n;
    return nb::make_tuple(fields(by_k[0]), fields(by_k[1]), fields(by_k[2]), fields(by_source),
                          give(std::move(by_well), {n, wells}), sides);
  }
};

// A batch with what its gradients need.
struct Differentiable {
  std::unique_ptr<SolvedBatch> solved;
  Grid grid;
  Units units;

  std::size_t count() const { return solved->size(); }
  std::size_t wells() const { return solved->problem(0).wells.size(); }

  Out<double> pressure() const {
    const std::size_t n = count(), cells = grid.cells();
    std::vector<double> all(n * cells);
    for (std::size_t i = 0; i < n; ++i)
      store(solved->solution(static_cast<int>(i)).pressure, solved->problem(static_cast<int>(i)).active,
            all.data() + i * cells);
    return give_fields(std::move(all), grid);
  }

  // Rates and pressures of the wells, [N, W] each.
  Tuple well_states() const {
    const std::size_t n = count(), w = wells();
    std::vector<double> rate, bore;
    for (int i = 0; i < solved->size(); ++i) {
      for (const WellState& state : mano::well_states(solved->problem(i), solved->solution(i).pressure)) {
        rate.push_back(state.rate);
        bore.push_back(state.pressure);
      }
    }
    return nb::make_tuple(give(std::move(rate), {n, w}), give(std::move(bore), {n, w}));
  }

  // dJ from dJ/dp [N, nz, ny, nx] and dJ by the wells' rates and pressures [N, W]; the order is that of Gradients::given. Permeability along y
  // or z that is `own` is held fixed in the gradient by the permeability, and has its own.
  Tuple gradient(const Fields& by_pressure, const In<double, 2>& by_rate, const In<double, 2>& by_bore,
                 bool own_y, bool own_z, bool with_source, int threads) {
    const std::size_t n = count(), cells = grid.cells(), w = wells();
    check(by_pressure.size() == n * cells && by_rate.size() == n * w && by_bore.size() == n * w,
          "the slopes must have the shapes of pressures and of wells");
    const OwnDirections own{own_y, own_z};
    Gradients found(*solved, grid, units, own, with_source);
    const auto row = [w](const In<double, 2>& of, std::size_t i) {
      return std::vector<double>(of.data() + i * w, of.data() + (i + 1) * w);
    };
    {
      const nb::gil_scoped_release released;
      solved->gradients(
          threads,
          [&](int i) {
            return FunctionalSlope{field_of(by_pressure.data() + i * cells, grid),
                                   {row(by_rate, i), row(by_bore, i)}};
          },
          [&](int i, const FlowGradient& g) { found.take(i, g); }, own);
    }
    return found.given();
  }
};

void make(Differentiable* self, const Setup& setup, Fields k, std::optional<Masks> active,
          std::optional<Fields> source, std::optional<Fields> ky, std::optional<Fields> kz, const Size& size,
          double tolerance, int threads) {
  const nb::gil_scoped_release released;
  const Batch batch(setup, k, active, source, ky, kz, size);
  new (self) Differentiable{std::make_unique<SolvedBatch>(batch.count(), threads, tolerance,
                                                          [&](int i) { return batch.problem(i); }),
                            batch.grid, setup.flow().units()};
}

}  // namespace

void bind_differentiable(nb::module_& m) {
  nb::class_<Differentiable>(m, "Differentiable",
                             "Solved problems with what gradients by all that drives the flow need.")
      .def("__init__", &make, nb::arg("setup"), nb::arg("permeability"), nb::arg("active").none(),
           nb::arg("source").none(), nb::arg("permeability_y").none(), nb::arg("permeability_z").none(),
           nb::arg("size"), nb::arg("tolerance"), nb::arg("threads"))
      .def("pressure", &Differentiable::pressure)
      .def("well_states", &Differentiable::well_states)
      .def("gradient", &Differentiable::gradient, nb::arg("by_pressure"), nb::arg("by_well_rate"),
           nb::arg("by_well_pressure"), nb::arg("own_y"), nb::arg("own_z"), nb::arg("with_source"),
           nb::arg("threads"));
}

}  // namespace mano::python
