#include "apps/pictures/picture.hpp"

#include <fmt/core.h>
#include <vtkDoubleArray.h>
#include <vtkFreeTypeTools.h>
#include <vtkImageData.h>
#include <vtkImageMapToColors.h>
#include <vtkLookupTable.h>
#include <vtkNew.h>
#include <vtkPNGWriter.h>
#include <vtkPointData.h>
#include <vtkTextProperty.h>
#include <vtkUnsignedCharArray.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "core/error.hpp"
#include "core/files.hpp"

namespace mano {

namespace {

using Rgb = std::array<double, 3>;
constexpr int kPlotWidth = kPanelPixels;
constexpr int kMargin = 16;
constexpr int kAxisRoom = 44;  // left of and below a plot
constexpr int kTitleRoom = 30;
constexpr int kBarWidth = 14;
constexpr int kBarRoom = 86;  // colour bar with its numbers
constexpr int kFontSize = 13;

// Anchors of viridis (S. van der Walt, N. Smith) and of ColorBrewer's RdBu: both safe for colour-blind readers.
const std::vector<Rgb> kSequential{{0.267, 0.005, 0.329}, {0.283, 0.141, 0.458}, {0.254, 0.265, 0.530},
                                   {0.207, 0.372, 0.553}, {0.164, 0.471, 0.558}, {0.128, 0.567, 0.551},
                                   {0.135, 0.659, 0.518}, {0.267, 0.749, 0.441}, {0.478, 0.821, 0.318},
                                   {0.741, 0.873, 0.150}, {0.993, 0.906, 0.144}};
const std::vector<Rgb> kDiverging{{0.020, 0.188, 0.380}, {0.129, 0.400, 0.675}, {0.573, 0.773, 0.871},
                                  {0.969, 0.969, 0.969}, {0.957, 0.647, 0.510}, {0.698, 0.094, 0.169},
                                  {0.404, 0.000, 0.122}};

vtkNew<vtkLookupTable> colour_table(MapPanel::Scale scale, double low, double high) {
  const auto& anchors = scale == MapPanel::Scale::diverging ? kDiverging : kSequential;
  vtkNew<vtkLookupTable> table;
  table->SetNumberOfTableValues(256);
  for (int i = 0; i < 256; ++i) {
    const double at = i / 255.0 * static_cast<double>(anchors.size() - 1);
    const auto left = std::min(static_cast<std::size_t>(at), anchors.size() - 2);
    const double w = at - static_cast<double>(left);
    Rgb c{};
    for (int d = 0; d < 3; ++d) c[d] = (1 - w) * anchors[left][d] + w * anchors[left + 1][d];
    table->SetTableValue(i, c[0], c[1], c[2]);
  }
  table->SetTableRange(low, high);
  table->SetNanColor(1.0, 1.0, 1.0, 1.0);  // the paper's colour: a cell left out
  return table;
}

// An RGB picture with the origin at the lower left, as VTK stores it.
class Canvas {
 public:
  Canvas(int width, int height) : width_(width), height_(height) {
    image_->SetDimensions(width, height, 1);
    image_->AllocateScalars(VTK_UNSIGNED_CHAR, 3);
    auto* pixels = static_cast<unsigned char*>(image_->GetScalarPointer());
    std::fill(pixels, pixels + static_cast<std::size_t>(width) * height * 3, 255);
  }

  void set(int x, int y, const unsigned char* rgb) {
    if (x < 0 || y < 0 || x >= width_ || y >= height_) return;
    std::copy(rgb, rgb + 3, static_cast<unsigned char*>(image_->GetScalarPointer(x, y, 0)));
  }

