"""mano simulate and generate --problem displacement, from the outside: against an independent simulator, files, refusals."""
import csv
import io
import json
import os
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
import scipy.io

import explicit_impes
from conftest import PROGRAM

needs_vtk = pytest.mark.needs("vtk")
WATER = {"viscosity_ratio": 5.0, "exponents": (2, 2), "end_points": (1, 1), "residuals": (0, 0)}


def read_image(path):
    """Cell arrays of a .vti, by VTK's Python, which is the system's."""
    code = f"""
import io, sys
import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkIOXML import vtkXMLImageDataReader
reader = vtkXMLImageDataReader()
reader.SetFileName({str(path)!r})
reader.Update()
image = reader.GetOutput()
nx, ny, _ = (n - 1 for n in image.GetDimensions())
data = image.GetCellData()
arrays = [(data.GetArrayName(a), vtk_to_numpy(data.GetArray(a)).reshape(ny, nx, -1).squeeze()) for a in range(data.GetNumberOfArrays())]
file = io.BytesIO()
np.savez(file, names=[name for name, _ in arrays], **{{f"a{{n}}": values for n, (_, values) in enumerate(arrays)}})
sys.stdout.buffer.write(file.getvalue())
"""
    python = "/usr/bin/python3"
    if subprocess.run([python, "-c", "import vtkmodules.vtkIOXML, numpy"], capture_output=True, check=False).returncode != 0:
        pytest.skip("VTK's Python is not installed")
    archive = np.load(io.BytesIO(subprocess.run([python, "-c", code], capture_output=True, check=True).stdout))
    return {str(name): archive[f"a{n}"] for n, name in enumerate(archive["names"])}


