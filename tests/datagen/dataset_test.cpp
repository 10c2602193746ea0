#include "datagen/dataset.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "core/error.hpp"
#include "datagen/dataset_fixture.hpp"
#include "datagen/field_file.hpp"
#include "datagen/hdf5_handle.hpp"
#include "temporary_folder.hpp"

namespace mano {
namespace {

// A displacement at three times.
DatasetInfo history_info(std::size_t samples) {
  DatasetInfo info = small_info(samples);
  info.problem_name = kDisplacementProblem;
  info.times = {0.1, 0.2, 0.4};
  info.displacement = R"({"porosity": 1})";
  return info;
}

Sample history_sample(std::size_t s) {
  Sample sample = numbered_sample(s);
  sample.pressure = {};
  for (int t = 0; t < 3; ++t) {
    sample.history.saturation.emplace_back(Field({5, 3, 2.0, 1.0}, 0.1 * t + 0.01 * static_cast<double>(s)));
    sample.history.saturation.back().values[7] = 0.9;
    sample.history.pressure.emplace_back(Field({5, 3, 2.0, 1.0}, 3.0 * t - static_cast<double>(s)));
    sample.history.water_cut.push_back(0.2 * t);
    sample.history.recovery.push_back(0.1 * t + 0.001 * static_cast<double>(s));
    sample.history.elapsed_time.push_back(7.0 * t);
  }
  if (s == 1) sample.history.breakthrough = 0.3;
  return sample;
}

void expect_history(const Sample& read, std::size_t s) {
  const History expected = history_sample(s).history;
  ASSERT_EQ(read.history.saturation.size(), 3u);
  for (int t = 0; t < 3; ++t) {
    EXPECT_EQ(read.history.saturation[t].values, expected.saturation[t].values);
    EXPECT_EQ(read.history.pressure[t].values, expected.pressure[t].values);
  }
  EXPECT_EQ(read.history.water_cut, expected.water_cut);
  EXPECT_EQ(read.history.recovery, expected.recovery);
  EXPECT_EQ(read.history.elapsed_time, expected.elapsed_time);
  EXPECT_EQ(std::isnan(read.history.breakthrough), s != 1);
  EXPECT_EQ(read.number, s);
}

TEST(Dataset, HoldsDisplacementsInTime) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "d.h5";
  {
    DatasetWriter writer(path, history_info(2));
    for (std::size_t s : {1, 0}) writer.write(s, history_sample(s));
    writer.close();
  }
  const DatasetReader reader(path, DatasetKind::displacement);
  EXPECT_EQ(reader.info().times, history_info(2).times);
  EXPECT_EQ(reader.info().displacement, history_info(2).displacement);
  for (std::size_t s : {0, 1}) expect_history(reader.read(s), s);
  DatasetWriter writer(folder.path() / "joined.h5", history_info(3));
  writer.write(0, history_sample(0));
  writer.copy(1, reader);
  writer.close();
  expect_history(DatasetReader(folder.path() / "joined.h5", DatasetKind::any).read(2), 1);
}

// Far ahead of a front saturations are below what float32 holds; a pressure that small is refused instead.
TEST(Dataset, TinySaturationsAreZeroInFloat32) {
  const TemporaryFolder folder;
  DatasetInfo info = history_info(1);
  info.single_precision = true;
  Sample sample = history_sample(0);
  sample.history.saturation[1].values[3] = 1e-50;
  {
    DatasetWriter writer(folder.path() / "d.h5", info);
    writer.write(0, sample);
    writer.close();
  }
  EXPECT_EQ(DatasetReader(folder.path() / "d.h5", DatasetKind::any).read(0).history.saturation[1].values[3],
            0.0);
  sample.history.pressure[1].values[3] = 1e-50;
  DatasetWriter writer(folder.path() / "p.h5", info);
  EXPECT_THROW(writer.write(0, sample), RunFailed);
}

TEST(Dataset, DisplacementsAndSteadyFlowAreNotTakenForOneAnother) {
  const TemporaryFolder folder;
  {
    DatasetWriter writer(folder.path() / "d.h5", history_info(1));
    writer.write(0, history_sample(0));
    writer.close();
  }
  write(folder.path() / "s.h5", 1);
  EXPECT_THROW(DatasetReader(folder.path() / "d.h5"), InvalidInput);
  EXPECT_THROW(DatasetReader(folder.path() / "s.h5", DatasetKind::displacement), InvalidInput);
  EXPECT_NO_THROW(DatasetReader(folder.path() / "d.h5", DatasetKind::any).read(0));
  EXPECT_NO_THROW(DatasetReader(folder.path() / "s.h5", DatasetKind::any).read(0));
  EXPECT_FALSE(is_named_problem(kDisplacementProblem));
  EXPECT_TRUE(is_displacement("displacement-0123abcd"));
  Sample short_of_times = history_sample(0);
  short_of_times.history.saturation.pop_back();
  DatasetWriter writer(folder.path() / "w.h5", history_info(1));
  EXPECT_THROW(writer.write(0, short_of_times), InvalidInput);
}

// Inactive cells have no pressure in the file, whatever the permeability there; files without them have no /active.
TEST(Dataset, KeepsInactiveCells) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "d.h5";
  DatasetInfo info = small_info(2);
  Sample holed = numbered_sample(1);
  holed.active = {info.grid, std::vector<std::uint8_t>(15, 1)};
  holed.active.values[4] = holed.active.values[7] = 0;
  holed.permeability.values[4] = 0.0;
  holed.permeability.values[7] = std::numeric_limits<double>::quiet_NaN();
  {
    DatasetWriter none(folder.path() / "none.h5", info);
    EXPECT_THROW(none.write(1, holed), InvalidInput);
  }
  info.has_inactive = true;
  DatasetWriter writer(path, info);
  writer.write(0, numbered_sample(0));
  writer.write(1, holed);
  writer.close();
  const DatasetReader reader(path);
  EXPECT_TRUE(reader.info().has_inactive);
  EXPECT_TRUE(reader.read(0).active.all());
  const Sample read = reader.read(1);
  EXPECT_EQ(read.active.values, holed.active.values);
  EXPECT_EQ(read.permeability.values[4], 0.0);
  EXPECT_EQ(read.pressure.values[4], 0.0);
  EXPECT_EQ(read.pressure.values[5], holed.pressure.values[5]);
  EXPECT_THROW(reader.refuse_inactive(), InvalidInput);
  const Field raw = ArrayReader(path, "pressure", {}).read(1);
  EXPECT_TRUE(std::isnan(raw.values[4]) && std::isnan(raw.values[7]) && !std::isnan(raw.values[5]));

