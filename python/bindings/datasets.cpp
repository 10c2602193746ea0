// Datasets as they are read.

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <limits>

#include "arrays.hpp"
#include "datagen/dataset.hpp"
#include "modules.hpp"

namespace mano::python {

namespace {

nb::dict info_of(const DatasetReader& reader) {
  const DatasetInfo& info = reader.info();
  const UnitNames units = info.units.names();
  nb::dict d;
  d["samples"] = info.samples;
  d["resolution"] = nb::make_tuple(info.grid.nx, info.grid.ny);
  d["size"] = nb::make_tuple(info.grid.lx, info.grid.ly);
  d["origin"] = nb::make_tuple(info.grid.x0, info.grid.y0);
  d["location"] = to_string(info.location);
  d["setup"] = info.problem_name;
  d["field"] = info.field;
  d["tolerance"] = info.tolerance;
  d["configuration"] = info.configuration;
  d["version"] = info.version;
  d["dtype"] = info.single_precision ? "float32" : "float64";
  d["has_inactive"] = info.has_inactive;
  d["units"] = to_string(info.units.system);
  d["unit_of_permeability"] = units.permeability;
  d["unit_of_pressure"] = units.pressure;
  d["unit_of_length"] = units.length;
  return d;
}

// Samples by their indices, in the file's precision.
template <typename T>
nb::tuple read(const DatasetReader& reader, const std::vector<std::size_t>& indices) {
  const Grid& grid = reader.info().grid;
  const std::size_t n = indices.size(), cells = grid.cells();
  const std::size_t ny = static_cast<std::size_t>(grid.ny), nx = static_cast<std::size_t>(grid.nx);
  std::vector<T> k(n * cells), pressure(n * cells);
  std::vector<std::uint8_t> active(reader.info().has_inactive ? n * cells : 0, 1);
  std::vector<std::uint64_t> seed(n), sample(n);
  std::vector<double> residual(n);
  std::vector<std::int32_t> iterations(n);
  std::vector<std::string> solver(n);
  for (std::size_t i = 0; i < n; ++i) {
    const Sample s = reader.read(indices[i]);
    for (std::size_t c = 0; c < cells; ++c) {
      k[i * cells + c] = static_cast<T>(s.permeability.values[c]);
      pressure[i * cells + c] =
          s.active[c] ? static_cast<T>(s.pressure.values[c]) : std::numeric_limits<T>::quiet_NaN();
      if (!active.empty()) active[i * cells + c] = s.active[c] ? 1 : 0;
    }
    seed[i] = s.seed;
    sample[i] = s.number;
    residual[i] = s.residual;
    iterations[i] = s.iterations;
    solver[i] = s.solver;
  }
  const bool masked = !active.empty();
  return nb::make_tuple(give(std::move(k), {n, ny, nx}), give(std::move(pressure), {n, ny, nx}),
                        masked ? nb::cast(give(std::move(active), {n, ny, nx})) : nb::none(),
                        give(std::move(seed), {n}), give(std::move(sample), {n}),
                        give(std::move(residual), {n}), give(std::move(iterations), {n}), solver);
}

}  // namespace

void bind_datasets(nb::module_& m) {
  nb::class_<DatasetReader>(m, "DatasetReader")
      .def("__init__", [](DatasetReader* self, const std::string& path) { new (self) DatasetReader(path); })
      .def_prop_ro("info", &info_of)
      .def(
          "read",
          [](const DatasetReader& reader, const std::vector<std::size_t>& indices) {
            return reader.info().single_precision ? read<float>(reader, indices)
                                                  : read<double>(reader, indices);
          },
          nb::arg("indices"));
}

}  // namespace mano::python
