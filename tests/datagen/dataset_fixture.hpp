#pragma once
// Small datasets for tests of their files.

#include <filesystem>

#include "core/error.hpp"
#include "datagen/dataset.hpp"
#include "temporary_folder.hpp"

namespace mano {

inline DatasetInfo small_info(std::size_t samples) {
  DatasetInfo info;
  info.grid = {5, 3, 2.0, 1.0};
  info.samples = samples;
  info.problem_name = "drive";
  info.field = "lognormal";
  info.configuration = R"({"seed": 7})";
  info.tolerance = 1e-9;
  return info;
}

inline Sample numbered_sample(std::size_t s) {
  Sample sample;
  sample.permeability = Field({5, 3, 2.0, 1.0}, 1.0 + static_cast<double>(s));
  sample.pressure = Field({5, 3, 2.0, 1.0});
  for (std::size_t c = 0; c < 15; ++c) sample.pressure.values[c] = static_cast<double>(100 * s + c);
  sample.seed = 7;
  sample.number = s;
  sample.iterations = static_cast<int>(s) + 3;
  sample.residual = 1e-11 * static_cast<double>(s);
  return sample;
}

inline void write(const std::filesystem::path& path, std::size_t samples) {
  DatasetWriter writer(path, small_info(samples));
  for (std::size_t s = samples; s-- > 0;) writer.write(s, numbered_sample(s));
  writer.close();
}

inline std::vector<PlacedWell> wells_of(std::size_t s) {
  std::vector<PlacedWell> wells{{.x = 0.5, .y = 0.25, .rate = 2.0},
                                {.x = 1.5, .y = 0.75, .pressure = 80.0, .radius = 0.1}};
  wells.resize(s);
  return wells;
}

// Samples with no, one and two wells of their own.
inline std::filesystem::path write_wells(const TemporaryFolder& folder) {
  DatasetInfo info = small_info(3);
  info.most_wells = 2;
  DatasetWriter writer(folder.path() / "wells.h5", info);
  for (std::size_t s = 0; s < 3; ++s) {
    Sample sample = numbered_sample(s);
    sample.wells = wells_of(s);
    writer.write(s, sample);
  }
  writer.close();
  return folder.path() / "wells.h5";
}

}  // namespace mano
