#include <fmt/core.h>

#include "apps/comparison/comparison.hpp"
#include "core/files.hpp"

namespace mano {

// For ParaView 5.10 and later.
constexpr const char* kState =
    R"PY("""Opens this comparison in ParaView: permeability, both pressures on one colour scale, and their difference about zero.

    paraview --script=compare_state.py        or, for a picture:        pvpython compare_state.py PICTURE.png
"""
import os
import sys

from paraview.simple import *

several = SEVERAL
folder = os.path.dirname(os.path.abspath(__file__))
reader = PVDReader(FileName=os.path.join(folder, "compare.pvd"))
reader.UpdatePipeline()
# The samples lie on one another: another block shows another.
sample = ExtractBlock(Input=reader, Selectors=["/Root/Block0"]) if several else reader
layout = CreateLayout("mano compare")
shown = [("permeability", "permeability", "Viridis (matplotlib)"), ("pressure", "pressure", "Viridis (matplotlib)"),
         ("pressure_surrogate", "pressure", "Viridis (matplotlib)"), ("error", "error", "Cool to Warm")]
data = reader.GetCellDataInformation()
ranges = {name: data.GetArray(name).GetRange() for name, _, _ in shown}
low = min(ranges["pressure"][0], ranges["pressure_surrogate"][0])
high = max(ranges["pressure"][1], ranges["pressure_surrogate"][1])
largest = max(abs(end) for end in ranges["error"]) or 1.0
scales = {"permeability": ranges["permeability"], "pressure": (low, high), "error": (-largest, largest)}
views = []
for name, scale, colours in shown:
    view = CreateView("RenderView")
    view.OrientationAxesVisibility = 0
    view.InteractionMode = "2D"
    display = Show(sample, view)
    display.Representation = "Surface"
    display.Ambient, display.Diffuse, display.Specular = 1.0, 0.0, 0.0  # colours as in their bars
    display.UseSeparateColorMap = 1
    ColorBy(display, ("CELLS", name), separate=True)
    table = GetColorTransferFunction(name, display, separate=True)
    table.ApplyPreset(colours, True)
    table.RescaleTransferFunction(*scales[scale])
    bar = GetScalarBar(table, view)
    bar.Title = name
    bar.ComponentTitle = ""
    bar.WindowLocation = "Lower Right Corner"
    bar.TitleFontSize = bar.LabelFontSize = 12
    bar.ScalarBarLength = 0.25
    display.SetScalarBarVisibility(view, True)
    ResetCamera(view)
    views.append(view)
# Cells of a binary tree: 0 is split into 1 and 2 side by side, those into 3 over 4 and 5 over 6.
layout.SplitHorizontal(0, 0.5)
layout.SplitVertical(1, 0.5)
layout.SplitVertical(2, 0.5)
for view, cell in zip(views, (3, 5, 4, 6)):
    AssignViewToLayout(view, layout, cell)
GetAnimationScene().UpdateAnimationUsingDataTimeSteps()
if len(sys.argv) > 1:
    SaveScreenshot(sys.argv[1], layout, ImageResolution=(1600, 1000))
)PY";

void write_paraview_state(const std::filesystem::path& folder, const Comparison& c) {
  std::string text = kState;
  const std::string place = "SEVERAL";
  text.replace(text.find(place), place.size(), c.resolutions.front().samples.size() > 1 ? "True" : "False");
  write_text_atomically(folder / "compare_state.py", text);
}

}  // namespace mano
