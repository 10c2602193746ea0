// Datasets as they are read.

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <limits>

#include "arrays.hpp"
#include "datagen/dataset.hpp"
#include "modules.hpp"

namespace mano::python {

namespace {

Dict info_of(const DatasetReader& reader) {
  const DatasetInfo& info = reader.info();
  const UnitNames units = info.units.names();
  nb::dict d;
  d["samples"] = info.samples;
  const Grid& g = info.grid;
  d["resolution"] = g.flat() ? nb::make_tuple(g.nx, g.ny) : nb::make_tuple(g.nx, g.ny, g.nz);
  d["size"] = g.flat() ? nb::make_tuple(g.lx, g.ly) : nb::make_tuple(g.lx, g.ly, g.lz);
  d["origin"] = g.flat() ? nb::make_tuple(g.x0, g.y0) : nb::make_tuple(g.x0, g.y0, g.z0);
  d["times"] = info.times;
  d["displacement"] = info.displacement;
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

template <typename T>
void append(std::vector<T>& values, const Field& field) {
  for (double v : field.values) values.push_back(static_cast<T>(v));
}

template <typename T>
void append(std::vector<T>& values, const Field& field, const CellMask& active) {
  for (std::size_t c = 0; c < field.values.size(); ++c)
    values.push_back(active[c] ? static_cast<T>(field.values[c]) : std::numeric_limits<T>::quiet_NaN());
}

// Samples by their indices, in the file's precision: fields [n, nz, ny, nx], of a displacement saturation and pressure [n T, 1, ny, nx], and
// numbers [n] or [n, T].
template <typename T>
Dict read(const DatasetReader& reader, const std::vector<std::size_t>& indices) {
  const Grid& grid = reader.info().grid;
  const std::size_t n = indices.size(), steps = reader.info().times.size();
  std::vector<T> k, pressure, saturation;
  std::vector<std::uint8_t> active;
  std::vector<std::uint64_t> seed(n), number(n);
  std::vector<double> residual(n), cut, recovery, elapsed, breakthrough(n);
  std::vector<std::int32_t> iterations(n);
  std::vector<std::string> solver(n);
  constexpr std::size_t kNumbers = std::tuple_size_v<PlacedWell::Numbers>;
  const std::size_t most = reader.info().most_wells;
  std::vector<double> wells(n * most * kNumbers, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t i = 0; i < n; ++i) {
    const Sample s = reader.read(indices[i]);
    append(k, s.permeability);
    if (steps == 0) append(pressure, s.pressure, s.active);
    for (std::size_t t = 0; t < steps; ++t) {
      append(pressure, s.history.pressure[t], s.active);
      append(saturation, s.history.saturation[t], s.active);
    }
    const auto add = [](std::vector<double>& to, const std::vector<double>& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    add(cut, s.history.water_cut);
    add(recovery, s.history.recovery);
    add(elapsed, s.history.elapsed_time);
    breakthrough[i] = s.history.breakthrough;
    if (reader.info().has_inactive)
      for (std::size_t c = 0; c < grid.cells(); ++c) active.push_back(s.active[c] ? 1 : 0);
    seed[i] = s.seed;
    number[i] = s.number;
    residual[i] = s.residual;
    iterations[i] = s.iterations;
    solver[i] = s.solver;
    for (std::size_t w = 0; w < s.wells.size(); ++w) {
      std::ranges::copy(s.wells[w].numbers(),
                        wells.begin() + static_cast<std::ptrdiff_t>((i * most + w) * kNumbers));
    }
  }
  nb::dict d;
  d["permeability"] = give_fields(std::move(k), grid);
  d["pressure"] = give_fields(std::move(pressure), grid);
  d["active"] = reader.info().has_inactive ? nb::cast(give_fields(std::move(active), grid)) : nb::none();
  if (steps > 0) {
    d["saturation"] = give_fields(std::move(saturation), grid);
    d["water_cut"] = give(std::move(cut), {n, steps});
    d["recovery"] = give(std::move(recovery), {n, steps});
    d["elapsed_time"] = give(std::move(elapsed), {n, steps});
    d["breakthrough"] = give(std::move(breakthrough), {n});
  }
  d["seed"] = give(std::move(seed), {n});
  d["sample"] = give(std::move(number), {n});
  d["residual"] = give(std::move(residual), {n});
  d["iterations"] = give(std::move(iterations), {n});
  d["solver"] = solver;
  d["wells"] = give(std::move(wells), {n, most, kNumbers});
  return d;
}

}  // namespace

void bind_datasets(nb::module_& m) {
  nb::class_<DatasetReader>(m, "DatasetReader")
      .def("__init__", [](DatasetReader* self,
                          const std::string& path) { new (self) DatasetReader(path, DatasetKind::any); })
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