def relative(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def five_spot(k):
    rates = np.zeros_like(k)
    rates[0, 0], rates[-1, -1] = 1.0, -1.0
    return rates


def fine(mano, tmp_path, *options):
    """A dataset of one sample with small steps."""
    mano("generate", "--problem", "displacement", "--samples", 1, "--step-tolerance", 0.005, *options, "-o", "one.h5")
    with h5py.File(tmp_path / "one.h5") as f:
        return {name: f[name][0] for name in ("permeability", "saturation", "pressure", "water_cut", "recovery", "elapsed_time")} | {"time": f["time"][:]}


def state(simulation, tau, step):
    s = simulation.run(tau, longest=step)
    return [s, simulation.flow()[0], simulation.cut(), simulation.produced / simulation.pore.sum() / (1 - simulation.fluids["residuals"][0]), simulation.time]


def compare(ours, make, step):
    """Against the limit of small steps of another simulator: forward Euler's error falls with the step, so twice the finer less the coarser."""
    coarse, finer = make(), make()
    for t, tau in enumerate(ours["time"]):
        s, p, cut, recovery, elapsed = (2 * b - a for a, b in zip(state(coarse, tau, step), state(finer, tau, step / 2)))
        assert relative(ours["saturation"][t], s) < 1e-3, tau
        assert relative(ours["pressure"][t], p) < 2e-3
        assert ours["water_cut"][t] == pytest.approx(cut, abs=5e-3)  # steep at breakthrough
        assert ours["recovery"][t] == pytest.approx(recovery, abs=1e-4)
        assert ours["elapsed_time"][t] == pytest.approx(elapsed, rel=1e-3)


def test_five_spot_is_that_of_an_independent_simulator(mano, tmp_path):
    ours = fine(mano, tmp_path, "--field", "two-phase", "--seed", 11, "--resolution", "13x13", "--until", "0.5pv", "--snapshots", 2)
    k = ours["permeability"]
    compare(ours, lambda: explicit_impes.Simulation(k, WATER, five_spot(k)), 6e-4)


def test_drive_with_other_fluids_and_anisotropy(mano, tmp_path):
    fluids = {"viscosity_ratio": 0.5, "exponents": (3, 1.5), "end_points": (0.4, 0.9), "residuals": (0.1, 0.2)}
    ours = fine(mano, tmp_path, "--field", "lognormal", "--seed", 3, "--resolution", "18x9", "--size", "2x1", "--driven-by", "drive", "--anisotropy",
                0.2, "--viscosity-ratio", 0.5, "--corey", "3,1.5", "--end-points", "0.4,0.9", "--residuals", "0.1,0.2", "--until", "0.4pv",
                "--snapshots", 2)
    k = ours["permeability"]

    def held(mobility):
        conductance, value = np.zeros_like(k), np.zeros_like(k)
        half = 2 * mobility * k * (1 / 9) / (2 / 18)
        conductance[:, 0], conductance[:, -1], value[:, 0] = half[:, 0], half[:, -1], 1.0
        return conductance, value

    compare(ours, lambda: explicit_impes.Simulation(k, fluids, held=held, size=(2, 1), anisotropy=0.2), 6e-4)


def test_wells_of_given_pressure(mano, tmp_path):
    ours = fine(mano, tmp_path, "--field", "two-phase", "--seed", 5, "--resolution", "12x12", "--well", "0.1,0.1,bhp=2,radius=0.004", "--well",
                "0.9,0.5,bhp=0,radius=0.004", "--until", "0.4pv", "--snapshots", 1)
    k = ours["permeability"]

    def held(mobility):
        conductance, value = np.zeros_like(k), np.zeros_like(k)
        radius = 0.28 * np.sqrt(2) / 12 / 2
        for j, i, p in ((1, 1, 2.0), (6, 10, 0.0)):
            conductance[j, i] = 2 * np.pi * mobility[j, i] * k[j, i] / np.log(radius / 0.004)
            value[j, i] = p
        return conductance, value

    compare(ours, lambda: explicit_impes.Simulation(k, WATER, held=held), 6e-4)


@needs_vtk
def test_animation_and_curves(mano, tmp_path):
    out = mano("simulate", "--field", "two-phase", "--seed", 1, "--resolution", "16x12", "--until", "0.6pv", "--snapshots", 3, "-o", "run.pvd", "--json",
               "again.json").out
    assert "breakthrough" in out and "mass balance error" in out
    pvd = (tmp_path / "run.pvd").read_text()
    assert [line.split('timestep="')[1].split('"')[0] for line in pvd.splitlines() if "timestep" in line] == ["0.2", "0.4", "0.6"]
    for n in (1, 2, 3):
        assert f'file="run/0{n}.vti"' in pvd
        image = read_image(tmp_path / "run" / f"0{n}.vti")
        assert set(image) == {"saturation", "pressure", "permeability", "flux"}
        assert image["saturation"].shape == (12, 16) and image["flux"].shape == (12, 16, 3)
        assert image["saturation"].mean() < 0.2 * n + 1e-9
        assert image["saturation"].min() >= 0 and image["saturation"].max() <= 1
    result = json.loads((tmp_path / "run.json").read_text())
    assert result == json.loads((tmp_path / "again.json").read_text())
    assert result["mass_balance_error"] < 1e-10 and result["snapshots"] == [0.2, 0.4, 0.6] and len(result["step_error"]["saturation"]) == 3
    with open(tmp_path / "run.csv") as f:
        rows = list(csv.reader(f))
    assert rows[0][:5] == ["pore volumes injected", "time", "water cut", "oil recovery", "oil produced"]
    assert rows[0][5:] == ["W1 water rate", "W1 oil rate", "W1 pressure", "W2 water rate", "W2 oil rate", "W2 pressure"]
    assert not any("-0" in row for row in rows)
    values = np.array([[float(x or "nan") for x in row] for row in rows[1:]])
    assert np.all(np.diff(values[:, 0]) > 0) and values[-1, 0] == pytest.approx(0.6)
    assert np.allclose(values[:, 5], 1) and np.allclose(values[:, 8] + values[:, 9], -1)
    assert np.allclose(values[:, 2], -values[:, 8])
    assert np.allclose(result["curve"]["cut"], values[:, 2], atol=1e-9)


@needs_vtk
def test_units(mano, tmp_path):
    rock = ["--field", "lognormal", "--seed", 2, "--resolution", "10x10", "--until", "0.5pv", "--snapshots", 2, "--correlation-length"]
    mano("simulate", *rock, 0.2, "--viscosity-ratio", 6, "-o", "a.pvd")
    metric = ["--units", "metric", "--size", "200x200", "--viscosity", 0.5, "--displaced-viscosity", 3, "--thickness", 10, "--porosity", 0.2, "--well",
              "10,10,rate=80", "--well", "190,190,rate=-80"]
    mano("simulate", *rock, 40, *metric, "-o", "b.pvd")
    a, b = (json.loads((tmp_path / f"{name}.json").read_text()) for name in "ab")
    assert b["pore_volume"] == pytest.approx(200 * 200 * 10 * 0.2)
    assert b["time"] == pytest.approx(0.5 * 80000 / 80)  # days
    assert b["cut"] == pytest.approx(a["cut"], abs=1e-6) and b["units"]["pressure"] == "bar"
    image = read_image(tmp_path / "b" / "02.vti")
    assert {"pressure [bar]", "flux [m/day]", "permeability [mD]"} < set(image)
    assert np.allclose(image["saturation"], read_image(tmp_path / "a" / "02.vti")["saturation"], atol=1e-6)
    assert image["pressure [bar]"].max() - image["pressure [bar]"].min() > 1
    days = [*rock, 40, *metric, "--until", "500d", "-o"]
    days.remove("0.5pv"), days.remove("--until")
    mano("simulate", *days, "c.pvd")
    c = json.loads((tmp_path / "c.json").read_text())
    assert c["time"] == pytest.approx(500, rel=1e-9) and c["cut"] == pytest.approx(b["cut"], abs=1e-9)
    also = ["--well", "190,10,rate=-80", "--well", "10,190,bhp=100,radius=0.1"]  # the second must inject as much as the first takes out
    assert "fluid also enters under pressure" in mano("simulate", *days, "d.pvd", *also, status=2).err


@needs_vtk
@pytest.mark.parametrize("options, says", [
    (["--problem", "closed"], "nothing is injected"),
    (["--until", "0.6"], "expected pore volumes injected"),
    (["--until", "-1pv"], "expected pore volumes injected"),
    (["--until", "10d"], "needs --units metric or field"),
    (["--until", "10d", "--units", "metric", "--porosity", "0.2", "--problem", "drive"], "nothing is injected at a given rate"),
    (["--snapshots", "0"], "--snapshots is 0"),
    (["--viscosity-ratio", "0"], "viscosity ratio is 0"),
    (["--corey", "0.5,2"], "must lie between 1 and 20"),
    (["--corey", "2"], "expected two numbers"),
    (["--residuals", "0.6,0.5"], "their sum must be below 1"),
    (["--fluids", "mud"], "expected oil-water, co2-brine or tracer"),
    (["--transport", "magic"], "expected theta, implicit or explicit"),
    (["--step-tolerance", "0"], "--step-tolerance is 0"),
    (["--displaced-viscosity", "3"], "needs --units metric or field"),
    (["--units", "metric"], "no porosity"),
    (["--problem", "displacement"], "expected benchmark"),
    (["-o", "x.h5"], "expected a name in .pvd"),
    (["--", "-ksp_monitor"], "takes no options of PETSc"),
])
def test_bad_input_is_one_line(mano, tmp_path, options, says):
    result = mano("simulate", "--field", "two-phase", "--resolution", "8x8", *(["-o", "x.pvd"] if "-o" not in options else []), *options, status=2)
    assert says in result.err and result.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


HISTORY = ["generate", "--problem", "displacement", "--field", "two-phase", "--seed", 3, "--resolution", "12x12"]
ARRAYS = ["permeability", "saturation", "pressure", "time", "water_cut", "recovery", "elapsed_time", "breakthrough"]


def arrays(path):
    with h5py.File(path) as f:
        return {name: f[name][:] for name in ARRAYS}


def same(a, b):
    return all(np.array_equal(a[name], b[name], equal_nan=True) for name in ARRAYS)


def test_dataset_in_time(mano, tmp_path):
    mano(*HISTORY, "--samples", 5, "--also", "24x24", "-o", "h.h5")
    h, finer = arrays(tmp_path / "h.h5"), arrays(tmp_path / "h-24x24.h5")
    assert h["saturation"].shape == (5, 12, 12, 12) and finer["pressure"].shape == (5, 12, 24, 24)
    assert np.array_equal(h["time"], np.round(0.05 * np.arange(1, 13), 12))
    # What was injected is in place or was produced; rates are 1 and the pore volume is 1.
    assert np.allclose(h["saturation"].mean(axis=(2, 3)), h["recovery"], atol=1e-10)
    assert np.allclose(h["elapsed_time"], h["time"][None])
    assert np.all(np.diff(h["recovery"], axis=1) >= 0) and np.all((h["water_cut"] >= 0) & (h["water_cut"] <= 1))
    assert np.abs(h["breakthrough"] - finer["breakthrough"]).max() < 0.1
    with h5py.File(tmp_path / "h.h5") as f:
        info = json.loads(f.attrs["mano"])
        assert info["setup"] == f.attrs["setup"] == "displacement" and json.loads(info["displacement"])["fluids"]["viscosity_ratio"] == 5
        assert f["tensor"].shape == (5, 12, 12, 12) and np.array_equal(f["t-coordinate"], f["time"]) and f["time"].attrs["units"]
        assert np.all(f["residual"][:] < 1e-10)
    told = mano("info", "h.h5").out
    assert "displacement at 12 times" in told
    # A part of it is the same samples; parts are joined.
    mano(*HISTORY, "--samples", 2, "-o", "a.h5")
    mano(*HISTORY, "--samples", 3, "--first", 2, "-o", "b.h5")
    mano("merge", "b.h5", "a.h5", "-o", "ab.h5")
    assert same(arrays(tmp_path / "ab.h5"), h)
    mano(*HISTORY, "--samples", 2, "--first", 5, "--until", "0.3pv", "-o", "c.h5")
    assert "differ in times" in mano("merge", "a.h5", "c.h5", "-o", "ac.h5", status=2).err


def test_ranks_and_a_kill_change_nothing(mano, tmp_path):
    whole = [*HISTORY, "--samples", 300, "--until", "0.2pv", "--snapshots", 2]
    mano(*whole, "-o", "one.h5")
    mano(*whole, "-o", "two.h5", ranks=2)
    assert same(arrays(tmp_path / "one.h5"), arrays(tmp_path / "two.h5"))
    command = [PROGRAM, *map(str, whole), "-o", "killed.h5"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    manifest = tmp_path / "killed.h5.part" / "manifest-0.jsonl"
    deadline = time.time() + 60
    while not (manifest.exists() and manifest.read_text().strip()) and process.poll() is None and time.time() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    mano(*whole, "-o", "killed.h5")
    assert same(arrays(tmp_path / "one.h5"), arrays(tmp_path / "killed.h5"))
    assert not os.path.exists(tmp_path / "killed.h5.part")


def test_who_knows_steady_flow_alone_refuses_it(mano, tmp_path):
    mano(*HISTORY, "--samples", 2, "-o", "h.h5")
    error = mano("train", "--task", "classify", "--data", "h.h5", "--data", "h.h5", "-o", "r", status=2).err
    assert "displacement in time" in error or "built without" in error
    mano("generate", "--field", "two-phase", "--resolution", "12x12", "--samples", 2, "-o", "s.h5")
    assert "differ in problem" in mano("merge", "h.h5", "s.h5", "-o", "m.h5", status=2).err
    mano("solve", "--permeability", "h.h5", "-o", "rock.h5")  # its rock is rock


@pytest.mark.parametrize("options, says", [
    (["--viscosity-ratio", 2], "belong to --problem displacement"),
    (["--problem", "displacement", "--device", "threads"], "steady flow"),
    (["--problem", "displacement", "--ranks-per-sample", 2], "ranks do not share a displacement"),
    (["--problem", "displacement", "--porosity", "poro.h5"], "must be one number"),
    (["--problem", "displacement", "--driven-by", "closed"], "nothing is injected"),
])
def test_generate_refuses(mano, options, says):
    assert says in mano("generate", "--field", "two-phase", "--resolution", "8x8", "--samples", 2, *options, "-o", "x.h5", status=2).err


def test_custom_displacements_have_names_of_their_own(mano, tmp_path):
    names = []
    for number, options in enumerate((["--viscosity-ratio", 10], ["--driven-by", "drive"], ["--fluids", "co2-brine"])):
        mano(*HISTORY, "--samples", 1, *options, "-o", f"{number}.h5")
        with h5py.File(tmp_path / f"{number}.h5") as f:
            names.append(f.attrs["setup"])
    assert len(set(names)) == 3 and all(name.startswith("displacement-") for name in names)


def test_export(mano, tmp_path):
    mano(*HISTORY, "--samples", 2, "--until", "0.3pv", "--snapshots", 3, "-o", "h.h5")
    script = os.path.join(os.path.dirname(__file__), "..", "..", "scripts", "export.py")
    for name in ("h.npz", "h.mat"):
        subprocess.run([sys.executable, script, "h.h5", name], cwd=tmp_path, check=True)
    h, npz, mat = arrays(tmp_path / "h.h5"), np.load(tmp_path / "h.npz"), scipy.io.loadmat(tmp_path / "h.mat")
    for name in ARRAYS:
        assert np.array_equal(npz[name], h[name], equal_nan=True), name
    assert np.array_equal(mat["sol"], h["saturation"]) and np.array_equal(mat["pressure"], h["pressure"]) and np.array_equal(mat["coeff"], h["permeability"])


def test_an_ensemble_of_displacements(mano, tmp_path):
    """On one grid alone the samples are those of a dataset, so the mean is theirs within its interval."""
    mano("ensemble", "--field", "two-phase", "--seed", 1, "--resolution", "16x16", "--quantity", "recovery@0.4pv", "--quantity", "breakthrough", "--tolerance",
         "0.004,0.02", "-o", "e", "--json", "e.json")
    told = {q["name"]: q for q in json.loads((tmp_path / "e.json").read_text())["quantities"]}
    mano("generate", "--problem", "displacement", "--field", "two-phase", "--seed", 99, "--resolution", "16x16", "--samples", 200, "--until", "0.6pv", "-o",
         "d.h5")
    d = arrays(tmp_path / "d.h5")
    for name, values in (("recovery@0.4pv", d["recovery"][:, 7]), ("breakthrough", d["breakthrough"])):
        low, high = told[name]["mean_interval"]
        spread = 2.6 * values.std() / np.sqrt(len(values))
        assert low - spread < values.mean() < high + spread, name
    refused = mano("ensemble", "--field", "two-phase", "--resolution", "8x8", "--quantity", "recovery@4", "--tolerance", 1, "-o", "f", status=2)
    assert "expected pore volumes injected" in refused.err


def test_inactive_cells(mano, tmp_path):
    mano(*HISTORY, "--samples", 3, "--inactive", "blobs:0.15", "--driven-by", "drive", "-o", "h.h5")
    with h5py.File(tmp_path / "h.h5") as f:
        active = f["active"][:].astype(bool)
        assert 0 < (~active).sum()
        for name in ("saturation", "pressure"):
            assert np.array_equal(np.isfinite(f[name][:]), np.broadcast_to(active[:, None], f[name].shape))
