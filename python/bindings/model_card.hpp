#pragma once
// What a checkpoint says of itself, as a dict.

#include "apps/workflow/trained_on.hpp"
#include "arrays.hpp"

namespace mano::python {

inline Dict card_of(const ModelCard& c, const std::string& device) {
  nb::dict d;
  d["model"] = to_string(c.architecture.model);
  d["setup"] = c.problem_name;
  d["field"] = c.field;
  d["size"] = nb::make_tuple(c.lx, c.ly);
  d["location"] = to_string(c.location);
  d["parameters"] = c.parameters;
  d["epoch"] = c.epoch;
  d["validation_relative_l2"] = c.validation_l2;
  d["cycles"] = c.cycles;
  d["takes_inactive"] = c.takes_inactive();
  d["knows_equation"] = c.knows_equation;
  d["version"] = c.version;
  nb::list resolutions, data, intervals;
  for (const Resolution& r : c.resolutions) resolutions.append(nb::make_tuple(r.nx, r.ny));
  for (const TrainingData& t : c.data) data.append(nb::make_tuple(t.file, t.hash, t.samples));
  for (const Calibration& i : c.calibrations)
    intervals.append(nb::make_tuple(nb::make_tuple(i.resolution.nx, i.resolution.ny), i.fields, i.half_width,
                                    i.relative_l2));
  d["resolutions"] = resolutions;
  d["data"] = data;
  d["intervals"] = intervals;
  d["device"] = device;
  d["units"] = to_string(units_of(c).system);
  return d;
}

}  // namespace mano::python
