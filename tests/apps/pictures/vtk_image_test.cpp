// .vti and .pvd read back by VTK's own readers, on a grid that is not square.
#include "apps/pictures/vtk_image.hpp"

#include <gtest/gtest.h>
#include <vtkCellData.h>
#include <vtkDataArray.h>
#include <vtkImageData.h>
#include <vtkNew.h>
#include <vtkXMLImageDataReader.h>

#include <cmath>

#include "core/error.hpp"
#include "core/files.hpp"
#include "temporary_folder.hpp"

namespace mano {
namespace {

Field numbered(const Grid& grid, double first) {
  Field f(grid);
  for (std::size_t c = 0; c < f.values.size(); ++c) f.values[c] = first + static_cast<double>(c);
  return f;
}

TEST(VtkImage, HasCellDataInTheOrderOfTheField) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "f.vti";
  const Grid grid{5, 3, 10.0, 1.5};
  write_vti(path, {.grid = grid,
                   .scalars = {{"permeability", numbered(grid, 1)}, {"pressure", numbered(grid, 100)}},
                   .vectors = {{"flux", {numbered(grid, 0), numbered(grid, 50)}}}});
  vtkNew<vtkXMLImageDataReader> reader;
  reader->SetFileName(path.c_str());
  reader->Update();
  vtkImageData* image = reader->GetOutput();
  EXPECT_EQ(image->GetNumberOfCells(), 15);
  double bounds[6];
  image->GetBounds(bounds);
  EXPECT_DOUBLE_EQ(bounds[1], 10.0);
  EXPECT_DOUBLE_EQ(bounds[3], 1.5);
  vtkDataArray* k = image->GetCellData()->GetArray("permeability");
  vtkDataArray* flux = image->GetCellData()->GetArray("flux");
  ASSERT_NE(k, nullptr);
  ASSERT_NE(flux, nullptr);
  // The cell that holds the point (7, 1.25): column 3, row 2.
  double point[3] = {7.0, 1.25, 0.0};
  double parametric[3], weights[8];
  int sub = 0;
  const vtkIdType cell = image->FindCell(point, nullptr, -1, 1e-9, sub, parametric, weights);
  EXPECT_EQ(k->GetTuple1(cell), 1 + 2 * 5 + 3);
  EXPECT_EQ(flux->GetTuple3(cell)[1], 50 + 13);
  EXPECT_EQ(flux->GetTuple3(cell)[2], 0);

  const Field read = read_vti(path, "pressure").values;
  EXPECT_EQ(read.grid, grid);
  EXPECT_EQ(read.values, numbered(grid, 100).values);
}

TEST(VtkImage, CentresCellsAtNodes) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "f.vti";
  const Grid grid{4, 2};
  write_vti(path, {.grid = grid, .location = Location::node, .scalars = {{"p", numbered(grid, 0)}}});
  vtkNew<vtkXMLImageDataReader> reader;
  reader->SetFileName(path.c_str());
  reader->Update();
  EXPECT_DOUBLE_EQ(reader->GetOutput()->GetOrigin()[0], -0.125);
}

TEST(VtkImage, KeepsItsOrigin) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "f.vti";
  const Grid grid{4, 2, 2.0, 1.0, 10.0, -20.0};
  write_vti(path, {.grid = grid, .scalars = {{"p", numbered(grid, 0)}}});
  const Field read = read_vti(path, "p").values;
  EXPECT_EQ(read.grid, grid);
  EXPECT_EQ(read.values, numbered(grid, 0).values);
}

TEST(VtkImage, IsRefusedCutOffAnywhere) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "f.vti";
  const Grid grid{4, 2};
  write_vti(path, {.grid = grid, .scalars = {{"p", numbered(grid, 0)}}});
  for (auto size = std::filesystem::file_size(path) - 3; size > 0; size -= 3) {
    std::filesystem::resize_file(path, size);
    EXPECT_THROW(read_vti(path, "p"), InvalidInput) << size;
    if (size < 4) break;
  }
}

TEST(VtkImage, RefusesWhatItCannotUse) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "f.vti";
  EXPECT_THROW(read_vti(path, "p"), InvalidInput);
  write_text_atomically(path, "not XML");
  EXPECT_THROW(read_vti(path, "p"), InvalidInput);
  const Grid grid{4, 2};
  write_vti(path, {.grid = grid, .scalars = {{"p", numbered(grid, 0)}}});
  EXPECT_THROW(read_vti(path, "absent"), InvalidInput);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  EXPECT_THROW(read_vti(path, "p"), InvalidInput);
}

