#include "apps/pictures/vtk_image.hpp"

#include <vtkCallbackCommand.h>
#include <vtkCellData.h>
#include <vtkDataSetAttributes.h>
#include <vtkDoubleArray.h>
#include <vtkImageData.h>
#include <vtkNew.h>
#include <vtkPointData.h>
#include <vtkUnsignedCharArray.h>
#include <vtkXMLImageDataReader.h>
#include <vtkXMLImageDataWriter.h>

#include <limits>

#include "core/error.hpp"
#include "core/files.hpp"

namespace mano {

namespace {

// Reads without VTK's own output to standard error; throws where VTK reports an error.
vtkImageData* read_image(vtkXMLImageDataReader* reader, const std::filesystem::path& path) {
  check_readable(path);
  bool failed = false;
  vtkNew<vtkCallbackCommand> on_error;
  on_error->SetClientData(&failed);
  on_error->SetCallback(
      [](vtkObject*, unsigned long, void* flag, void*) { *static_cast<bool*>(flag) = true; });
  check(reader->CanReadFile(path.c_str()) != 0, "{} is not VTK image data", path.string());
  reader->AddObserver(vtkCommand::ErrorEvent, on_error);
  reader->SetFileName(path.c_str());
  reader->Update();
  check(!failed && reader->GetOutput() != nullptr, "{} cannot be read: it is truncated or damaged",
        path.string());
  return reader->GetOutput();
}

}  // namespace

void check_vtk() {}

void write_vti(const std::filesystem::path& path, const VtkImage& content) {
  const Grid& g = content.grid;
  vtkNew<vtkImageData> image;
  image->SetDimensions(g.nx + 1, g.ny + 1, 1);
  image->SetSpacing(g.hx(), g.hy(), 1.0);
  const double shift = content.location == Location::cell ? 0.0 : -0.5;
  image->SetOrigin(shift * g.hx(), shift * g.hy(), 0.0);
  for (const auto& [name, field] : content.scalars) {
    vtkNew<vtkDoubleArray> array;
    array->SetName(name.c_str());
    array->SetNumberOfTuples(static_cast<vtkIdType>(g.cells()));
    const Field shown = with_inactive(field, content.active, std::numeric_limits<double>::quiet_NaN());
    std::copy(shown.values.begin(), shown.values.end(), array->GetPointer(0));
    image->GetCellData()->AddArray(array);
  }
  for (const auto& [name, components] : content.vectors) {
    vtkNew<vtkDoubleArray> array;
    array->SetName(name.c_str());
    array->SetNumberOfComponents(3);
    array->SetNumberOfTuples(static_cast<vtkIdType>(g.cells()));
    for (std::size_t c = 0; c < g.cells(); ++c) {
      array->SetTuple3(static_cast<vtkIdType>(c), components.first.values[c], components.second.values[c],
                       0.0);
    }
    image->GetCellData()->AddArray(array);
  }
  if (!content.active.all()) {
    vtkNew<vtkUnsignedCharArray> ghosts;
    ghosts->SetName(vtkDataSetAttributes::GhostArrayName());
    ghosts->SetNumberOfTuples(static_cast<vtkIdType>(g.cells()));
    for (std::size_t c = 0; c < g.cells(); ++c)
      ghosts->SetValue(static_cast<vtkIdType>(c), content.active[c] ? 0 : vtkDataSetAttributes::HIDDENCELL);
    image->GetCellData()->AddArray(ghosts);
  }
  write_atomically(path, [&](const std::filesystem::path& temporary) {
    vtkNew<vtkXMLImageDataWriter> writer;
    writer->SetFileName(temporary.c_str());
    writer->SetInputData(image);
    if (writer->Write() == 0) throw RunFailed(fmt::format("cannot write {}", path.string()));
  });
}

Field read_vti(const std::filesystem::path& path, const std::string& name) {
  vtkNew<vtkXMLImageDataReader> reader;
  vtkImageData* image = read_image(reader, path);
  int points[3];
  double spacing[3];
  image->GetDimensions(points);
  image->GetSpacing(spacing);
  vtkDataArray* array = image->GetCellData()->GetArray(name.c_str());
  const int on_cells = array != nullptr ? 1 : 0;
  if (array == nullptr) array = image->GetPointData()->GetArray(name.c_str());
  check(array != nullptr, "{}: no array '{}'; --keyword picks another", path.string(), name);
  check(array->GetNumberOfComponents() == 1, "{}: array '{}' has {} components, expected 1", path.string(),
        name, array->GetNumberOfComponents());
  const int nz = std::max(points[2] - on_cells, 1);
  check(nz == 1 && points[0] > on_cells && points[1] > on_cells,
        "{}: the image is {}x{}x{}, expected a plane", path.string(), points[0], points[1], points[2]);
  Grid grid{points[0] - on_cells, points[1] - on_cells};
  grid.lx = spacing[0] * grid.nx;
  grid.ly = spacing[1] * grid.ny;
  check(array->GetNumberOfTuples() == static_cast<vtkIdType>(grid.cells()),
        "{}: array '{}' has {} values for {} cells", path.string(), name, array->GetNumberOfTuples(),
        grid.cells());
  Field field(grid);
  for (std::size_t c = 0; c < grid.cells(); ++c)
    field.values[c] = array->GetTuple1(static_cast<vtkIdType>(c));
  return field;
}

std::vector<std::string> describe_vti(const std::filesystem::path& path) {
  vtkNew<vtkXMLImageDataReader> reader;
  vtkImageData* image = read_image(reader, path);
  int points[3];
  double bounds[6];
  image->GetDimensions(points);
  image->GetBounds(bounds);
  std::vector<std::string> lines{fmt::format(
      "VTK image data, {}x{}x{} cells, [{}, {}] x [{}, {}]", std::max(points[0] - 1, 1),
      std::max(points[1] - 1, 1), std::max(points[2] - 1, 1), bounds[0], bounds[1], bounds[2], bounds[3])};
  for (int a = 0; a < image->GetCellData()->GetNumberOfArrays(); ++a) {
    vtkDataArray* array = image->GetCellData()->GetArray(a);
    if (array == nullptr) continue;
    std::string line = fmt::format("cell data '{}'", array->GetName());
    for (int c = 0; c < array->GetNumberOfComponents(); ++c) {
      double range[2];
      array->GetRange(range, c);
      line += fmt::format("{} {:.6g} to {:.6g}", c ? "," : ":", range[0], range[1]);
    }
    lines.push_back(line);
  }
  return lines;
}

}  // namespace mano
