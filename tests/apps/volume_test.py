"""mano solve and mano upscale in three dimensions: options, units, wells through layers, .vti with layers, pictures."""
import base64
import json
import math
import os
import re
import signal
import struct
import subprocess
import zlib

import h5py
import numpy as np
import pytest

import direct_solve
from conftest import PROGRAM
from units_test import BARREL, DARCY, FOOT, PSI

pytestmark = pytest.mark.needs("petsc", "vtk")
SHAPE = (5, 6, 7)  # nz, ny, nx


def write_vti(path, size, **arrays):
    """Arrays [nz, ny, nx] as cell data of an image whose third axis is the depth."""
    nz, ny, nx = next(iter(arrays.values())).shape
    extent = f"0 {nx} 0 {ny} 0 {nz}"
    spacing = " ".join(repr(length / n) for length, n in zip(size, (nx, ny, nz)))
    data = "".join(f'<DataArray type="{"UInt8" if name == "vtkGhostType" else "Float64"}" Name="{name}" format="ascii">'
                   + " ".join(map(str, values.ravel().tolist())) + "</DataArray>" for name, values in arrays.items())
    path.write_text(f'<VTKFile type="ImageData" version="1.0" byte_order="LittleEndian"><ImageData WholeExtent="{extent}" Origin="0 0 0" '
                    f'Spacing="{spacing}"><Piece Extent="{extent}"><CellData>{data}</CellData></Piece></ImageData></VTKFile>')