  DatasetWriter merged(folder.path() / "merged.h5", info);
  merged.copy(0, reader);
  merged.close();
  EXPECT_EQ(DatasetReader(folder.path() / "merged.h5").read(1).active.values, holed.active.values);
  write(folder.path() / "plain.h5", 1);
  EXPECT_THROW(ArrayReader(folder.path() / "plain.h5", "active", {}), InvalidInput);
}

void expect_same_wells(const std::vector<PlacedWell>& a, const std::vector<PlacedWell>& b) {
  ASSERT_EQ(a.size(), b.size());
  const auto same = [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); };
  for (std::size_t w = 0; w < a.size(); ++w) {
    EXPECT_TRUE(a[w].x == b[w].x && a[w].y == b[w].y && a[w].radius == b[w].radius) << w;
    EXPECT_TRUE(same(a[w].rate, b[w].rate) && same(a[w].pressure, b[w].pressure)) << w;
  }
}

TEST(Dataset, KeepsTheWellsOfEachSample) {
  const TemporaryFolder folder;
  const DatasetReader reader(write_wells(folder));
  EXPECT_EQ(reader.info().most_wells, 2u);
  EXPECT_EQ(schema_version(reader.info()), kWellsSchemaVersion);
  for (std::size_t s = 0; s < 3; ++s) expect_same_wells(reader.read(s).wells, wells_of(s));
  DatasetWriter joined(folder.path() / "joined.h5", reader.info());
  joined.copy(0, reader);
  joined.close();
  expect_same_wells(DatasetReader(folder.path() / "joined.h5").read(2).wells, wells_of(2));

  Sample more = numbered_sample(0);
  more.wells = {wells_of(2)[0], wells_of(2)[0], wells_of(2)[0]};
  DatasetWriter none(folder.path() / "none.h5", small_info(1));
  EXPECT_THROW(none.write(0, more), InvalidInput);
}

TEST(Dataset, ReturnsWhatWasWritten) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "d.h5";
  write(path, 3);
  const DatasetReader reader(path);
  EXPECT_EQ(reader.info().grid, (Grid{5, 3, 2.0, 1.0}));
  EXPECT_EQ(reader.info().samples, 3u);
  EXPECT_EQ(reader.info().problem_name, "drive");
  EXPECT_EQ(reader.info().configuration, R"({"seed": 7})");
  EXPECT_DOUBLE_EQ(reader.info().tolerance, 1e-9);
  for (std::size_t s = 0; s < 3; ++s) {
    const Sample sample = reader.read(s);
    EXPECT_EQ(sample.permeability.values, numbered_sample(s).permeability.values);
    EXPECT_EQ(sample.pressure.values, numbered_sample(s).pressure.values);
    EXPECT_EQ(sample.number, s);
    EXPECT_EQ(sample.iterations, static_cast<int>(s) + 3);
    EXPECT_DOUBLE_EQ(sample.residual, 1e-11 * static_cast<double>(s));
  }
  EXPECT_THROW(reader.read(3), InvalidInput);
}