TEST(VtkImage, TellsHiddenCells) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "f.vti";
  const Grid grid{3, 2};
  CellMask active{grid, {1, 1, 0, 1, 1, 1}};
  write_vti(path, {.grid = grid, .active = active, .scalars = {{"p", numbered(grid, 0)}}});
  const ImageField read = read_vti(path, "p");
  EXPECT_EQ(read.active, active);
  EXPECT_TRUE(std::isnan(read.values(2, 0)));
  EXPECT_EQ(read.values(0, 1), 3);
  write_vti(path, {.grid = grid, .scalars = {{"p", numbered(grid, 0)}}});
  EXPECT_TRUE(read_vti(path, "p").active.all());
}

TEST(VtkImage, HasTheLayersOfAVolumeFromTheTop) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "f.vti";
  const Grid grid{
      .nx = 4, .ny = 3, .lx = 40.0, .ly = 15.0, .x0 = 1.0, .y0 = 2.0, .nz = 2, .lz = 5.0, .z0 = 1000.0};
  CellMask active{grid, std::vector<std::uint8_t>(grid.cells(), 1)};
  active.values[grid.index(1, 2, 1)] = 0;
  write_vti(path, {.grid = grid,
                   .active = active,
                   .scalars = {{"p", numbered(grid, 0)}},
                   .vectors = {{"flux", {numbered(grid, 0), numbered(grid, 50), numbered(grid, 100)}}}});
  vtkNew<vtkXMLImageDataReader> reader;
  reader->SetFileName(path.c_str());
  reader->Update();
  vtkImageData* image = reader->GetOutput();
  ASSERT_EQ(image->GetNumberOfCells(), 24);
  double bounds[6];
  image->GetBounds(bounds);
  EXPECT_DOUBLE_EQ(bounds[4], 1000.0);
  EXPECT_DOUBLE_EQ(bounds[5], 1005.0);
  double point[3] = {25.0, 8.0, 1003.0};  // column 2, row 1, layer 1
  double parametric[3], weights[8];
  int sub = 0;
  const vtkIdType cell = image->FindCell(point, nullptr, -1, 1e-9, sub, parametric, weights);
  EXPECT_EQ(image->GetCellData()->GetArray("p")->GetTuple1(cell), grid.index(2, 1, 1));
  EXPECT_EQ(image->GetCellData()->GetArray("flux")->GetTuple3(cell)[2], 100 + grid.index(2, 1, 1));

  const ImageField read = read_vti(path, "p");
  EXPECT_EQ(read.values.grid, grid);
  EXPECT_EQ(read.active, active);
  EXPECT_EQ(read.values(3, 2, 1), 23);
  EXPECT_TRUE(std::isnan(read.values(1, 2, 1)));
}

TEST(VtkImage, TurnsAVolumeBackThatRunsUpward) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "f.vti";
  const Grid grid{.nx = 3, .ny = 2, .nz = 4, .lz = 8.0};
  write_vti(path, {.grid = grid, .scalars = {{"p", numbered(grid, 0)}}});
  std::string text = read_text(path);
  const std::string direction = "Direction=\"1 0 0 0 1 0 0 0 1\"";
  ASSERT_NE(text.find(direction), std::string::npos);
  text.replace(text.find(direction), direction.size(), "Direction=\"1 0 0 0 1 0 0 0 -1\"");
  write_text_atomically(path, text);
  const Field read = read_vti(path, "p").values;
  EXPECT_EQ(read.grid.z0, -8.0);
  for (int k = 0; k < 4; ++k) EXPECT_EQ(read(1, 1, k), grid.index(1, 1, 3 - k));
}

TEST(VtkImage, FindsAnArrayByItsNameWithoutTheUnit) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "f.vti";
  const Grid grid{3, 2};
  write_vti(path, {.grid = grid,
                   .scalars = {{"permeability_y [mD]", numbered(grid, 1)},
                               {"permeability [mD]", numbered(grid, 0)}}});
  const ImageField read = read_vti(path, "permeability");
  EXPECT_EQ(read.name, "permeability [mD]");
  EXPECT_EQ(read.values(1, 0), 1);
  EXPECT_EQ(read.names, (std::vector<std::string>{"permeability_y [mD]", "permeability [mD]"}));
  try {
    read_vti(path, "perm");
    FAIL();
  } catch (const InvalidInput& e) {
    EXPECT_NE(std::string(e.what()).find("permeability_y [mD], permeability [mD]"), std::string::npos)
        << e.what();
  }
}

TEST(Pvd, NamesImagesWithTheirTimes) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "c.pvd";
  write_pvd(path, {{"a.vti", 0, 0}, {"b.vti", 1, 2}});
  const std::string text = read_text(path);
  EXPECT_NE(text.find("timestep=\"1\" group=\"\" part=\"2\" file=\"b.vti\""), std::string::npos) << text;
}

}  // namespace
}  // namespace mano