def read_vti(path):
    """Arrays by name and the image's attributes; VTK's own layout, blocks of zlib in base64."""
    text = path.read_bytes().decode("latin-1")
    image = dict(re.findall(r'(WholeExtent|Origin|Spacing)="([^"]*)"', text))
    extent = list(map(int, image["WholeExtent"].split()))
    shape = tuple(max(extent[2 * d + 1] - extent[2 * d], 1) for d in (2, 1, 0))
    data = text[text.index("_", text.index("<AppendedData")) + 1:]
    arrays = {}
    for tag in re.findall(r"<DataArray[^>]*>", text):
        at = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        rest = data[int(at["offset"]):]
        blocks = struct.unpack("<I", base64.b64decode(rest[:8])[:4])[0]
        head = (4 * (3 + blocks) + 2) // 3 * 4
        sizes = struct.unpack(f"<{3 + blocks}I", base64.b64decode(rest[:head])[:4 * (3 + blocks)])[3:]
        packed = base64.b64decode(rest[head:head + (sum(sizes) + 2) // 3 * 4])
        raw, begin = b"", 0
        for size in sizes:
            raw += zlib.decompress(packed[begin:begin + size])
            begin += size
        values = np.frombuffer(raw, {"Float64": "<f8", "UInt8": "u1"}[at["type"]])
        arrays[at["Name"]] = values.reshape(shape + ((-1,) if int(at.get("NumberOfComponents", 1)) > 1 else ()))
    return arrays, image


def rock(seed, deviation=1.5):
    return np.exp(deviation * np.random.default_rng(seed).normal(size=SHAPE))


def solved(mano, tmp_path, *arguments):
    out = mano("solve", *arguments, "-o", "o.vti", "--json", "o.json").out
    return out, json.loads((tmp_path / "o.json").read_text()), *read_vti(tmp_path / "o.vti")


def relative(a, b):
    use = ~np.isnan(b)
    assert np.array_equal(np.isnan(a), np.isnan(b))
    return np.linalg.norm(a[use] - b[use]) / np.linalg.norm(b[use])


def test_everything_at_once_against_a_direct_solve(mano, tmp_path):
    k, kz = rock(1), 0.1 * rock(2)
    active = np.random.default_rng(3).random(SHAPE) > 0.15
    active[1:, 2, 3] = active[:, 4, 5] = True
    active[2, 2, 3] = False
    size = (70.0, 90.0, 4.0)
    write_vti(tmp_path / "k.vti", size, permeability=k, permz=kz, vtkGhostType=np.where(active, 0, 32).astype(np.uint8))
    problem = ["--permeability", "k.vti", "--anisotropy", 2, "--permeability-z", "permz", "--drop-islands", "--left", "pressure=3", "--top", "pressure=1",
               "--back", "flux=0.0", "--source", 0.01, "--well", "35,40,rate=20,radius=0.1,layers=2:5,name=I", "--well", "55,70,bhp=-2,radius=0.2"]
    assert "well I in column (3, 2), layers 2 to 5: rate 20" in mano("solve", *problem, "-o", "brief.vti").out
    out, result, arrays, image = solved(mano, tmp_path, *problem, "--report")
    ghosts = arrays["vtkGhostType"]
    assert (ghosts[~active] == 32).all()  # and islands
    active = ghosts == 0
    wells = [{"i": 3, "j": 2, "layers": (1, 4), "rate": 20, "radius": 0.1}, {"i": 5, "j": 4, "layers": (0, 4), "bhp": -2, "radius": 0.2}]
    p, states = direct_solve.solve_volume((k, 2 * k, kz), size, {"left": ("pressure", 3), "top": ("pressure", 1)}, 0.01, wells, active)
    assert relative(arrays["pressure"], p) < 1e-8
    assert result["mass_balance_error"] < 1e-10
    for well, (pressure, rates), layers in zip(result["wells"], states, ([2, 4, 5], [1, 2, 3, 4, 5])):
        assert well["pressure"] == pytest.approx(pressure, rel=1e-7)
        assert [layer["layer"] for layer in well["layers"]] == layers
        assert [layer["rate"] for layer in well["layers"]] == pytest.approx(rates, rel=1e-6, abs=1e-8)
        assert well["rate"] == pytest.approx(sum(rates), rel=1e-7)
    assert re.search(r"I +\(3, 2\) +rate +20 ", out)
    assert re.search(r"layer 4 +[-\d.]+", out) and result["report"]["wells"] == result["wells"]
    assert list(result["outflow"]) == ["back", "bottom", "front", "left", "right", "top"]
    # The file: cells in the order of layers, depth upward, the other permeabilities, the flux downward.
    assert image["WholeExtent"] == "0 7 0 6 0 5" and image["Spacing"].split()[2] == "0.8"
    assert np.array_equal(arrays["permeability"][active], k[active]) and np.array_equal(arrays["permeability_y"][active], 2 * k[active])
    assert np.array_equal(arrays["permeability_z"][active], kz[active])
    inner = active[:-2] & active[1:-1] & active[2:]
    upper, lower = (2 / (1 / kz[a] + 1 / kz[b]) * (p[a] - p[b]) / 0.8 for a, b in ((np.s_[:-2], np.s_[1:-1]), (np.s_[1:-1], np.s_[2:])))
    scale = np.abs(arrays["flux"][..., 2]).max()
    assert arrays["flux"][1:-1, ..., 2][inner] == pytest.approx((0.5 * (upper + lower))[inner], abs=1e-6 * scale)


@pytest.mark.parametrize("problem", ["benchmark", "drive"])
def test_named_problems(mano, tmp_path, problem):
    k = rock(4)
    write_vti(tmp_path / "k.vti", (3, 2, 1), permeability=k)
    _, result, arrays, _ = solved(mano, tmp_path, "--permeability", "k.vti", "--problem", problem, "--anisotropy-z", 0.1)
    sides = {side: ("pressure", 0) for side in ("left", "right", "front", "back", "top", "bottom")}
    if problem == "drive":
        sides = {"left": ("pressure", 1), "right": ("pressure", 0)}
    p, _ = direct_solve.solve_volume((k, k, 0.1 * k), (3, 2, 1), sides, 1.0 if problem == "benchmark" else 0.0)
    assert relative(arrays["pressure"], p) < 1e-8
    assert sum(result["outflow"].values()) == pytest.approx(6 if problem == "benchmark" else 0, abs=1e-8)


def test_five_spot_and_what_is_read_back(mano, tmp_path):
    write_vti(tmp_path / "k.vti", (3, 2, 1), permeability=rock(5))
    _, result, arrays, _ = solved(mano, tmp_path, "--permeability", "k.vti", "--problem", "five-spot")
    assert [w["cell"] for w in result["wells"]] == [[0, 0], [6, 5]] and result["wells"][0]["pressure"] is None
    assert [len(w["layers"]) for w in result["wells"]] == [5, 5]
    assert sum(layer["rate"] for layer in result["wells"][1]["layers"]) == pytest.approx(-1, rel=1e-12)
    assert arrays["pressure"].mean() == pytest.approx(0, abs=1e-10)
    (tmp_path / "o.vti").rename(tmp_path / "first.vti")
    _, _, again, _ = solved(mano, tmp_path, "--permeability", "first.vti", "--problem", "five-spot")
    assert all(np.array_equal(again[name], arrays[name]) for name in arrays)
    info = mano("info", "first.vti").out
    assert "7x6x5 cells" in info and "x [0, 1]" in info


def test_ranks_share_a_volume(mano, tmp_path):
    shape = (6, 10, 12)  # enough cells for two ranks to share
    write_vti(tmp_path / "k.vti", (300, 200, 6), permeability=np.exp(np.random.default_rng(8).normal(size=shape)))
    command = ["solve", "--permeability", "k.vti", "--left", "pressure=1", "--well", "150,100,rate=2,radius=0.1,layers=2:4", "--anisotropy-z",
               0.1, "--tolerance", 1e-12]
    mano(*command, "-o", "one.vti")
    mano(*command, "-o", "two.vti", ranks=2)
    one, two = (read_vti(tmp_path / name)[0] for name in ("one.vti", "two.vti"))
    assert relative(two["pressure"], one["pressure"]) < 1e-10


@pytest.mark.parametrize("units, foot, barrel, psi", [("metric", 1, 1, 1e5), ("field", FOOT, BARREL, PSI)])
def test_units_by_hand_in_si(mano, tmp_path, units, foot, barrel, psi):
    # Down through layers of 100 and 400 mD, 300 x 200 x 10: k / viscosity * area * drop / length, per day.
    k = np.full((4, 3, 5), 100.0)
    k[2:] = 400
    size = (300.0, 200.0, 10.0)
    write_vti(tmp_path / "k.vti", size, **{"permeability": k, "poro": np.full(k.shape, 0.25)})
    metric = ["--permeability", "k.vti", "--units", units, "--viscosity", 2]
    out, result, arrays, _ = solved(mano, tmp_path, *metric, "--top", "pressure=30", "--bottom", "pressure=10", "--porosity", "poro",
                                    "--report", "--time-of-flight")
    velocity = 160e-3 * DARCY / 2e-3 * 20 * psi / (10 * foot) * 86400  # m/day; 160 is the harmonic mean
    rate = velocity * 300 * 200 * foot**2 / barrel
    assert result["outflow"]["bottom"] == pytest.approx(rate, rel=1e-8)
    unit = {"metric": "m", "field": "ft"}[units]
    flux = arrays[f"flux [{unit}/day]"]
    assert flux[..., 2] == pytest.approx(velocity / foot, rel=1e-8) and np.abs(flux[..., :2]).max() < 1e-8 * velocity
    assert result["report"]["pore_volume"] == pytest.approx(0.25 * 300 * 200 * 10 * foot**3 / barrel, rel=1e-12)
    times = arrays["time_of_flight [day]"]
    assert times[:, 1, 2] == pytest.approx(0.25 * foot * np.array([2.5, 5, 7.5, 10]) / velocity, rel=1e-8)
    assert "thickness" not in out
    # A given flux is a velocity, too.
    _, given, _, _ = solved(mano, tmp_path, *metric, "--top", "pressure=30", "--bottom", "flux=0.5")
    assert given["outflow"]["bottom"] == pytest.approx(0.5 * 300 * 200 * foot**3 / barrel, rel=1e-8)


@pytest.mark.parametrize("units, foot, barrel, psi", [("metric", 1, 1, 1e5), ("field", FOOT, BARREL, PSI)])
def test_a_well_after_thiem(mano, tmp_path, units, foot, barrel, psi):
    # Cells 10 x 10, so that the pressure of the well's cell is that at r = 0.2 * 10 (D. W. Peaceman, 1978); 50 mD, 6 layers of 3.
    k = np.full((6, 31, 31), 50.0)
    write_vti(tmp_path / "k.vti", (310.0, 310.0, 18.0), permeability=k)
    _, result, arrays, _ = solved(mano, tmp_path, "--permeability", "k.vti", "--units", units, *(
        text for side in ("left", "right", "front", "back") for text in (f"--{side}", "pressure=100")), "--well",
        "155,155,rate=40,radius=0.1", "--anisotropy-z", 0.1)
    thiem = 40 * barrel / 86400 * 1e-3 / (2 * math.pi * 50e-3 * DARCY * 18 * foot) / psi  # of a factor e of the radius
    pressure = arrays[f"pressure [{'bar' if units == 'metric' else 'psi'}]"][2, 15]
    well = result["wells"][0]
    assert well["pressure"] - pressure[15] == pytest.approx(thiem * math.log(0.14 * math.sqrt(2) * 10 / 0.1), rel=1e-6)
    assert pressure[18] - pressure[21] == pytest.approx(thiem * math.log(60 / 30), rel=0.02)
    assert [layer["rate"] for layer in well["layers"]] == pytest.approx([40 / 6] * 6, rel=1e-7)


def test_sides_along_y_have_two_names_in_a_flat_grid(mano, tmp_path):
    flat = ["--field", "lognormal", "--resolution", "8x6"]
    mano("solve", *flat, "--front", "pressure=1", "--back", "flux=0.2", "-o", "a.vti", "--json", "a.json")
    mano("solve", *flat, "--bottom", "pressure=1", "--top", "flux=0.2", "-o", "b.vti", "--json", "b.json")
    assert (tmp_path / "a.vti").read_bytes() == (tmp_path / "b.vti").read_bytes()
    a, b = (json.loads((tmp_path / name).read_text())["outflow"] for name in ("a.json", "b.json"))
    assert a == b and list(a) == ["bottom", "left", "right", "top"]


@pytest.mark.parametrize("arguments, words", [
    ("--field lognormal --resolution 8x6 --front pressure=1 --bottom pressure=0", "--front and --bottom are the same side"),
    ("--field lognormal --resolution 8x6 --well 0.5,0.5,rate=1,layers=1 --left pressure=0", "layers are those of a volume"),
    ("--field lognormal --resolution 8x6 --anisotropy-z 0.1", "for volumes, the grid is 8x6"),
    ("--permeability k.vti --well 1,1,rate=1,layers=2:6 --left pressure=0", "the grid has layers 1 to 5"),
    ("--permeability k.vti --well 1,1,rate=1,layers=2,layers=3 --left pressure=0", "layers is given twice"),
    ("--permeability k.vti --layer 2", "--layer, --section and --grid are for GRDECL files, k.vti is none"),
    ("--permeability k.vti --grid 3x3x3", "--layer, --section and --grid are for GRDECL files, k.vti is none"),
    ("--field lognormal --resolution 8x6x4 --section 2", "--layer, --section and --grid belong to --permeability FILE, of a GRDECL file"),
    ("--permeability k.vti --well 1,1,rate=1,layers=4:2 --left pressure=0", "layers are '4:2'"),
    ("--permeability k.vti --well 1,1,rate=1,layers=0 --left pressure=0", "counted from 1"),
    ("--permeability k.vti --well 1,1,rate=1,layers=2: --left pressure=0", "layers are '2:'"),
    ("--permeability k.vti --well 1,1,rate=1,layers=1.5 --left pressure=0", "layers are '1.5'"),
    ("--permeability k.vti --well 9,1,rate=1 --left pressure=0", "outside the domain"),
    ("--permeability k.vti --units metric --thickness 1 --left pressure=0", "--thickness is 1, but the grid is a volume, 7x6x5 on 3x2x1"),
    ("--permeability k.vti --size 3x2", "size '3x2' has 2 lengths, but the grid is 7x6x5: pass LXxLYxLZ"),
    ("--field lognormal --resolution 8x6 --size 3x2x1", "size '3x2x1' has 3 lengths, but the grid is 8x6"),
    ("--permeability k.vti --anisotropy-z 0.1 --permeability-z other", "exclude each other"),
    ("--permeability k.vti --anisotropy-z -1", "anisotropy-z is -1"),
    ("--permeability k.vti --permeability-z absent", "absent"),
    ("--permeability k.vti --permeability-z lower.vti", "its depth is 7 to 8"),
    ("--permeability k.vti --top flux=1,2,3 --left pressure=0", "side top has 3 values for 42 faces"),
    ("--permeability k.vti --picture p.jpg", "must end in .png"),
    ("--permeability k.vti --picture nowhere/p.png", "nowhere"),
])
def test_bad_input_is_one_line(mano, tmp_path, arguments, words):
    write_vti(tmp_path / "k.vti", (3, 2, 1), permeability=rock(6))
    text = (tmp_path / "k.vti").read_text()
    (tmp_path / "lower.vti").write_text(text.replace('Origin="0 0 0"', 'Origin="0 0 7"'))
    result = mano("solve", *arguments.split(), "-o", "o.vti", status=2)
    assert words in result.err and len(result.err.strip().splitlines()) == 1, result.err
    assert not (tmp_path / "o.vti").exists() and not (tmp_path / "p.png").exists()


def test_who_takes_flat_grids_alone_says_so(mano, tmp_path):
    write_vti(tmp_path / "k.vti", (3, 2, 1), permeability=rock(6))
    result = mano("simulate", "--permeability", "k.vti", "-o", "s.pvd", status=2)
    assert "k.vti holds a volume of 7x6x5" in result.err and not (tmp_path / "s.pvd").exists()


def test_upscale_in_three_directions(mano, tmp_path):
    k = np.broadcast_to(np.array([1.0, 100.0, 5.0, 0.1, 20.0])[:, None, None], SHAPE)
    write_vti(tmp_path / "k.vti", (30, 20, 1), permeability=k)
    out = mano("upscale", "--permeability", "k.vti", "--anisotropy-z", 0.5, "--json", "u.json").out
    result = json.loads((tmp_path / "u.json").read_text())
    assert result["resolution"] == [7, 6, 5] and result["size"] == [30, 20, 1]
    for axis in ("kx", "ky"):
        assert result[axis]["effective"] == pytest.approx(k.mean(), rel=1e-9) == result[axis]["arithmetic_mean"]
    assert result["kz"]["effective"] == pytest.approx(0.5 / (1 / k).mean(), rel=1e-9)
    assert re.search(r"^kz +[\d.]+", out, re.M)


def png_size(path):
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:24])


