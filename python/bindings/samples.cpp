// Random permeabilities, streams of solved samples, datasets made by threads.

#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <limits>

#include "apps/displacement/dataset_displacement.hpp"
#include "apps/samples/sample_stream.hpp"
#include "modules.hpp"
#include "setup.hpp"

namespace mano::python {

namespace {

using Shape = std::initializer_list<std::size_t>;

std::size_t wide(int n) {
  return static_cast<std::size_t>(n);
}

// Not finite, or something else that only a drawn sample shows, is an error of draw_field().
Tuple draw(const FieldOptions& field, std::uint64_t first, int n, const std::string& resolution) {
  std::vector<double> k;
  std::vector<std::uint8_t> active;
  Grid grid;
  {
    const nb::gil_scoped_release released;
    const FieldSource source(field);
    grid = source.volume(resolution);
    k.resize(n * grid.cells());
    if (source.has_inactive()) active.assign(n * grid.cells(), 1);
    for (int i = 0; i < n; ++i) {
      const Sample s = source.sample(first + i, grid);
      std::copy(s.permeability.values.begin(), s.permeability.values.end(), k.begin() + i * grid.cells());
      std::copy(s.active.values.begin(), s.active.values.end(), active.begin() + i * grid.cells());
    }
  }
  const bool masked = !active.empty();
  return nb::make_tuple(give_fields(std::move(k), grid),
                        masked ? nb::cast(give_fields(std::move(active), grid)) : nb::none());
}

template <typename T>
Tuple make(SampleStream& stream, std::uint64_t first, int n, int threads) {
  const std::size_t cells = stream.grid().cells();
  std::vector<T> k(n * cells), pressure(n * cells);
  std::vector<std::uint8_t> active(stream.has_inactive() ? n * cells : 0, 1);
  std::vector<double> residual(n);
  std::vector<std::int32_t> iterations(n);
  {
    const nb::gil_scoped_release released;
    stream.make(first, n, threads, [&](int i, const Sample& s) {
      std::copy(s.permeability.values.begin(), s.permeability.values.end(), k.begin() + i * cells);
      std::copy(s.pressure.values.begin(), s.pressure.values.end(), pressure.begin() + i * cells);
      for (std::size_t c = 0; c < s.active.values.size(); ++c) {
        active[i * cells + c] = s.active.values[c];
        if (s.active.values[c] == 0) pressure[i * cells + c] = std::numeric_limits<T>::quiet_NaN();
      }
      residual[i] = s.residual;
      iterations[i] = s.iterations;
    });
  }
  const Grid& grid = stream.grid();
  const std::size_t count = wide(n);
  const bool masked = !active.empty();
  return nb::make_tuple(give_fields(std::move(k), grid), give_fields(std::move(pressure), grid),
                        masked ? nb::cast(give_fields(std::move(active), grid)) : nb::none(),
                        give(std::move(residual), {count}), give(std::move(iterations), {count}));
}

void bind_fields(nb::module_& m) {
  nb::class_<FieldOptions>(m, "Field", "A random permeability field: its kind and what shapes it.")
      .def(
          "__init__",
          [](FieldOptions* self, std::string kind, std::uint64_t seed, std::pair<double, double> phases,
             double mean, double deviation, std::string correlation_length, double smoothness, int layers,
             int channels, double channel_width, double contrast, std::string inactive, std::string size) {
            FieldSpec spec{.kind = kind,
                           .low = phases.first,
                           .high = phases.second,
                           .mean = mean,
                           .deviation = deviation,
                           .smoothness = smoothness,
                           .layers = layers,
                           .channels = channels,
                           .channel_width = channel_width,
                           .contrast = contrast};
            check(kind != "file", "field is 'file', expected two-phase, lognormal, layered or channels");
            new (self) FieldOptions{.spec = spec,
                                    .field = std::move(kind),
                                    .seed = seed,
                                    .correlation_length = std::move(correlation_length),
                                    .size = std::move(size),
                                    .inactive = std::move(inactive)};
          },
          nb::arg("kind"), nb::arg("seed"), nb::arg("phases"), nb::arg("mean"), nb::arg("deviation"),
          nb::arg("correlation_length"), nb::arg("smoothness"), nb::arg("layers"), nb::arg("channels"),
          nb::arg("channel_width"), nb::arg("contrast"), nb::arg("inactive"), nb::arg("size"));
  m.def("draw", &draw, nb::arg("field"), nb::arg("first"), nb::arg("n"), nb::arg("resolution"));
}

}  // namespace

void bind_samples(nb::module_& m) {
  bind_fields(m);
  nb::class_<SampleStream>(m, "Stream")
      .def(
          "__init__",
          [](SampleStream* self, const FieldOptions& field, const Setup& setup, std::string resolution,
             double tolerance) {
            new (self) SampleStream(
                {field, setup.options(), setup.unit_options(), std::move(resolution), tolerance});
          },
          nb::arg("field"), nb::arg("setup"), nb::arg("resolution"), nb::arg("tolerance"))
      .def(
          "make",
          [](SampleStream& s, std::uint64_t first, int n, int threads, bool single) {
            return single ? make<float>(s, first, n, threads) : make<double>(s, first, n, threads);
          },
          nb::arg("first"), nb::arg("n"), nb::arg("threads"), nb::arg("single_precision"));
  m.def(
      "generate",
      [](const FieldOptions& field, const Setup& setup, const DisplacementOptions* displaced,
         std::string output, std::string resolution, std::string also, std::size_t samples,
         std::uint64_t first, std::string precision, double tolerance, bool overwrite, int threads,
         const std::function<void(std::size_t)>& progress) {
        GenerateDisplacementOptions o;
        static_cast<GenerateOptions&>(o) = {.field = field,
                                            .flow = setup.options(),
                                            .units = setup.unit_options(),
                                            .resolution = std::move(resolution),
                                            .also = std::move(also),
                                            .output = std::move(output),
                                            .precision = std::move(precision),
                                            .device = "threads",
                                            .samples = samples,
                                            .first = first,
                                            .tolerance = tolerance,
                                            .overwrite = overwrite};
        if (displaced != nullptr) {
          o.displacement = *displaced;
          o.driven_by = o.flow.problem_name;
          o.flow.problem_name = kDisplacementProblem;
        }
        const nb::gil_scoped_release released;
        const FieldSource source(o.field);
        const Units units = settle_units(o.units, source);
        const auto displacement = displacement_of(o, source, units);
        const FlowSource flow(o.flow, source, units);
        const GenerateRequest request = make_generate_request(o, source, flow, displacement, {});
        const auto report = [&](std::size_t finished) {
          const nb::gil_scoped_acquire acquired;
          if (PyErr_CheckSignals() != 0) throw nb::python_error();  // Ctrl-C
          progress(std::min(finished, request.samples));
        };
        const Prepared prepared = displacement
                                      ? generate_by_threads(request, source, *displacement, threads, report)
                                      : generate_by_threads(request, source, flow, threads, report);
        return prepared == Prepared::to_generate;
      },
      nb::arg("field"), nb::arg("setup"), nb::arg("displacement").none(), nb::arg("output"),
      nb::arg("resolution"), nb::arg("also"), nb::arg("samples"), nb::arg("first"), nb::arg("precision"),
      nb::arg("tolerance"), nb::arg("overwrite"), nb::arg("threads"), nb::arg("progress"));
}

}  // namespace mano::python
