// Random fields, datasets and GRDECL files of volumes.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <numbers>

#include "core/error.hpp"
#include "datagen/dataset.hpp"
#include "datagen/field_sampler.hpp"
#include "datagen/grdecl.hpp"
#include "datagen/normal_row.hpp"
#include "datagen/random_field.hpp"
#include "datagen/volume_gaussian.hpp"
#include "temporary_folder.hpp"

namespace mano {
namespace {

Grid box(int nx, int ny, int nz, double lx = 1.0, double ly = 1.0, double lz = 1.0) {
  Grid grid{nx, ny, lx, ly};
  grid.nz = nz;
  grid.lz = lz;
  return grid;
}

FieldSpec spec_of(const std::string& kind) {
  FieldSpec spec;
  spec.kind = kind;
  spec.correlation_length_x = spec.correlation_length_y = 0.3;
  spec.correlation_length_z = 0.15;
  return spec;
}

// The centre of a cell is that of the middle one of the 27 that it is divided into.
TEST(VolumeField, IsOneFieldOnEveryGrid) {
  for (const char* kind : {"lognormal", "two-phase", "layered", "channels"}) {
    const FieldSpec spec = spec_of(kind);
    const Field coarse = draw_field(spec, 5, 2, box(5, 4, 3, 2.0, 1.0, 0.5));
    const Field fine = draw_field(spec, 5, 2, box(15, 12, 9, 2.0, 1.0, 0.5));
    for (int k = 0; k < 3; ++k) {
      for (int j = 0; j < 4; ++j) {
        for (int i = 0; i < 5; ++i)
          EXPECT_NEAR(std::log(fine(3 * i + 1, 3 * j + 1, 3 * k + 1)), std::log(coarse(i, j, k)), 1e-9)
              << kind;
      }
    }
    EXPECT_NE(draw_field(spec, 5, 3, coarse.grid).values, coarse.values) << kind;
  }
}

// Mean of products of log k at no lag, and at two cells along x, y and z, over samples and cells.
std::array<double, 4> covariances(const FieldSpec& spec, const Grid& grid, int samples) {
  std::array<double, 4> sum{};
  int count = 0;
  for (int s = 0; s < samples; ++s) {
    const Field k = draw_field(spec, 1, s, grid);
    for (int z = 0; z + 2 < grid.nz; z += 2) {
      for (int y = 0; y + 2 < grid.ny; y += 2) {
        for (int x = 0; x + 2 < grid.nx; x += 2) {
          const double here = std::log(k(x, y, z));
          sum[0] += here * here;
          sum[1] += here * std::log(k(x + 2, y, z));
          sum[2] += here * std::log(k(x, y + 2, z));
          sum[3] += here * std::log(k(x, y, z + 2));
          ++count;
        }
      }
    }
  }
  for (double& value : sum) value /= count;
  return sum;
}

TEST(VolumeField, LognormalHasItsCovarianceAlongEachAxis) {
  FieldSpec spec = spec_of("lognormal");
  spec.correlation_length_x = 0.5;
  spec.correlation_length_y = 0.25;
  spec.correlation_length_z = 0.1;
  spec.smoothness = 1.5;
  const auto matern = [](double r) { return (1 + std::sqrt(3) * r) * std::exp(-std::sqrt(3) * r); };
  const auto found = covariances(spec, box(10, 12, 14, 1.0, 1.0, 0.7), 300);
  constexpr double kSampling = 0.06;  // of 300 samples, some ten of them independent within a field
  EXPECT_NEAR(found[0], 1.0, kSampling);
  EXPECT_NEAR(found[1], matern(0.2 / 0.5), kSampling);
  EXPECT_NEAR(found[2], matern(2.0 / 12 / 0.25), kSampling);
  EXPECT_NEAR(found[3], matern(0.1 / 0.1), kSampling);
}

// The definition of volume_gaussian.hpp, summed.
TEST(VolumeField, TwoPhaseGaussianIsTheSumOfItsCosines) {
  using std::numbers::pi;
  const Grid grid = box(70, 5, 9, 2.0, 1.0, 0.5);
  const Field g = draw_volume_neumann_gaussian(3.0, 7, 4, grid);
  const CounterRandom random(7, kVolumeNeumannStream, 4);
  for (const auto [i, j, k] : {std::array{0, 0, 0}, {69, 4, 8}, {33, 2, 1}}) {
    double sum = 0.0;
    std::array<double, 64> numbers;
    for (int o = 0; o < 64; ++o) {
      for (int n = 0; n < 64; ++n) {
        draw_normal_row(random, n, o, 64, numbers.data());
        for (int m = n + o == 0 ? 1 : 0; m < 64; ++m) {
          const double c = std::sqrt((m > 0 ? 2 : 1) * (n > 0 ? 2 : 1) * (o > 0 ? 2 : 1) / (2.0 * 1.0 * 0.5));
          const double root = pi * pi * (m * m / 4.0 + n * n + o * o / 0.25) + 9.0;
          sum += numbers[m] / root * c * std::cos(pi * m * (i + 0.5) / 70) *
                 std::cos(pi * n * (j + 0.5) / 5) * std::cos(pi * o * (k + 0.5) / 9);
        }
      }
    }
    EXPECT_NEAR(g(i, j, k), sum, 1e-12);
  }
}

// Thin layers, lengths of twice the domain, fewer points than modes: the torus is folded as often as need be.
TEST(VolumeField, IsOneFieldOnThinAndCoarseGridsToo) {
  FieldSpec spec = spec_of("lognormal");
  spec.correlation_length_x = 4.0;
  spec.correlation_length_z = 0.02;
  const Field coarse = draw_field(spec, 5, 2, box(1, 3, 2, 2.0, 1.0, 0.01));
  const Field fine = draw_field(spec, 5, 2, box(3, 9, 6, 2.0, 1.0, 0.01));
  for (int k = 0; k < 2; ++k) {
    for (int j = 0; j < 3; ++j)
      EXPECT_NEAR(std::log(fine(1, 3 * j + 1, 3 * k + 1)), std::log(coarse(0, j, k)), 1e-9);
  }
}

TEST(NormalRow, IsBoxAndMullersTransformOfItsWords) {
  using std::numbers::pi;
  const CounterRandom random(3, kVolumeMaternStream, 9);
  std::vector<double> numbers(258);
  double mean = 0, variance = 0, fourth = 0;
  constexpr int kRows = 2000;
  for (int row = 0; row < kRows; ++row) {
    draw_normal_row(random, row, -row, 257, numbers.data());
    for (int p = 0; p < 129; ++p) {
      const auto words = random.bits(row, -row, p / 2);
      const auto fraction = [&](int w) {
        return std::ldexp(static_cast<double>(words[2 * (p % 2) + w] >> 12), -52);
      };
      const double length = std::sqrt(-2 * std::log(1 - fraction(0)));
      ASSERT_NEAR(numbers[2 * p], length * std::cos(2 * pi * fraction(1)), 1e-14 * std::max(1.0, length));
      ASSERT_NEAR(numbers[2 * p + 1], length * std::sin(2 * pi * fraction(1)), 1e-14 * std::max(1.0, length));
    }
    for (int n = 0; n < 257; ++n) {
      mean += numbers[n];
      variance += numbers[n] * numbers[n];
      fourth += std::pow(numbers[n], 4);
    }
  }
  constexpr double kCount = 257.0 * kRows;
  EXPECT_NEAR(mean / kCount, 0.0, 5 / std::sqrt(kCount));
  EXPECT_NEAR(variance / kCount, 1.0, 5 * std::sqrt(2 / kCount));
  EXPECT_NEAR(fourth / kCount, 3.0, 5 * std::sqrt(96 / kCount));
  // A shorter row is the beginning of a longer one.
  std::vector<double> few(4);
  draw_normal_row(random, 1999, -1999, 3, few.data());
  EXPECT_TRUE(std::equal(few.begin(), few.begin() + 3, numbers.begin()));
}

TEST(VolumeField, LayersAndChannelsLieInLayers) {
  FieldSpec spec = spec_of("layered");
  const Grid grid = box(6, 5, 40);
  const Field k = draw_field(spec, 1, 0, grid);
  int jumps = 0;
  for (int z = 0; z < 40; ++z) {
    for (std::size_t c = 0; c < grid.layer(); ++c) EXPECT_EQ(k.values[z * grid.layer() + c], k(0, 0, z));
    jumps += z > 0 && k(0, 0, z) != k(0, 0, z - 1);
  }
  EXPECT_GE(jumps, 4);
  EXPECT_LE(jumps, 7);
  spec = spec_of("channels");
  spec.layers = 2;
  const Field belts = draw_field(spec, 1, 0, grid);
  EXPECT_EQ(belts(3, 2, 0), belts(3, 2, 19));
  bool differ = false;
  for (std::size_t c = 0; c < grid.layer(); ++c)
    differ = differ || belts.values[c] != belts.values[20 * grid.layer() + c];
  EXPECT_TRUE(differ);
}

TEST(VolumeField, RefusesWhatItCannotDraw) {
  FieldSpec spec = spec_of("lognormal");
  spec.correlation_length_z = 3;
  EXPECT_THROW(draw_field(spec, 0, 0, box(4, 4, 4)), InvalidInput);
  EXPECT_NO_THROW(draw_field(spec, 0, 0, Grid{4, 4}));
  // What is of the plane alone does not take the first layer for the volume.
  spec.correlation_length_z = 0.1;
  EXPECT_THROW(draw_matern_gaussian(spec, 0, 0, box(4, 4, 4)), InvalidInput);
  EXPECT_THROW(draw_neumann_gaussian(3.0, 0, 0, box(4, 4, 4)), InvalidInput);
  EXPECT_THROW(draw_resolved_two_phase(spec, 0, 0, box(4, 4, 4)), InvalidInput);
  EXPECT_THROW(FieldSampler(spec, 0, {{box(4, 4, 4)}}), InvalidInput);
}

TEST(VolumeDataset, ComesBackAndIsRefusedByThoseWhoTakeFlatGridsAlone) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "v.h5";
  DatasetInfo info;
  info.grid = box(4, 3, 2, 2.0, 1.5, 0.5);
  info.grid.z0 = 100;
  info.samples = 2;
  info.problem_name = "drive";
  info.has_inactive = true;
  Sample sample;
  sample.permeability = draw_field(spec_of("lognormal"), 1, 0, info.grid);
  sample.pressure = draw_field(spec_of("lognormal"), 1, 1, info.grid);
  sample.active = {info.grid, std::vector<std::uint8_t>(info.grid.cells(), 1)};
  sample.active.values[13] = 0;
  {
    DatasetWriter writer(path, info);
    for (int s = 0; s < 2; ++s) writer.write(s, sample);
    writer.close();
  }
  const DatasetReader reader(path, DatasetKind::any);
  EXPECT_EQ(reader.info().grid, info.grid);
  const Sample read = reader.read(1);
  EXPECT_EQ(read.permeability.values, sample.permeability.values);
  EXPECT_EQ(read.active.values, sample.active.values);
  EXPECT_EQ(read.pressure.values[13], 0.0);
  EXPECT_EQ(read.pressure.values[14], sample.pressure.values[14]);
  EXPECT_THROW(DatasetReader{path}, InvalidInput);
  EXPECT_THROW(DatasetReader(path, DatasetKind::displacement), InvalidInput);
}

// Of 8 layers 5 fit into a chunk: the second one is filled up.
TEST(VolumeDataset, IsWrittenCopiedAndReadInChunksOfLayers) {
  const TemporaryFolder folder;
  DatasetInfo info;
  info.grid = box(320, 320, 8);
  info.samples = 1;
  info.problem_name = "drive";
  info.has_inactive = true;
  Sample sample;
  sample.permeability = Field(info.grid);
  for (std::size_t c = 0; c < info.grid.cells(); ++c)
    sample.permeability.values[c] = 1.0 + static_cast<double>(c);
  sample.pressure = sample.permeability;
  sample.active = {info.grid, std::vector<std::uint8_t>(info.grid.cells(), 1)};
  sample.active.values[7 * info.grid.layer() + 3] = 0;
  for (const bool single : {false, true}) {
    info.single_precision = single;
    const auto one = folder.path() / (single ? "one32.h5" : "one.h5");
    const auto two = folder.path() / (single ? "two32.h5" : "two.h5");
    info.samples = 1;
    DatasetWriter writer(one, info);
    writer.write(0, sample);
    writer.close();
    info.samples = 2;
    DatasetWriter copy(two, info);
    copy.copy(1, DatasetReader(one, DatasetKind::any));
    copy.copy(0, DatasetReader(one, DatasetKind::any));
    copy.close();
    const Sample read = DatasetReader(two, DatasetKind::any).read(1);
    EXPECT_EQ(read.permeability.values, sample.permeability.values);
    EXPECT_EQ(read.active.values, sample.active.values);
    EXPECT_EQ(read.pressure.values.back(), sample.pressure.values.back());
  }
  // A sample that was not written is not read as zeros.
  info.samples = 2;
  const auto half = folder.path() / "half.h5";
  DatasetWriter writer(half, info);
  writer.write(0, sample);
  writer.close();
  EXPECT_THROW(DatasetReader(half, DatasetKind::any).read(1), InvalidInput);
}

TEST(VolumeGrdecl, IsReadWholeWhereVolumesAreTaken) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "k.grdecl";
  std::ofstream(path) << "SPECGRID\n3 2 2 1 F /\nPERMX\n1 2 3 4 5 6 7 8 9 10 11 12 /\n";
  GrdeclOptions options;
  EXPECT_THROW(read_grdecl(path, options), InvalidInput);
  options.whole = true;
  const Field k = read_grdecl(path, options);
  EXPECT_EQ(k.grid.resolution(), "3x2x2");
  EXPECT_EQ(k(2, 1, 0), 6.0);
  EXPECT_EQ(k(0, 0, 1), 7.0);
  options.layer = 2;
  EXPECT_EQ(read_grdecl(path, options).grid.resolution(), "3x2");
}

}  // namespace
}  // namespace mano
