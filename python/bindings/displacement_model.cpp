// Trained models of displacements: rock and wells to saturation and pressure at all times.

#include "apps/workflow/displacement_model.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cmath>
#include <limits>

#include "arrays.hpp"
#include "model_card.hpp"
#include "modules.hpp"

namespace mano::python {

namespace {

constexpr std::size_t kRocksAtOnce = 16;  // rocks that are predicted at once
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Permeability [N, ny, nx]; active cells and wells of each rock, or of all.
struct Rocks {
  In<double, 3> k;
  std::optional<In<std::uint8_t, 3>> active;
  std::optional<In<double, 3>> wells;  // [N or 1, W, 5]; rows that are not numbers are none
  Grid grid;

  std::size_t count() const { return k.shape(0); }
  Sample sample(std::size_t i, const DisplacementSource& source) const {
    Sample s;
    s.number = i;
    s.permeability = field_of(k.data() + i * grid.cells(), grid);
    if (active) s.active = mask_of(active->data() + (active->shape(0) == 1 ? 0 : i * grid.cells()), grid);
    if (wells) s.wells = wells_of(i);
    check_permeability(s.permeability, fmt::format("permeability {}", i), s.active);
    source.settle(s);
    return s;
  }

 private:
  std::vector<PlacedWell> wells_of(std::size_t i) const {
    const std::size_t most = wells->shape(1), numbers = wells->shape(2);
    std::vector<PlacedWell> list;
    for (std::size_t w = 0; w < most; ++w) {
      PlacedWell::Numbers row;
      std::copy_n(wells->data() + ((wells->shape(0) == 1 ? 0 : i) * most + w) * numbers, numbers,
                  row.begin());
      const PlacedWell well = PlacedWell::of(row);
      if (std::isnan(well.x)) break;
      check(std::isfinite(well.x) && std::isfinite(well.y) &&
                std::isfinite(well.has_rate() ? well.rate : well.pressure) &&
                well.has_rate() == std::isnan(well.pressure) && well.radius >= 0,
            "well {} of rock {} is at ({}, {}), rate {}, bhp {}, radius {}: it needs either a rate or a bhp",
            w + 1, i, well.x, well.y, well.rate, well.pressure, well.radius);
      list.push_back(well);
    }
    check(!list.empty(), "rock {} has no wells", i);
    return list;
  }
};

Rocks rocks_of(const DisplacementModel& model, In<double, 3> k, std::optional<In<std::uint8_t, 3>> active,
               std::optional<In<double, 3>> wells) {
  const ModelCard& card = model.card();
  Rocks r{k, active, wells, grid_of(k, {card.lx, card.ly})};
  card.check_takes_inactive(active.has_value(), "active");
  const auto one_or_all = [&](const auto& array) {
    return array->shape(0) == 1 || array->shape(0) == r.count();
  };
  check(!active || (one_or_all(active) && active->shape(1) == k.shape(1) && active->shape(2) == k.shape(2)),
        "active must have the shape of the permeability");
  const bool own = model.source().flow().has_own_wells();
  check(own || !wells, "wells: the model knows the wells of its training data alone; leave them out");
  check(!own || wells, "the model takes any wells and has none of its own: pass wells=[mano.Well(...), ...]");
  check(!wells || (one_or_all(wells) && wells->shape(2) == std::tuple_size_v<PlacedWell::Numbers>),
        "wells must be those of one rock or of each: [W, 5] or [N, W, 5]");
  return r;
}

void append(std::vector<double>& all, const std::vector<Field>& fields, const CellMask& active) {
  for (const Field& field : fields) {
    all.resize(all.size() + field.values.size());
    store(field, active, all.data() + (all.size() - field.values.size()));
  }
}

Tuple predict(const DisplacementModel& model, const Rocks& rocks, std::vector<double> times,
              const std::string& method) {
  if (times.empty()) times = model.card().history->times;
  std::vector<double> saturation, pressure, cut, recovery, half_width;
  std::vector<std::optional<std::vector<std::string>>> unlike;
  {
    const nb::gil_scoped_release released;
    for (std::size_t begin = 0; begin < rocks.count(); begin += kRocksAtOnce) {
      std::vector<Sample> samples;
      for (std::size_t i = begin; i < std::min(rocks.count(), begin + kRocksAtOnce); ++i)
        samples.push_back(rocks.sample(i, model.source()));
      const std::vector<History> found = model.predict_at(samples, times, parse_method(method));
      for (std::size_t i = 0; i < samples.size(); ++i) {
        append(saturation, found[i].saturation, samples[i].active);
        append(pressure, found[i].pressure, samples[i].active);
        cut.insert(cut.end(), found[i].water_cut.begin(), found[i].water_cut.end());
        recovery.insert(recovery.end(), found[i].recovery.begin(), found[i].recovery.end());
        half_width.push_back(
            model.surrogate().interval_half_width(found[i], samples[i].active).value_or(kNone));
        unlike.push_back(model.unlike_training(samples[i]));
      }
    }
  }
  const std::size_t n = rocks.count(), t = times.size(), ny = rocks.k.shape(1), nx = rocks.k.shape(2);
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
            return predict(model, rocks_of(model, k, active, wells), std::move(times), method);
          },
          nb::arg("permeability"), nb::arg("active").none(), nb::arg("wells").none(), nb::arg("times"),
          nb::arg("method"));
}

}  // namespace mano::python
