// Models and networks as differentiable functions of tensors, for mano.torch.

#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "core/error.hpp"
#include "modules.hpp"
#include "surrogate/checkpoint/model_card.hpp"
#include "surrogate/differentiable.hpp"
#include "tensors.hpp"

namespace mano::python {

void bind_networks(nb::module_& m) {
  nb::class_<DifferentiableNetwork>(m, "DifferentiableNetwork")
      .def("__init__", [](DifferentiableNetwork* self,
                          const std::string& model) { new (self) DifferentiableNetwork(model); })
      .def_static(
          "of_architecture",
          [](const std::string& json, std::uint64_t seed) {
            return new DifferentiableNetwork(architecture_from_json(json), seed);
          },
          nb::arg("json"), nb::arg("seed"))
      .def_prop_ro("architecture", [](const DifferentiableNetwork& n) { return to_json(n.architecture()); })
      .def("named_parameters", &DifferentiableNetwork::named_parameters)
      .def("forward", &DifferentiableNetwork::forward, nb::arg("input"), nb::arg("parameters"),
           nb::call_guard<nb::gil_scoped_release>());
  nb::class_<DifferentiableModel>(m, "DifferentiableModel")
      .def("__init__",
           [](DifferentiableModel* self, const std::string& model) { new (self) DifferentiableModel(model); })
      .def("named_parameters", &DifferentiableModel::named_parameters)
      .def(
          "forward",
          [](DifferentiableModel& model, const at::Tensor& permeability,
             const std::vector<at::Tensor>& parameters, const std::string& method) {
            return model.forward(permeability, parameters, parse_method(method));
          },
          nb::arg("permeability"), nb::arg("parameters"), nb::arg("method"),
          nb::call_guard<nb::gil_scoped_release>());
  m.def("architecture_preset",
        [](const std::string& model, const std::string& size, int channels_in, int channels_out) {
          Architecture a = architecture_preset(size, parse_model(model));
          a.channels_in = channels_in;
          a.channels_out = channels_out;
          check_architecture(a);
          return to_json(a);
        });
}

}  // namespace mano::python
