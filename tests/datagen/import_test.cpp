#include "datagen/import.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "datagen/dataset.hpp"
#include "datagen/hdf5_handle.hpp"
#include "temporary_folder.hpp"

namespace mano {
namespace {

template <typename T>
void write_array(hid_t file, const char* name, hid_t type, const std::vector<hsize_t>& shape,
                 const std::vector<T>& values) {
  const H5Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr));
  const H5Handle dataset(H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  ASSERT_GE(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), 0);
}

class Import : public ::testing::Test {
 protected:
  ImportRequest request() const {
    ImportRequest r;
    r.input = folder_.path() / "in.h5";
    r.output = folder_.path() / "out.h5";
    r.problem_name = kUnknownProblem;
    r.configuration = "{}";
    return r;
  }
  TemporaryFolder folder_;
};

TEST_F(Import, MapsPhasesAndKeepsLocationAndSize) {
  {
    const H5Handle file = h5_create(folder_.path() / "in.h5");
    write_array<unsigned char>(file, "coeff", H5T_NATIVE_UCHAR, {2, 2, 3},
                               {0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0});
    write_array<float>(file, "sol", H5T_NATIVE_FLOAT, {2, 1, 2, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  }
  auto r = request();
  r.phases = {3.0, 12.0};
  r.location = Location::node;
  r.size = {2.0, 1.0, 1.0};
  EXPECT_EQ(import_dataset(r).samples, 2u);
  const DatasetReader reader(r.output);
  EXPECT_EQ(reader.info().grid, (Grid{3, 2, 2.0, 1.0}));
  EXPECT_EQ(reader.info().location, Location::node);
  EXPECT_EQ(reader.read(0).permeability.values, (std::vector<double>{3, 12, 12, 3, 3, 12}));
  EXPECT_EQ(reader.read(1).pressure.values, (std::vector<double>{6, 7, 8, 9, 10, 11}));
}

TEST_F(Import, TakesVolumesWhereAxesNameTheLayers) {
  {
    const H5Handle file = h5_create(folder_.path() / "in.h5");
    std::vector<double> values(24);
    for (int v = 0; v < 24; ++v) values[v] = 100 + v;
    write_array<double>(file, "k", H5T_NATIVE_DOUBLE, {2, 3, 2, 2}, values);  // n, x, y, z
    write_array<double>(file, "p", H5T_NATIVE_DOUBLE, {2, 3, 2, 2}, values);
    write_array<int>(file, "on", H5T_NATIVE_INT, {3, 2, 2}, {1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1});
  }
  auto r = request();
  EXPECT_THROW(import_dataset(r), InvalidInput);  // times, layers, or what?
  r.arrays.axes = "n,x,y,z";
  r.active = "on";
  r.size = {3.0, 2.0, 0.5};
  EXPECT_EQ(import_dataset(r).samples, 2u);
  EXPECT_THROW(DatasetReader{r.output}, InvalidInput);
  const DatasetReader reader(r.output, DatasetKind::any);
  EXPECT_EQ(reader.info().grid.resolution(), "3x2x2");
  EXPECT_EQ(reader.info().grid.size(), "3x2x0.5");
  const Sample sample = reader.read(1);
  EXPECT_EQ(sample.permeability(1, 0, 1), 112 + 4 + 1);
  EXPECT_EQ(sample.permeability(2, 1, 0), 112 + 8 + 2);
  EXPECT_EQ(sample.active.inactive(), 1u);
  EXPECT_FALSE(sample.active(1, 1, 1));
  // Our own file is no array whose layers could be times.
  r.input = r.output;
  r.output = folder_.path() / "again.h5";
  r.active.clear();
  r.arrays = {.time_step = 0};
  EXPECT_THROW(import_dataset(r), InvalidInput);
  EXPECT_FALSE(std::filesystem::exists(r.output));
}

TEST_F(Import, RefusesBadValuesWithSampleAndCellAndLeavesNoFile) {
  {
    const H5Handle file = h5_create(folder_.path() / "in.h5");
    write_array<double>(file, "nu", H5T_NATIVE_DOUBLE, {2, 1, 2}, {1, 2, 3, -4});
    write_array<double>(file, "tensor", H5T_NATIVE_DOUBLE, {2, 1, 1, 2}, {1, 2, 3, 4});
    write_array<double>(file, "flat", H5T_NATIVE_DOUBLE, {4}, {1, 2, 3, 4});
    write_array<double>(file, "other", H5T_NATIVE_DOUBLE, {2, 2, 1}, {1, 2, 3, 4});
  }
  auto r = request();
  try {
    import_dataset(r);
    ADD_FAILURE();
  } catch (const InvalidInput& e) {
    EXPECT_NE(std::string(e.what()).find("sample 1"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("(1, 0)"), std::string::npos) << e.what();
  }
  EXPECT_FALSE(std::filesystem::exists(r.output));
  r.phases = {3.0, 12.0};
  EXPECT_THROW(import_dataset(r), InvalidInput);  // 2 is neither 0 nor 1
  r.phases.reset();
  r.coefficient = "flat";
  EXPECT_THROW(import_dataset(r), InvalidInput);
  r.coefficient = "tensor";
  r.solution = "other";
  EXPECT_THROW(import_dataset(r), InvalidInput);
  r.solution = "absent";
  EXPECT_THROW(import_dataset(r), InvalidInput);
}

}  // namespace
}  // namespace mano
