#include "apps/pictures/vtk_image.hpp"

#include <fmt/ranges.h>
#include <vtkCellData.h>
#include <vtkDataSetAttributes.h>
#include <vtkDoubleArray.h>
#include <vtkErrorCode.h>
#include <vtkImageData.h>
#include <vtkLogger.h>
#include <vtkMatrix3x3.h>
#include <vtkNew.h>
#include <vtkObjectFactory.h>
#include <vtkPointData.h>
#include <vtkUnsignedCharArray.h>
#include <vtkXMLImageDataReader.h>
#include <vtkXMLImageDataWriter.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "apps/pictures/image_encoding.hpp"
#include "core/error.hpp"
#include "core/files.hpp"

namespace mano {

namespace {

// Tells whether something failed, which VTK keeps to itself and says in messages alone.
class ImageReader : public vtkXMLImageDataReader {
 public:
  static ImageReader* New();
  vtkTypeMacro(ImageReader, vtkXMLImageDataReader);
  bool failed() const { return InformationError != 0 || DataError != 0; }
};
vtkStandardNewMacro(ImageReader);

// VTK's messages would go to standard error; of an array that is too short, VTK 9.1 even crashes on making one.
class WithoutVtkMessages {
 public:
  WithoutVtkMessages() : before_(vtkObject::GetGlobalWarningDisplay()) {
    vtkObject::GlobalWarningDisplayOff();
    vtkLogger::SetStderrVerbosity(vtkLogger::VERBOSITY_OFF);
  }
  ~WithoutVtkMessages() {
    vtkLogger::SetStderrVerbosity(vtkLogger::VERBOSITY_INFO);
    vtkObject::SetGlobalWarningDisplay(before_);
  }

 private:
  int before_;
};

// Of raw data that is cut off, VTK leaves the rest as the memory happened to be.
bool has_end(const std::string& text) {
  return text.find("</VTKFile>", text.size() - std::min<std::size_t>(text.size(), 256)) != std::string::npos;
}

// Reads without VTK's own output, and the text of the file besides; throws where VTK reports an error.
vtkImageData* read_image(ImageReader* reader, const std::filesystem::path& path, std::string& text) {
  check_readable(path);
  const WithoutVtkMessages quiet;
  check(reader->CanReadFile(path.c_str()) != 0, "{} is not VTK image data", path.string());
  text = read_text(path);
  check_image_encoding(text, path.string());
  reader->SetFileName(path.c_str());
  reader->Update();
  check(!reader->failed() && has_end(text) && reader->GetOutput() != nullptr,
        "{} cannot be read: it is truncated or damaged", path.string());
  return reader->GetOutput();
}

// VTK leaves what no piece of the file covers as the memory happened to be.
void check_pieces(vtkImageData* image, bool on_cells, const std::string& text, const std::string& path) {
  int whole[6];
  image->GetExtent(whole);
  const int more = on_cells ? 0 : 1;
  int n[3];  // of values along the axes
  for (int d = 0; d < 3; ++d) n[d] = std::max(whole[2 * d + 1] - whole[2 * d] + more, 1);
  std::vector<char> covered(static_cast<std::size_t>(n[0]) * n[1] * n[2], 0);
  const std::size_t end = std::min(text.find("<AppendedData"), text.size());
  std::size_t at = 0;
  while ((at = text.find("<Piece", at + 1)) < end) {
    const std::size_t begin = text.find("Extent=", at);
    int e[6];
    if (begin >= end ||
        std::sscanf(text.c_str() + begin + 8, "%d %d %d %d %d %d", e, e + 1, e + 2, e + 3, e + 4, e + 5) != 6)
      continue;
    int from[3];
    int to[3];
    for (int d = 0; d < 3; ++d) {
      from[d] = std::max(e[2 * d] - whole[2 * d], 0);
      to[d] = std::min(e[2 * d + 1] - whole[2 * d] + more, n[d]);
      if (whole[2 * d] == whole[2 * d + 1]) to[d] = n[d];  // flat: one layer of values
    }
    for (int k = from[2]; k < to[2]; ++k) {
      for (int j = from[1]; j < to[1]; ++j) {
        for (int i = from[0]; i < to[0]; ++i)
          covered[(static_cast<std::size_t>(k) * n[1] + j) * n[0] + i] = 1;
      }
    }
  }
  check(std::find(covered.begin(), covered.end(), 0) == covered.end(),
        "{}: the pieces do not cover the whole extent", path);
}

// How the rows, columns and layers of an image lie. Its first axis may be x or y, and each may run backwards.
struct ImageAxes {
  Grid grid;
  bool exchanged = false;
  bool x_backwards = false;
  bool y_backwards = false;
  bool z_backwards = false;

