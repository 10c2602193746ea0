// mano._surrogate: trained models. Needs LibTorch, which python/mano/_model.py loads from the installed torch before this module.

#include "surrogate/surrogate.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <limits>

#include "apps/workflow/prediction.hpp"
#include "arrays.hpp"
#include "core/version.hpp"
#include "errors.hpp"
#include "model_card.hpp"
#include "modules.hpp"
#include "rocks.hpp"

namespace mano::python {

namespace {

constexpr std::size_t kBatch = 32;  // fields that are predicted at once

Rocks rocks_of(const Surrogate& surrogate, In<double, 3> k, std::optional<In<std::uint8_t, 3>> active,
               std::optional<std::pair<double, double>> size, bool force) {
  const ModelCard& card = surrogate.card();
  Rocks rocks(card, k, active, size.value_or(std::pair{card.lx, card.ly}));
  if (!force) surrogate.check_problem(card.problem_name, rocks.grid, card.location, "permeability");
  return rocks;
}

Tuple predict(const Surrogate& surrogate, const Rocks& r, const PredictionOptions& options) {
  const std::size_t n = r.k.shape(0);
  std::vector<double> pressure, estimate, relative, half_width;
  std::vector<std::optional<std::vector<std::string>>> unlike;
  {
    const nb::gil_scoped_release released;
    const std::string problem = surrogate.card().problem_name;
    check_equation(options, problem, surrogate.card().location, "the model");
    const auto number = [](const std::optional<double>& x) {
      return x.value_or(std::numeric_limits<double>::quiet_NaN());
    };
    for (std::size_t begin = 0; begin < n; begin += kBatch) {
      std::vector<Sample> samples;
      for (std::size_t i = begin; i < std::min(n, begin + kBatch); ++i) samples.push_back(r.sample(i));
      const std::vector<Prediction> predicted = predict_samples(surrogate, samples, problem, options);
      for (std::size_t i = 0; i < samples.size(); ++i) {
        append(pressure, predicted[i].pressure, samples[i].active);
        if (predicted[i].error_estimate) append(estimate, *predicted[i].error_estimate, samples[i].active);
        relative.push_back(number(predicted[i].estimated_relative_l2));
        half_width.push_back(number(predicted[i].half_width));
        unlike.push_back(predicted[i].unlike_training);
      }
    }
  }
  const std::size_t ny = r.k.shape(1), nx = r.k.shape(2);
  return nb::make_tuple(give(std::move(pressure), {n, ny, nx}),
                        options.estimate ? nb::cast(give(std::move(estimate), {n, ny, nx})) : nb::none(),
                        give(std::move(relative), {n}), give(std::move(half_width), {n}), nb::cast(unlike));
}

}  // namespace

}  // namespace mano::python

NB_MODULE(_surrogate, m) {
  using namespace mano;
  using namespace mano::python;
  nanobind::set_leak_warnings(false);  // what torch and caches hold when Python ends is no leak
  translate_errors();
  m.attr("torch_version") = kTorchVersion;
  m.def("gpu_is_available", &gpu_is_available);
  bind_networks(m);
  bind_displacement_model(m);
  nb::class_<Surrogate>(m, "Surrogate")
      .def("__init__", [](Surrogate* self, const std::string& model,
                          const std::string& device) { new (self) Surrogate(model, device); })
      .def_prop_ro("card", [](const Surrogate& s) { return card_of(s.card(), s.device()); })
      .def("set_cycles", &Surrogate::set_cycles)
      .def("cycles_for", &Surrogate::cycles_for)
      .def(
          "predict",
          [](const Surrogate& s, In<double, 3> k, std::optional<In<std::uint8_t, 3>> active,
             std::optional<std::pair<double, double>> size, const std::string& method, bool estimate,
             int correct, bool force) {
            return predict(s, rocks_of(s, k, active, size, force),
                           {.method = parse_method(method), .estimate = estimate, .correct = correct});
          },
          nb::arg("permeability"), nb::arg("active").none(), nb::arg("size").none(), nb::arg("method"),
          nb::arg("estimate"), nb::arg("correct"), nb::arg("force"))
      .def(
          "unlike_training",
          [](const Surrogate& s, In<double, 3> k, std::optional<In<std::uint8_t, 3>> active) {
            const Rocks r = rocks_of(s, k, active, std::nullopt, true);
            std::vector<std::optional<std::vector<std::string>>> unlike;
            for (std::size_t i = 0; i < k.shape(0); ++i) {
              const Sample sample = r.sample(i);
              unlike.push_back(s.card().unlike_training(rock_of(sample.permeability, sample.active)));
            }
            return unlike;
          },
          nb::arg("permeability"), nb::arg("active").none());
}