  // A field scaled to a rectangle, cell by cell; colours times `shade`, where it is not empty.
  void map(const Field& field, const Field& shade, vtkLookupTable* table, int x0, int y0, int width,
           int height) {
    vtkNew<vtkImageData> values;
    values->SetDimensions(field.grid.nx, field.grid.ny, 1);
    values->AllocateScalars(VTK_DOUBLE, 1);
    std::copy(field.values.begin(), field.values.end(), static_cast<double*>(values->GetScalarPointer()));
    vtkNew<vtkImageMapToColors> colours;
    colours->SetInputData(values);
    colours->SetLookupTable(table);
    colours->SetOutputFormatToRGB();
    colours->Update();
    for (int y = 0; y < height; ++y) {
      const int j = static_cast<int>(static_cast<long>(y) * field.grid.ny / height);
      for (int x = 0; x < width; ++x) {
        const int i = static_cast<int>(static_cast<long>(x) * field.grid.nx / width);
        const auto* rgb = static_cast<unsigned char*>(colours->GetOutput()->GetScalarPointer(i, j, 0));
        if (shade.values.empty()) {
          set(x0 + x, y0 + y, rgb);
          continue;
        }
        unsigned char shaded[3];
        for (int d = 0; d < 3; ++d) shaded[d] = static_cast<unsigned char>(std::lround(shade(i, j) * rgb[d]));
        set(x0 + x, y0 + y, shaded);
      }
    }
  }

  enum class Align { left, centre, right };
  void text(const std::string& string, int x, int y, Align align) {
    vtkNew<vtkTextProperty> style;
    style->SetFontFamilyToArial();
    style->SetFontSize(kFontSize);
    style->SetColor(0.1, 0.1, 0.1);
    vtkNew<vtkImageData> rendered;
    int size[2] = {0, 0};
    if (!vtkFreeTypeTools::GetInstance()->RenderString(style, string, 72, rendered, size)) return;
    const int* extent = rendered->GetExtent();
    const int w = size[0];
    const int left = align == Align::left ? x : align == Align::centre ? x - w / 2 : x - w;
    for (int b = 0; b <= extent[3] - extent[2]; ++b) {
      for (int a = 0; a <= extent[1] - extent[0]; ++a) {
        const auto* rgba =
            static_cast<unsigned char*>(rendered->GetScalarPointer(extent[0] + a, extent[2] + b, extent[4]));
        blend(left + a, y + b, rgba);
      }
    }
  }

  void frame(int x0, int y0, int width, int height) {
    const unsigned char grey[3] = {90, 90, 90};
    for (int x = -1; x <= width; ++x) {
      set(x0 + x, y0 - 1, grey);
      set(x0 + x, y0 + height, grey);
    }
    for (int y = -1; y <= height; ++y) {
      set(x0 - 1, y0 + y, grey);
      set(x0 + width, y0 + y, grey);
    }
  }

  void write(const std::filesystem::path& path) {
    vtkNew<vtkPNGWriter> writer;
    writer->WriteToMemoryOn();  // of a file that it cannot write, VTK and libpng tell on standard error alone
    writer->SetInputData(image_);
    writer->Write();
    vtkUnsignedCharArray* const png = writer->GetResult();
    write_text_atomically(path, {reinterpret_cast<const char*>(png->GetPointer(0)),
                                 static_cast<std::size_t>(png->GetNumberOfValues())});
  }

 private:
  void blend(int x, int y, const unsigned char* rgba) {
    if (x < 0 || y < 0 || x >= width_ || y >= height_) return;
    auto* pixel = static_cast<unsigned char*>(image_->GetScalarPointer(x, y, 0));
    for (int d = 0; d < 3; ++d) {
      pixel[d] = static_cast<unsigned char>((rgba[d] * rgba[3] + pixel[d] * (255 - rgba[3])) / 255);
    }
  }

