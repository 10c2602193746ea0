#include "datagen/import.hpp"

#include <cmath>

#include "core/error.hpp"
#include "core/files.hpp"
#include "core/interrupt.hpp"
#include "datagen/dataset.hpp"
#include "datagen/field_file.hpp"

namespace mano {

namespace {

void map_phases(Field& field, const std::pair<double, double>& phases, const std::string& where) {
  for (std::size_t c = 0; c < field.values.size(); ++c) {
    double& value = field.values[c];
    check(value == 0.0 || value == 1.0,
          "{}: value {} at point ({}, {}) is neither 0 nor 1, but --phases was given", where, value,
          c % field.grid.nx, c / field.grid.nx);
    value = value == 0.0 ? phases.first : phases.second;
  }
}

}  // namespace

std::size_t import_dataset(const ImportRequest& request) {
  const ArrayReader coefficient(request.input, request.coefficient, kPermeabilityNames);
  const ArrayReader solution(request.input, request.solution, kPressureNames);
  check(coefficient.samples() == solution.samples() && coefficient.grid() == solution.grid(),
        "{}: '{}' holds {} samples of {}, '{}' {} of {}", request.input.string(), coefficient.name(),
        coefficient.samples(), coefficient.grid().resolution(), solution.name(), solution.samples(),
        solution.grid().resolution());
  DatasetInfo info;
  info.grid = coefficient.grid();
  info.grid.lx = request.size.first;
  info.grid.ly = request.size.second;
  info.samples = coefficient.samples();
  info.location = request.location;
  info.problem_name = request.problem_name;
  info.field = "imported";
  info.configuration = request.configuration;
  write_atomically(request.output, [&](const std::filesystem::path& temporary) {
    DatasetWriter writer(temporary, info);
    for (std::size_t s = 0; s < info.samples; ++s) {
      if (const int signal = interrupt_signal())
        throw Interrupted(signal, "interrupted; nothing was written");
      Sample sample;
      sample.number = s;
      sample.permeability = coefficient.read(s);
      const std::string where =
          fmt::format("{}, '{}', sample {}", request.input.string(), coefficient.name(), s);
      if (request.phases) map_phases(sample.permeability, *request.phases, where);
      check_permeability(sample.permeability, where);
      sample.pressure = solution.read(s);
      for (double p : sample.pressure.values) {
        check(std::isfinite(p), "{}, '{}', sample {}: value {}", request.input.string(), solution.name(), s,
              p);
      }
      writer.write(s, sample);
    }
    writer.close();
  });
  return info.samples;
}

}  // namespace mano