TEST(Dataset, KeepsItsUnits) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "d.h5";
  DatasetInfo info = small_info(1);
  info.units = {UnitSystem::field, 0.5, 30.0};
  DatasetWriter writer(path, info);
  writer.write(0, numbered_sample(0));
  writer.close();
  EXPECT_EQ(DatasetReader(path).info().units, info.units);
  const H5Handle file = h5_open(path);
  const H5Handle pressure(H5Dopen2(file, "pressure", H5P_DEFAULT));
  EXPECT_EQ(h5_read_text(pressure, "units"), "psi");

  write(folder.path() / "plain.h5", 1);  // consistent units leave no trace
  EXPECT_TRUE(DatasetReader(folder.path() / "plain.h5").info().units.consistent());
  const H5Handle plain = h5_open(folder.path() / "plain.h5");
  EXPECT_EQ(H5Aexists(plain, "units"), 0);
  EXPECT_EQ(h5_read_text(plain, "equation"), "-div(permeability grad pressure) = source");
}

TEST(Dataset, HasTheNamesOfOtherPrograms) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "d.h5";
  write(path, 2);
  for (const char* name : {"coeff", "nu"}) {
    EXPECT_EQ(ArrayReader(path, name, {}).read(1).values, numbered_sample(1).permeability.values) << name;
  }
  for (const char* name : {"sol", "tensor"}) {
    EXPECT_EQ(ArrayReader(path, name, {}).read(1).values, numbered_sample(1).pressure.values) << name;
  }
  const H5Handle file = h5_open(path);
  const H5Handle tensor(H5Dopen2(file, "tensor", H5P_DEFAULT));
  EXPECT_EQ(h5_shape_text(h5_shape(tensor)), "[2, 1, 3, 5]");
}

// Large enough that bytes of noise are stored and the others deflated; HDF5's own filters take it apart again.
TEST(Dataset, ChunksOfNoiseAndOfPlainNumbersComeBack) {
  const TemporaryFolder folder;
  std::mt19937_64 random(9);
  std::normal_distribution<double> normal;
  for (bool single : {false, true}) {
    DatasetInfo info = small_info(3);
    info.grid = {181, 97, 2.0, 1.0};
    info.single_precision = single;
    Sample sample;
    sample.permeability = Field(info.grid, 3.0);
    sample.pressure = Field(info.grid);
    std::vector<Sample> written;
    for (int s = 0; s < 3; ++s) {
      for (std::size_t c = 0; c < info.grid.cells(); ++c) {
        sample.permeability.values[c] = c % 7 < 3 ? 12.0 : 3.0;
        const double smooth = std::sin(1e-4 * static_cast<double>(c));
        const double value = s == 0 ? smooth : s == 1 ? normal(random) : static_cast<double>(c % 11);
        sample.pressure.values[c] = single ? static_cast<float>(value) : value;
      }
      written.push_back(sample);
    }
    const auto path = folder.path() / "large.h5";
    DatasetWriter writer(path, info);
    for (std::size_t s = 0; s < 3; ++s) writer.write(s, written[s]);
    writer.close();
    const DatasetReader reader(path);
    for (std::size_t s = 0; s < 3; ++s) {
      EXPECT_EQ(reader.read(s).pressure.values, written[s].pressure.values) << s;
      EXPECT_EQ(reader.read(s).permeability.values, written[s].permeability.values) << s;
    }
  }
}

TEST(Dataset, CopiesShardsAsTheyAre) {
  const TemporaryFolder folder;
  write(folder.path() / "shard.h5", 2);
  const auto path = folder.path() / "d.h5";
  DatasetWriter writer(path, small_info(3));
  writer.write(0, numbered_sample(9));
  writer.copy(1, DatasetReader(folder.path() / "shard.h5"));
  writer.close();
  const DatasetReader reader(path);
  EXPECT_EQ(reader.read(0).pressure.values, numbered_sample(9).pressure.values);
  EXPECT_EQ(reader.read(2).pressure.values, numbered_sample(1).pressure.values);
  EXPECT_EQ(reader.read(2).iterations, 4);
}

}  // namespace
}  // namespace mano