  // Where the file holds the value of a cell.
  vtkIdType source(int i, int j, int k) const {
    const int x = x_backwards ? grid.nx - 1 - i : i;
    const int y = y_backwards ? grid.ny - 1 - j : j;
    const int z = z_backwards ? grid.nz - 1 - k : k;
    return static_cast<vtkIdType>(z) * static_cast<vtkIdType>(grid.layer()) +
           (exchanged ? static_cast<vtkIdType>(x) * grid.ny + y : static_cast<vtkIdType>(y) * grid.nx + x);
  }
};

ImageAxes axes_of(vtkImageData* image, bool on_cells, const std::string& path) {
  const double* const d = image->GetDirectionMatrix()->GetData();
  const auto is = [&](int entry, double size) { return std::abs(std::abs(d[entry]) - size) < 1e-9; };
  const bool in_plane = is(2, 0) && is(5, 0) && is(6, 0) && is(7, 0);
  const bool straight = is(0, 1) && is(4, 1) && is(1, 0) && is(3, 0);
  ImageAxes axes;
  axes.exchanged = is(1, 1) && is(3, 1) && is(0, 0) && is(4, 0);
  check(in_plane && (straight || axes.exchanged),
        "{}: the image's direction is {:g} {:g} {:g} {:g} {:g} {:g} {:g} {:g} {:g}; only mirrored images and "
        "those turned by 90 degrees in the plane are understood",
        path, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8]);
  int extent[6];
  double spacing[3];
  double origin[3];
  image->GetExtent(extent);
  image->GetSpacing(spacing);
  image->GetOrigin(origin);
  // Along x, y or z: its axis of the image, whether that runs backwards, number of cells, their size, and the lower end.
  const auto along = [&](int axis, double direction, double zero, int& n, double& length, double& low) {
    n = extent[2 * axis + 1] - extent[2 * axis] + (on_cells ? 0 : 1);
    check(n > 0 && std::isfinite(spacing[axis]) && spacing[axis] > 0 && std::isfinite(zero),
          "{}: {} cells of size {} at {}", path, n, spacing[axis], zero);
    length = n * spacing[axis];
    const double first = spacing[axis] * (extent[2 * axis] - (on_cells ? 0.0 : 0.5));
    low = zero + (direction < 0 ? -first - length : first);
    return direction < 0;
  };
  Grid& g = axes.grid;
  const int x = axes.exchanged ? 1 : 0;
  axes.x_backwards = along(x, axes.exchanged ? d[1] : d[0], origin[0], g.nx, g.lx, g.x0);
  axes.y_backwards = along(1 - x, axes.exchanged ? d[3] : d[4], origin[1], g.ny, g.ly, g.y0);
  if (extent[5] - extent[4] > (on_cells ? 1 : 0)) {
    check(is(8, 1), "{}: the image's third axis is not along z", path);
    axes.z_backwards = along(2, d[8], origin[2], g.nz, g.lz, g.z0);
  }
  return axes;
}

// Of cells, then of points.
std::array<vtkDataSetAttributes*, 2> attributes_of(vtkImageData* image) {
  return {image->GetCellData(), image->GetPointData()};
}

std::vector<std::string> names_of(vtkDataSetAttributes* data) {
  std::vector<std::string> names;
  for (int a = 0; a < data->GetNumberOfArrays(); ++a) {
    if (const char* name = data->GetArrayName(a)) names.emplace_back(name);
  }
  return names;
}

// The array of that name, or of that name with a unit, and whether it is one of cells.
std::pair<vtkDataArray*, bool> find_array(vtkImageData* image, const std::string& wanted) {
  for (const bool with_unit : {false, true}) {
    for (vtkDataSetAttributes* data : attributes_of(image)) {
      for (const std::string& name : names_of(data)) {
        const bool same = with_unit ? name.starts_with(wanted + " [") && name.ends_with("]") : name == wanted;
        vtkDataArray* array = same ? data->GetArray(name.c_str()) : nullptr;
        if (array != nullptr) return {array, data == image->GetCellData()};
      }
    }
  }
  return {nullptr, false};
}

Field field_of(vtkDataArray* array, const ImageAxes& axes, const std::string& path) {
  Field field(axes.grid);
  check(array->GetNumberOfTuples() == static_cast<vtkIdType>(field.grid.cells()),
        "{}: array '{}' has {} values for {} cells", path, array->GetName(), array->GetNumberOfTuples(),
        field.grid.cells());
  for (int k = 0; k < field.grid.nz; ++k) {
    for (int j = 0; j < field.grid.ny; ++j) {
      for (int i = 0; i < field.grid.nx; ++i) field(i, j, k) = array->GetTuple1(axes.source(i, j, k));
    }
  }
  return field;
}

// VTK's codes are errno's, and others above them.
std::string reason_of(unsigned long error) {
  if (error == vtkErrorCode::OutOfDiskSpaceError) return std::strerror(ENOSPC);
  return vtkErrorCode::GetStringFromErrorCode(error);
}

}  // namespace