  int width_, height_;
  vtkNew<vtkImageData> image_;
};

int plot_height(const Grid& grid) {
  return std::clamp(static_cast<int>(std::lround(kPlotWidth * grid.ly / grid.lx)), 80, 2 * kPlotWidth);
}

std::pair<double, double> range_of(const MapPanel& panel) {
  std::vector<double> shown;
  std::copy_if(panel.field.values.begin(), panel.field.values.end(), std::back_inserter(shown),
               [](double v) { return !std::isnan(v); });
  const Range own = shown.empty() ? Range{} : least_and_most(shown);
  auto [low, high] = panel.range.value_or(std::pair(own.least, own.most));
  if (panel.scale == MapPanel::Scale::diverging) {
    high = std::max(std::abs(low), std::abs(high));
    low = -high;
  }
  if (!(high > low)) high = low + std::max(std::abs(low) * 1e-6, 1e-300);  // a constant field
  return {low, high};
}

void draw_axes(Canvas& canvas, const MapPanel& panel, int x0, int y0, int height) {
  using Align = Canvas::Align;
  const Grid& grid = panel.field.grid;
  const std::string least = fmt::format("{:g}", grid.y0);
  const std::string most = fmt::format("{:g}", grid.y0 + grid.ly);
  canvas.frame(x0, y0, kPlotWidth, height);
  canvas.text(fmt::format("{:g}", grid.x0), x0, y0 - 20, Align::centre);
  canvas.text(fmt::format("{:g}", grid.x0 + grid.lx), x0 + kPlotWidth, y0 - 20, Align::centre);
  canvas.text(panel.x_axis, x0 + kPlotWidth / 2, y0 - 20, Align::centre);
  canvas.text(panel.downward ? most : least, x0 - 7, y0 - 4, Align::right);
  canvas.text(panel.downward ? least : most, x0 - 7, y0 + height - 10, Align::right);
  canvas.text(panel.y_axis, x0 - 7, y0 + height / 2, Align::right);
}

void draw_panel(Canvas& canvas, const MapPanel& panel, int x0, int y0) {
  using Align = Canvas::Align;
  const Grid& grid = panel.field.grid;
  const int height = plot_height(grid);
  const auto [low, high] = range_of(panel);
  const bool logarithmic = panel.scale == MapPanel::Scale::logarithmic && low > 0;
  Field shown = panel.field;
  if (logarithmic) {
    for (double& v : shown.values) v = std::log10(v);
  }
  const auto table =
      colour_table(panel.scale, logarithmic ? std::log10(low) : low, logarithmic ? std::log10(high) : high);
  canvas.map(shown, panel.shade, table, x0, y0, kPlotWidth, height);
  canvas.text(panel.title, x0 + kPlotWidth / 2, y0 + height + 10, Align::centre);
  for (const MapPanel::Label& label : panel.labels)
    canvas.text(label.text, x0 + static_cast<int>(label.x * kPlotWidth),
                y0 + static_cast<int>(label.y * height), Align::centre);
  if (panel.labels.empty()) draw_axes(canvas, panel, x0, y0, height);

  const int bar = x0 + kPlotWidth + 12;
  Field ramp(Grid{1, 256});
  for (int i = 0; i < 256; ++i) ramp.values[i] = i;
  canvas.map(ramp, {}, colour_table(panel.scale, 0, 255), bar, y0, kBarWidth, height);
  canvas.frame(bar, y0, kBarWidth, height);
  const double middle = logarithmic ? std::sqrt(low * high) : 0.5 * (low + high);
  canvas.text(fmt::format("{:.3g}", low), bar + kBarWidth + 5, y0 - 4, Align::left);
  canvas.text(fmt::format("{:.3g}", middle), bar + kBarWidth + 5, y0 + height / 2 - 4, Align::left);
  canvas.text(fmt::format("{:.3g}", high), bar + kBarWidth + 5, y0 + height - 10, Align::left);
}

}  // namespace

void draw_maps(const std::filesystem::path& path, const std::vector<MapPanel>& panels) {
  check(!panels.empty(), "no map to draw in {}", path.string());
  constexpr int kPanelWidth = kAxisRoom + kPlotWidth + kBarRoom;
  const std::size_t columns = std::min<std::size_t>(2, panels.size());
  std::vector<int> heights((panels.size() + columns - 1) / columns, 0);  // of the plots of a row
  for (std::size_t p = 0; p < panels.size(); ++p)
    heights[p / columns] = std::max(heights[p / columns], plot_height(panels[p].field.grid));
  int base = 0;  // of a row
  for (int height : heights) base += kAxisRoom + height + kTitleRoom;
  Canvas canvas(kMargin + static_cast<int>(columns) * kPanelWidth, base + kMargin);
  for (std::size_t p = 0; p < panels.size(); ++p) {
    if (p % columns == 0) base -= kAxisRoom + heights[p / columns] + kTitleRoom;
    draw_panel(canvas, panels[p], kAxisRoom + static_cast<int>(p % columns) * kPanelWidth, kAxisRoom + base);
  }
  canvas.write(path);
}

}  // namespace mano
