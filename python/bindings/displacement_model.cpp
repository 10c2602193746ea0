// Trained models of displacements: rock and wells to saturation and pressure at all times.

#include "apps/workflow/displacement_model.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <limits>

#include "datagen/well_table.hpp"
#include "model_card.hpp"
#include "modules.hpp"
#include "rocks.hpp"

namespace mano::python {

namespace {

constexpr std::size_t kRocksAtOnce = 16;  // rocks that are predicted at once
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Wells of each rock, or of all: [N or 1, W, 5].
struct RocksWithWells {
  Rocks rocks;
  std::optional<In<double, 3>> wells;

  RocksWithWells(const DisplacementModel& model, In<double, 3> k, std::optional<In<std::uint8_t, 3>> active,
                 std::optional<In<double, 3>> table)
      : rocks(model.card(), k, active, {model.card().lx, model.card().ly}), wells(table) {
    const bool own = model.source().flow().has_own_wells();
    check(own || !wells, "wells: the model knows the wells of its training data alone; leave them out");
    check(!own || wells,
          "the model takes any wells and has none of its own: pass wells=[mano.Well(...), ...]");
    check(!wells || ((wells->shape(0) == 1 || wells->shape(0) == rocks.count()) &&
                     wells->shape(2) == std::tuple_size_v<PlacedWell::Numbers>),
          "wells must be those of one rock or of each: [W, 5] or [N, W, 5]");
  }

  Sample sample(std::size_t i, const DisplacementSource& source) const {
    Sample s = rocks.sample(i);
    if (wells) {
      const std::size_t most = wells->shape(1), row = wells->shape(0) == 1 ? 0 : i;
      s.wells = wells_of_table(wells->data() + row * most * wells->shape(2), most,
                               fmt::format("wells of rock {}", i));
      check(!s.wells.empty(), "rock {} has no wells", i);
    }
    source.settle(s);
    return s;
  }
};

Tuple predict(const DisplacementModel& model, const RocksWithWells& given, std::vector<double> times,
              const std::string& method) {
  const std::size_t n = given.rocks.count();
  if (times.empty()) times = model.card().history->times;
  std::vector<double> saturation, pressure, cut, recovery, half_width;
  std::vector<std::optional<std::vector<std::string>>> unlike;
  {
    const nb::gil_scoped_release released;
    for (std::size_t begin = 0; begin < n; begin += kRocksAtOnce) {
      std::vector<Sample> samples;
      for (std::size_t i = begin; i < std::min(n, begin + kRocksAtOnce); ++i)
        samples.push_back(given.sample(i, model.source()));
      const std::vector<History> found = model.predict_at(samples, times, parse_method(method));
      for (std::size_t i = 0; i < samples.size(); ++i) {
        for (const Field& field : found[i].saturation) append(saturation, field, samples[i].active);
        for (const Field& field : found[i].pressure) append(pressure, field, samples[i].active);
        cut.insert(cut.end(), found[i].water_cut.begin(), found[i].water_cut.end());
        recovery.insert(recovery.end(), found[i].recovery.begin(), found[i].recovery.end());
        half_width.push_back(
            model.surrogate().interval_half_width(found[i], samples[i].active).value_or(kNone));
        unlike.push_back(model.unlike_training(samples[i]));
      }
    }
  }
  const std::size_t t = times.size(), ny = given.rocks.k.shape(1), nx = given.rocks.k.shape(2);
  return nb::make_tuple(give(std::move(saturation), {n, t, ny, nx}),
                        give(std::move(pressure), {n, t, ny, nx}), give(std::move(cut), {n, t}),
                        give(std::move(recovery), {n, t}), give(std::move(times), {t}),
                        give(std::move(half_width), {n}), nb::cast(unlike));
}

}  // namespace

void bind_displacement_model(nb::module_& m) {
  nb::class_<DisplacementModel>(m, "DisplacementModel")
      .def("__init__", [](DisplacementModel* self, const std::string& model,
                          const std::string& device) { new (self) DisplacementModel(model, device); })
      .def_prop_ro("card",
                   [](const DisplacementModel& model) {
                     Dict card = card_of(model.card(), model.surrogate().device());
                     const HistoryCard& h = *model.card().history;
                     card["times"] = nb::cast(h.times);
                     card["displacement"] = h.displacement;
                     card["takes_wells"] = model.source().flow().has_own_wells();
                     return card;
                   })
      .def(
          "predict",
          [](const DisplacementModel& model, In<double, 3> k, std::optional<In<std::uint8_t, 3>> active,
             std::optional<In<double, 3>> wells, std::vector<double> times, const std::string& method) {
            return predict(model, {model, k, active, wells}, std::move(times), method);
          },
          nb::arg("permeability"), nb::arg("active").none(), nb::arg("wells").none(), nb::arg("times"),
          nb::arg("method"));
}

}  // namespace mano::python
