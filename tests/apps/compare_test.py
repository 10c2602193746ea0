"""mano compare: its numbers, its page in a browser, its files in VTK."""
import base64
import json
import os
import re
import shutil
import subprocess

import h5py
import pytest
from conftest import run


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")

    def mano(*arguments, status=0):
        result = run(*arguments, cwd=folder)
        assert result.status == status, result.err
        return result

    mano("generate", "--field", "two-phase", "--samples", 40, "--resolution", "16x8", "--size", "2x1", "-o", "d.h5")
    mano("train", "--data", "d.h5", "-o", "run", "--epochs", 4, "--refine-epochs", 4)
    mano("compare", "--model", "run", "--field", "two-phase", "--seed", 8, "--size", "2x1", "--resolution", "16x8,32x16",
         "--reference", "128x64", "--samples", 2, "--state", "-o", "c", "--json", "c.json")
    return mano, folder


def test_numbers_are_whole_and_agree(compared):
    _, folder = compared
    c = json.loads((folder / "c.json").read_text())
    assert c["command"] == "compare" and c == json.loads((folder / "c/compare.json").read_text())
    assert len(c["model_hash"]) == 32 and c["versions"]["petsc"] and c["processor"] and c["seed"] == 8
    assert [r["seen_in_training"] for r in c["results"]] == [True, False]
    assert "interpolated_relative_l2" in c["results"][1] and "interpolated_relative_l2" not in c["results"][0]
    for r in c["results"]:
        by_sample = r["by_sample"]
        for key in ("relative_l2", "relative_h1", "largest_error", "flux_error", "outflow_error", "mass_defect",
                    "discretisation_relative_l2", "reference_relative_l2"):
            assert r[key]["mean"] == pytest.approx(sum(s[key] for s in by_sample) / 2), key
            assert r[key]["max"] == pytest.approx(max(s[key] for s in by_sample)), key
        assert r["effectivity_within_0.7_1.3"] == 1.0
        solver, surrogate, zero, coarse, cycles = r["work_precision"]
        assert [p["label"] for p in solver["points"]][::7] == ["tolerance 0.1", "tolerance 1e-08"] and solver["points"][8]["label"] == "tolerance 1e-10"
        errors = [p["relative_l2"] for p in solver["points"]]
        assert errors == sorted(errors, reverse=True) and errors[-1] < 1e-7
        # Cycles begin with what they start from, and end at the solution.
        assert surrogate["points"][0]["relative_l2"] == pytest.approx(r["relative_l2"]["mean"], rel=1e-6)
        assert zero["points"][0]["relative_l2"] == 1.0
        for curve in (surrogate, zero, coarse):
            assert curve["points"][6]["relative_l2"] < 1e-6 * curve["points"][0]["relative_l2"]
        # The surrogate after 0, 1, ... cycles through its grids: four are its own.
        assert [p["label"] for p in cycles["points"]] == [f"{n} cycle{'' if n == 1 else 's'}" for n in range(9)]
        assert cycles["points"][4]["relative_l2"] == pytest.approx(r["relative_l2"]["mean"], rel=1e-6)
        assert cycles["points"][0]["relative_l2"] > cycles["points"][4]["relative_l2"] > cycles["points"][8]["relative_l2"]
        assert all(p["seconds"] > 0 for p in solver["points"] + surrogate["points"])
    # The grid's own error shrinks with the cell.
    assert c["results"][1]["discretisation_relative_l2"]["mean"] < c["results"][0]["discretisation_relative_l2"]["mean"]


def test_the_verdict_is_what_the_numbers_say(compared):
    _, folder = compared
    c, page = json.loads((folder / "c.json").read_text()), (folder / "c/report.html").read_text()
    for r in c["results"]:
        error = r["relative_l2"]["mean"]
        seconds = min(p["seconds"] for p in r["work_precision"][0]["points"] if p["relative_l2"] <= error)
        assert ("use the solver" in r["verdict"]) == (seconds < r["seconds_per_sample"])
        assert r["verdict"] in page
    assert c["headline"] in page and "measured on 2 fields" in c["headline"]