def test_pictures(mano, tmp_path):
    write_vti(tmp_path / "k.vti", (30, 20, 1), permeability=rock(7))
    out = mano("solve", "--permeability", "k.vti", "--problem", "drive", "-o", "o.vti", "--picture", "volume.png").out
    assert "wrote volume.png" in out
    mano("solve", "--field", "lognormal", "--resolution", "30x20", "--size", "3x2", "-o", "o.vti", "--picture", "flat.png")
    (width, height), (flat_width, flat_height) = png_size(tmp_path / "volume.png"), png_size(tmp_path / "flat.png")
    assert width == flat_width and height > 3 * flat_height  # three slices and a view


def test_a_dataset_of_volumes_by_one_rank_and_by_two(mano, tmp_path):
    arguments = ["generate", "--field", "lognormal", "--problem", "drive", "--samples", 3, "--resolution", "12x10x6", "--size", "2x1x0.5", "--also", "6x5x3"]
    mano(*arguments, "-o", "a.h5")
    with h5py.File(tmp_path / "a.h5") as a, h5py.File(tmp_path / "a-6x5x3.h5") as coarse:
        assert a["permeability"].shape == a["pressure"].shape == a["nu"].shape == (3, 6, 10, 12) and a["tensor"].shape == (3, 1, 6, 10, 12)
        assert coarse["pressure"].shape == (3, 3, 5, 6) and a.attrs["size_z"] == 0.5 and a.attrs["schema_version"] == 2
        np.testing.assert_allclose(a["z-coordinate"], (np.arange(6) + 0.5) / 12)
        k, p = a["permeability"][2], a["pressure"][2]
    # Flow through each plane between columns is the same: pressure 1 at x = 0, 0 at x = 2.
    h, area = 2 / 12, 0.1 * 0.5 / 6
    flows = [np.sum(2 * k[..., 0] * area / h * (1 - p[..., 0]))]
    flows += [np.sum(2 * k[..., i] * k[..., i + 1] / (k[..., i] + k[..., i + 1]) * area / h * (p[..., i] - p[..., i + 1])) for i in range(11)]
    np.testing.assert_allclose(flows, flows[0], rtol=1e-8)
    assert "3 samples of 12x10x6" in mano("info", "a.h5").out
    assert "is complete" in mano(*arguments, "-o", "a.h5").out