void check_vtk() {}

void write_vti(const std::filesystem::path& path, const VtkImage& content) {
  const Grid& g = content.grid;
  vtkNew<vtkImageData> image;
  image->SetDimensions(g.nx + 1, g.ny + 1, g.flat() ? 1 : g.nz + 1);
  image->SetSpacing(g.hx(), g.hy(), g.flat() ? 1.0 : g.hz());
  const double shift = content.location == Location::cell ? 0.0 : -0.5;
  image->SetOrigin(g.x0 + shift * g.hx(), g.y0 + shift * g.hy(), g.flat() ? 0.0 : g.z0 + shift * g.hz());
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
      array->SetTuple3(static_cast<vtkIdType>(c), components.x.values[c], components.y.values[c],
                       components.z.values.empty() ? 0.0 : components.z.values[c]);
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
    const WithoutVtkMessages quiet;
    const bool written = writer->Write() != 0;  // of a full disk, the code alone tells
    const unsigned long error = writer->GetErrorCode();
    if (!written || error != vtkErrorCode::NoError)
      throw RunFailed(fmt::format("cannot write {}: {}", path.string(), reason_of(error)));
  });
}

ImageField read_vti(const std::filesystem::path& path, const std::string& wanted) {
  vtkNew<ImageReader> reader;
  std::string text;
  vtkImageData* image = read_image(reader, path, text);
  ImageField result;
  for (vtkDataSetAttributes* data : attributes_of(image)) {
    const auto names = names_of(data);
    result.names.insert(result.names.end(), names.begin(), names.end());
  }
  const auto [array, on_cells] = find_array(image, wanted);
  check(array != nullptr, "{}: no array '{}', but {}; --keyword picks one", path.string(), wanted,
        result.names.empty() ? "none at all" : fmt::format("{}", fmt::join(result.names, ", ")));
  result.name = array->GetName();
  check(array->GetNumberOfComponents() == 1, "{}: array '{}' has {} components, expected 1", path.string(),
        result.name, array->GetNumberOfComponents());
  int points[3];
  image->GetDimensions(points);
  const int more = on_cells ? 1 : 0;
  check(points[0] > more && points[1] > more,
        "{}: the image is {}x{}x{} points, expected a plane of x and y, or a volume", path.string(),
        points[0], points[1], points[2]);
  const Resolution cells{points[0] - more, points[1] - more, std::max(points[2] - more, 1)};
  check(is_supported(cells), "{}: the image has {} cells, which is more than is supported", path.string(),
        cells.text());
  check_pieces(image, on_cells, text, path.string());
  const ImageAxes axes = axes_of(image, on_cells, path.string());
  result.values = field_of(array, axes, path.string());
  vtkDataSetAttributes* data = attributes_of(image)[on_cells ? 0 : 1];
  if (vtkDataArray* ghosts = data->GetArray(vtkDataSetAttributes::GhostArrayName())) {
    Field active = field_of(ghosts, axes, path.string());
    const int hidden =
        on_cells ? int{vtkDataSetAttributes::HIDDENCELL} : int{vtkDataSetAttributes::HIDDENPOINT};
    for (double& value : active.values) value = (static_cast<int>(value) & hidden) != 0 ? 0 : 1;
    result.active = make_cell_mask(active, path.string() + ", vtkGhostType");
  }
  return result;
}

std::vector<std::string> describe_vti(const std::filesystem::path& path) {
  vtkNew<ImageReader> reader;
  std::string text;
  vtkImageData* image = read_image(reader, path, text);
  int points[3];
  double bounds[6];
  image->GetDimensions(points);
  image->GetBounds(bounds);
  std::vector<std::string> lines{
      fmt::format("VTK image data, {}x{}x{} cells, [{}, {}] x [{}, {}]{}", std::max(points[0] - 1, 1),
                  std::max(points[1] - 1, 1), std::max(points[2] - 1, 1), bounds[0], bounds[1], bounds[2],
                  bounds[3], points[2] > 2 ? fmt::format(" x [{}, {}]", bounds[4], bounds[5]) : "")};
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