def in_browser(page, width):
    """What headless Chromium makes of the page, with a script of ours at its end, and what it writes to the console."""
    chromium = shutil.which("chromium")
    assert chromium, "the report is tested in Chromium: scripts/bootstrap installs it"
    probe = page.parent.parent / f"probe-{width}.html"
    probe.write_text(page.read_text().replace("</body>", """<script>addEventListener("load", () => {
      document.title = JSON.stringify({pictures: [...document.images].map(i => i.naturalWidth), page: document.documentElement.scrollWidth,
        window: innerWidth, tables: document.querySelectorAll("table").length}); });</script></body>"""))
    result = subprocess.run([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--window-size={width},900",
                             "--dump-dom", probe.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    title = re.search(r"<title>(.*?)</title>", result.stdout).group(1)
    return json.loads(title.replace("&quot;", '"')), [line for line in result.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.parametrize("width", [500, 1200])
def test_the_page_in_a_browser(compared, width):
    _, folder = compared
    page = folder / "c/report.html"
    text = page.read_text()
    assert not re.search(r'(src|href)="(?!data:)', text) and "http" not in text  # self-contained
    found, console = in_browser(page, width)
    assert console == []
    assert len(found["pictures"]) == 8 and all(w > 300 for w in found["pictures"])  # 2 charts, and 3 pictures a resolution
    assert found["page"] <= found["window"]  # nothing to scroll sideways
    assert found["tables"] == 3
    for picture in re.findall(r'base64,([^"]+)"', text):
        assert base64.b64decode(picture).startswith(b"\x89PNG")


def test_files_open_in_vtk(compared):
    mano, folder = compared
    names = {p.name for p in (folder / "c").iterdir()}
    assert {"compare.pvd", "compare.json", "compare_state.py", "maps-16x8.png", "work-32x16.png", "sample-001-32x16.vti"} <= names
    assert names == set(json.loads((folder / "c.json").read_text())["files"])  # all of them, and no other
    assert "collection of 4 images" in mano("info", "c/compare.pvd").out
    script = """
import sys, xml.etree.ElementTree, os, vtk
from vtk.util.numpy_support import vtk_to_numpy as values
steps = set()
for entry in xml.etree.ElementTree.parse(sys.argv[1]).getroot().iter("DataSet"):
    steps.add(entry.get("timestep"))
    reader = vtk.vtkXMLImageDataReader()
    reader.SetFileName(os.path.join(os.path.dirname(sys.argv[1]), entry.get("file")))
    reader.Update()
    image = reader.GetOutput()
    cells = image.GetCellData()
    k, p, s, e, u, v, estimate, defect = (values(cells.GetArray(n)) for n in ("permeability", "pressure", "pressure_surrogate", "error", "flux",
                                                                             "flux_surrogate", "error_estimate", "mass_defect"))
    assert abs(estimate - e).max() < 0.1 * abs(e).max()  # sign and place
    assert abs(u).max() > 0 and abs(u - v).max() > 0 and abs(defect).max() > 0
    assert abs(s - p - e).max() <= 1e-12 * abs(p).max() and set(k) == {3.0, 12.0} and p.min() > 0
    assert u.shape == (len(p), 3) and (u[:, 2] == 0).all()
    bounds = image.GetBounds()
    assert abs(bounds[1] - 2) < 1e-12 and abs(bounds[3] - 1) < 1e-12
assert steps == {"0", "1"}
"""
    subprocess.run(["/usr/bin/python3", "-c", script, str(folder / "c/compare.pvd")], check=True)
    compile((folder / "c/compare_state.py").read_text(), "compare_state.py", "exec")


def test_another_comparison_goes_into_a_used_folder_by_overwrite_alone(compared, tmp_path):
    mano, folder = compared
    shutil.copytree(folder / "c", folder / "again")
    (folder / "again/notes.txt").write_text("mine")
    command = ["compare", "--model", "run", "--field", "two-phase", "--size", "2x1", "--resolution", "16x8", "--samples", 1, "-o", "again"]
    assert "--overwrite" in mano(*command, status=2).err
    mano(*command, "--overwrite")
    names = {p.name for p in (folder / "again").iterdir()}
    assert "notes.txt" in names and "sample-000-16x8.vti" in names and "sample-000-32x16.vti" not in names
    assert (folder / "again/report.html").read_text() != (folder / "c/report.html").read_text()


def test_data_whose_equation_is_unknown_is_compared_without_a_solver(compared):
    mano, folder = compared
    source = os.path.join(os.path.dirname(__file__), "..", "..", "data", "neuraloperator_darcy_16_test.h5")
    mano("import", source, "--phases", "3,12", "--location", "node", "-o", "real.h5")
    mano("train", "--data", "real.h5", "-o", "real", "--epochs", 2, "--refine-epochs", 1)
    mano("compare", "--model", "real", "--data", "real.h5", "--samples", 2, "-o", "unknown")
    (row,) = json.loads((folder / "unknown/compare.json").read_text())["results"]
    assert "flux_error" not in row and "work_precision" not in row and row["relative_l2"]["mean"] > 0
    found, console = in_browser(folder / "unknown/report.html", 800)
    assert console == [] and all(found["pictures"])


def test_fields_of_training_are_called_so(compared):
    mano, folder = compared
    command = ["compare", "--model", "run", "--size", "2x1", "--resolution", "16x8", "--samples", 2, "-o", "seen", "--overwrite"]
    out = mano(*command, "--field", "two-phase").out  # seed 0, as the training data
    assert "Caution: 2 of these 2 fields were trained on" in out
    assert "Caution" not in mano(*command, "--field", "two-phase", "--seed", 8).out
    assert "Caution: 2 of these 2 fields" in mano("compare", "--model", "run", "--data", "d.h5", "--samples", 2, "-o", "seen", "--overwrite").out
    assert "trained on 40 of the 40 samples of d.h5" in mano("evaluate", "--model", "run", "--data", "d.h5").out


def test_predicted_data_are_no_truth(compared):
    mano, folder = compared
    mano("predict", "--model", "run", "--data", "d.h5", "-o", "predicted.h5")
    for command in (["compare", "--model", "run", "-o", "none"], ["calibrate", "--model", "run"], ["evaluate", "--model", "run"], ["train", "-o", "none"]):
        assert "predictions of the model run, no solutions" in mano(*command, "--data", "predicted.h5", status=2).err
    # Of other programs nothing tells but the residual.
    with h5py.File(folder / "predicted.h5") as predicted, h5py.File(folder / "foreign.h5", "w") as foreign:
        foreign["coeff"], foreign["sol"] = predicted["permeability"][:], 0.99 * predicted["pressure"][:]
    mano("import", "foreign.h5", "--problem", "benchmark", "--size", "2x1", "-o", "imported.h5")
    assert "was it predicted" in mano("compare", "--model", "run", "--data", "imported.h5", "-o", "none", status=2).err


def test_one_sample_has_a_state_file_without_blocks(compared):
    mano, folder = compared
    mano("compare", "--model", "run", "--field", "two-phase", "--seed", 8, "--size", "2x1", "--resolution", "16x8", "--samples", 1, "--state",
         "-o", "one")
    assert "several = False" in (folder / "one/compare_state.py").read_text() and "several = True" in (folder / "c/compare_state.py").read_text()


def test_a_part_of_a_file_that_was_not_trained_on_is_not_called_so(compared):
    mano, _ = compared
    mano("generate", "--field", "two-phase", "--first", 36, "--samples", 8, "--resolution", "16x8", "--size", "2x1", "-o", "part.h5")
    out = mano("compare", "--model", "run", "--data", "part.h5", "--samples", 6, "-o", "part", "--overwrite").out
    assert "Caution: 4 of these 6 fields were trained on" in out  # 36 to 39 of 0 to 39


def test_a_rock_in_other_units_is_refused(compared):
    mano, folder = compared
    (folder / "m.grdecl").write_text("METRIC\nDIMENS\n 16 8 1 /\nPERMX\n 128*100 /\n")
    err = mano("compare", "--model", "run", "--permeability", "m.grdecl", "--size", "2x1", "-o", "x", status=2).err
    assert "m.grdecl is in metric units" in err and not (folder / "x").exists()