def arrays_of(path):
    with h5py.File(path) as f:
        return {name: f[name][()] for name in f}


def test_ranks_kills_and_parts_change_nothing(mano, tmp_path):
    arguments = ["generate", "--field", "two-phase", "--problem", "drive", "--resolution", "24x20x16", "--also", "12x10x8"]
    mano(*arguments, "--samples", 24, "-o", "one.h5")
    mano(*arguments, "--samples", 24, "-o", "two.h5", ranks=2)
    # Killed later and later until a run ends by itself: killed.h5 may be finished while the file of its other grid is not.
    killed, status = 0, None
    while status != 0:
        assert killed < 60
        process = subprocess.Popen([PROGRAM, *map(str, arguments), "--samples", "24", "-o", "killed.h5"], cwd=tmp_path,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            status = process.wait(0.35 + 0.05 * killed)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
            killed += status != 0
        assert status in (0, -signal.SIGKILL)
    assert killed > 0
    for first in (0, 10):
        mano(*arguments[:-2], "--first", first, "--samples", 10 if first == 0 else 14, "-o", f"part{first}.h5")
    mano("merge", "part10.h5", "part0.h5", "-o", "merged.h5")
    whole = arrays_of(tmp_path / "one.h5")
    for other in ("two.h5", "killed.h5", "merged.h5"):
        np.testing.assert_equal(arrays_of(tmp_path / other), whole)
    for other in ("two", "killed"):
        np.testing.assert_equal(arrays_of(tmp_path / f"{other}-12x10x8.h5"), arrays_of(tmp_path / "one-12x10x8.h5"))


def test_a_merge_does_not_hold_its_files(mano, tmp_path):
    arguments = ["generate", "--field", "two-phase", "--problem", "drive", "--resolution", "48x48x48"]
    mano(*arguments, "--samples", 1, "-o", "one.h5")
    mano(*arguments, "--samples", 30, "--first", 1, "-o", "many.h5")

    def peak(*names):  # MB of memory of a merge; now and then the system takes some back
        (tmp_path / f"of{len(names)}.h5").unlink(missing_ok=True)
        process = subprocess.Popen([PROGRAM, "merge", *names, "-o", f"of{len(names)}.h5"], cwd=tmp_path, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return usage.ru_maxrss / 1024

    of_one = max(peak("one.h5"), peak("one.h5"))
    of_both = min(peak("one.h5", "many.h5"), peak("one.h5", "many.h5"))
    assert (tmp_path / "of2.h5").stat().st_size > 12e6 + (tmp_path / "of1.h5").stat().st_size
    assert of_both - of_one < 8


def test_a_volume_of_hdf5_is_solved_again(mano, tmp_path):
    mano("generate", "--field", "lognormal", "--problem", "drive", "--samples", 2, "--resolution", "6x5x4", "--size", "3x2x0.5", "-o", "v.h5")
    whole = arrays_of(tmp_path / "v.h5")
    mano("solve", "--permeability", "v.h5", "--sample", 1, "--problem", "drive", "-o", "s.h5")
    again = arrays_of(tmp_path / "s.h5")
    assert np.array_equal(again["pressure"][0], whole["pressure"][1]) and np.array_equal(again["z-coordinate"], whole["z-coordinate"])
    with h5py.File(tmp_path / "others.h5", "w") as f:  # x slowest, as meshgrid(indexing="ij") has it
        f["k"], f["p"] = whole["permeability"].transpose(0, 3, 2, 1), whole["pressure"].transpose(0, 3, 2, 1)
    mano("solve", "--permeability", "others.h5", "--axes", "n,x,y,z", "--size", "3x2x0.5", "--sample", 1, "--problem", "drive", "-o", "t.h5")
    assert np.array_equal(arrays_of(tmp_path / "t.h5")["pressure"], again["pressure"])
    assert "--axes n,z,y,x" in mano("solve", "--permeability", "others.h5", "-o", "u.h5", status=2).err
    mano("import", "others.h5", "--axes", "n,x,y,z", "--size", "3x2x0.5", "--problem", "drive", "-o", "i.h5", "--json", "i.json")
    imported = arrays_of(tmp_path / "i.h5")
    assert all(np.array_equal(imported[name], whole[name]) for name in ("permeability", "pressure", "tensor", "z-coordinate"))
    assert json.loads((tmp_path / "i.json").read_text())["resolution"] == [6, 5, 4]
    assert "has two lengths" in mano("import", "others.h5", "--axes", "n,x,y,z", "--size", "3x2", "-o", "u.h5", status=2).err


def test_a_deck_is_solved_whole_and_stored(mano, tmp_path):
    k = np.round(rock(7), 6)
    values = " ".join(map(str, k.ravel()))
    (tmp_path / "k.grdecl").write_text(f"SPECGRID\n7 6 5 1 F /\nPERMX\n{values} /\nACTNUM\n10*1 0 199*1 /\n")
    mano("solve", "--permeability", "k.grdecl", "--size", "7x6x5", "--problem", "drive", "-o", "s.h5")
    with h5py.File(tmp_path / "s.h5") as s:
        np.testing.assert_array_equal(s["permeability"][0], k)
        assert np.isnan(s["pressure"][0, 0, 1, 3]) and np.isfinite(s["pressure"][0]).sum() == 209
    layer = mano("generate", "--permeability", "k.grdecl", "--layer", 2, "-o", "flat.h5")
    assert layer.status == 0
    with h5py.File(tmp_path / "flat.h5") as s:
        np.testing.assert_array_equal(s["permeability"][0], k[1])


@pytest.mark.parametrize("arguments, expected", [
    (["simulate", "--permeability", "k.grdecl", "-o", "x.pvd"], "needs --layer K (1 to 2) or --section J (1 to 2)"),
    (["simulate", "--permeability", "v.h5", "-o", "x.pvd"], "holds a volume of 4x4x2"),
    (["import", "v.h5", "--time-step", 1, "-o", "x.h5"], "v.h5 is a mano dataset: it needs no import"),
    (["solve", "--permeability", "v.h5", "--axes", "n,t,y,x", "--time-step", 0, "-o", "x.vti"], "whose axes are n,z,y,x"),
    (["solve", "--permeability", "v.h5", "--size", "2x1", "-o", "x.vti"], "has 2 lengths"),
    (["train", "--data", "v.h5", "-o", "x"], "holds volumes of 4x4x2"),
    (["generate", "--field", "lognormal", "--resolution", "4x4x2", "--correlation-length", "0.1x0.2", "-o", "x.h5"], "a volume needs one length, or three"),
    (["generate", "--field", "two-phase", "--resolution", "4x4x2", "--samples", 1, "--device", "threads", "-o", "x.h5"], "by --device cpu"),
    (["generate", "--field", "two-phase", "--resolution", "4x4x2", "--samples", 1, "--problem", "displacement", "-o", "x.h5"], "a volume of 4x4x2 is solved as steady flow"),
    (["generate", "--field", "two-phase", "--resolution", "4x4x2", "--samples", 1, "--also", "8x8", "-o", "x.h5"], "all are to be flat, or all volumes"),
    (["ensemble", "--field", "lognormal", "--resolution", "4x4x2", "--quantity", "mean-pressure", "--tolerance", 1, "-o", "x"], "three numbers"),
    (["predict", "--model", "m", "--field", "two-phase", "--resolution", "4x4x2", "-o", "x.vti"], ""),
])
def test_volumes_are_refused_where_flat_grids_alone_are_taken(mano, tmp_path, arguments, expected):
    (tmp_path / "k.grdecl").write_text("SPECGRID\n2 2 2 1 F /\nPERMX\n1 2 3 4 5 6 7 8 /\n")
    if "v.h5" in arguments:
        mano("generate", "--field", "lognormal", "--problem", "drive", "--samples", 1, "--resolution", "4x4x2", "-o", "v.h5")
    err = mano(*arguments, status=2).err
    assert expected in err and err.count("\n") == 1 and not list(tmp_path.glob("x*"))
