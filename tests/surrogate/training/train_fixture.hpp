#pragma once
// Small synthetic data, a small request, and what tests of training ask of a run.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "datagen/dataset.hpp"
#include "datagen/random_field.hpp"
#include "surrogate/checkpoint/safetensors.hpp"
#include "surrogate/training/train.hpp"
#include "temporary_folder.hpp"

namespace mano {

class Train : public ::testing::Test {
 protected:
  // "Pressure" that a small network can learn: a smooth bump over the local resistance.
  std::filesystem::path dataset(const std::string& name, std::size_t samples, const Grid& grid,
                                const std::string& problem_name = "benchmark",
                                Location location = Location::cell, const std::string& configuration = "{}") {
    DatasetInfo info;
    info.grid = grid;
    info.samples = samples;
    info.problem_name = problem_name;
    info.location = location;
    info.field = "two-phase";
    info.configuration = configuration;
    const auto path = folder_.path() / name;
    DatasetWriter writer(path, info);
    for (std::size_t s = 0; s < samples; ++s) {
      Sample sample;
      sample.number = s;
      sample.permeability = draw_field({}, 1, s, grid);
      sample.pressure = Field(grid);
      for (int j = 0; j < grid.ny; ++j) {
        for (int i = 0; i < grid.nx; ++i) {
          const double x = grid.x(i) / grid.lx, y = grid.y(j) / grid.ly;
          sample.pressure(i, j) = 7e3 * x * (1 - x) * y * (1 - y) * (1 + 3 / sample.permeability(i, j));
        }
      }
      writer.write(s, sample);
    }
    writer.close();
    return path;
  }

  TrainRequest request(const std::filesystem::path& data, const std::string& run, int epochs) const {
    TrainRequest r;
    r.data = {data};
    r.run = folder_.path() / run;
    r.architecture.dim = 8;
    r.architecture.depth = 1;
    r.architecture.heads = 2;
    r.architecture.dim_head = 4;
    r.architecture.mlp = 16;
    r.epochs = epochs;
    r.refine_epochs = 0;
    r.batch = 8;
    r.learning_rate = 1e-2;
    r.held_out = 0.2;
    r.device = "cpu";
    return r;
  }

  void expect_equal_bits(const std::string& run, const std::string& other) const {
    for (const char* name : {"model.safetensors", "state.safetensors"}) {
      const auto a = read_safetensors(folder_.path() / run / name);
      const auto b = read_safetensors(folder_.path() / other / name);
      ASSERT_EQ(a.tensors.size(), b.tensors.size());
      for (const auto& [key, tensor] : a.tensors)
        EXPECT_EQ(tensor.bytes, b.tensors.at(key).bytes) << name << " " << key;
    }
  }

  struct Stop {};
  static TrainCallbacks stop_after(int epoch) {
    TrainCallbacks callbacks;
    callbacks.epoch = [epoch](const EpochReport& e) {
      if (e.epoch == epoch) throw Stop{};
    };
    return callbacks;
  }

  std::ptrdiff_t epochs_logged(const std::string& run) const {
    std::ifstream log(folder_.path() / run / "log.jsonl");
    return std::count(std::istreambuf_iterator<char>(log), {}, '\n');
  }

  TemporaryFolder folder_;
};

}  // namespace mano
