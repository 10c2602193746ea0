"""Units, the report, time of flight, and the five-spot of docs/tutorial.md, by the command line."""
import json
import math
import os
import re
import subprocess

import h5py
import numpy as np
import pytest
from conftest import PROGRAM, run

pytestmark = pytest.mark.needs("petsc")
ROOT = os.path.join(os.path.dirname(__file__), "..", "..")

# From definitions: darcy in m2, bar, psi, foot, barrel, day.
DARCY = 1e-9 / (1e-4 * 101325 / 1e-2)
PSI = 0.45359237 * 9.80665 / 0.0254**2
FOOT = 0.3048
BARREL = 42 * 231 * 0.0254**3


def grdecl(path, nx, ny, permx, poro=None, units="METRIC"):
    permx = np.broadcast_to(permx, (ny, nx)).ravel()
    text = f"{units}\nDIMENS\n {nx} {ny} 1 /\nPERMX\n {' '.join(map(repr, map(float, permx)))} /\n"
    if poro is not None:
        text += f"PORO\n {' '.join(map(repr, map(float, np.broadcast_to(poro, (ny, nx)).ravel())))} /\n"
    path.write_text(text)


def result_of(mano, tmp_path, *arguments):
    output = mano("solve", *arguments, "-o", "f.h5", "--json", "f.json").out
    with h5py.File(tmp_path / "f.h5") as f:
        return output, json.loads((tmp_path / "f.json").read_text()), {k: f[k][0] for k in ("permeability", "pressure")}


def test_linear_flow_in_si(mano, tmp_path):
    # 300 mD, 2 cP, 10 m thick, 100 m wide, 500 m long, 50 bar; rate by hand in SI.
    rate = 300e-3 * DARCY * (10 * 100) * 50e5 / (2e-3 * 500) * 86400
    metric = ["--field", "lognormal", "--deviation", 0, "--mean", math.log(300), "--resolution", "10x4"]
    _, m, fields = result_of(mano, tmp_path, *metric, "--units", "metric", "--viscosity", 2, "--thickness", 10, "--size", "500x100",
                             "--left", "pressure=150", "--right", "pressure=100")
    assert m["outflow"]["right"] == pytest.approx(rate, rel=1e-8)
    assert fields["permeability"] == pytest.approx(300, rel=1e-12) and fields["pressure"].max() < 150
    assert m["units"]["rate"] == "m3/day" and m["units"]["viscosity"] == 2
    # The same in field units.
    _, f, _ = result_of(mano, tmp_path, *metric, "--units", "field", "--viscosity", 2, "--thickness", 10 / FOOT, "--size",
                        f"{500 / FOOT}x{100 / FOOT}", "--left", f"pressure={150e5 / PSI}", "--right", f"pressure={100e5 / PSI}")
    assert f["outflow"]["right"] * BARREL == pytest.approx(rate, rel=1e-8)
    assert f["units"]["rate"] == "bbl/day"


def test_a_domain_of_one_metre_is_noted(mano, tmp_path):
    field = ["--field", "lognormal", "--resolution", "6x4"]
    note = "mano: note: no --size was given: the domain is 1x1 ft; pass --size LXxLY in ft\n"
    assert mano("solve", *field, "--units", "field", "-o", "f.h5").err == note
    assert mano("generate", *field, "--units", "field", "--samples", 1, "-o", "d.h5").err == note
    assert "1x1x1 m; pass --size LXxLYxLZ in m" in mano("solve", "--field", "lognormal", "--resolution", "6x4x3", "--units", "metric", "-o", "v.h5").err
    grdecl(tmp_path / "deck.grdecl", 6, 4, 100.0)
    assert "domain is 1x1 m" in mano("solve", "--permeability", "deck.grdecl", "--layer", 1, "-o", "g.h5").err
    if "vtk" in os.environ.get("MANO_PARTS", "vtk"):
        assert mano("simulate", *field, "--units", "field", "--porosity", 0.2, "--until", "0.1pv", "--no-estimate", "-o", "s.pvd").err == note
    # Consistent units, a size that is given, and one that the file knows.
    assert not mano("solve", *field, "-o", "c.h5").err
    assert not mano("solve", *field, "--units", "field", "--size", "1x1", "-o", "c.h5").err
    assert not mano("solve", "--permeability", "f.h5", "-o", "c.h5").err


@pytest.mark.parametrize("units, foot, barrel", [("metric", 1, 1), ("field", FOOT, BARREL)])
def test_given_flux_is_a_velocity(mano, tmp_path, units, foot, barrel):
    # Velocity times section, in cubes of the length, turned into the unit of rates.
    _, r, _ = result_of(mano, tmp_path, "--field", "lognormal", "--resolution", "6x4", "--size", "60x20", "--units", units, "--thickness",
                        3, "--left", "pressure=10", "--right", "flux=0.25")
    assert r["outflow"]["right"] == pytest.approx(0.25 * 20 * 3 * foot**3 / barrel, rel=1e-9)
    if "vtk" in os.environ.get("MANO_PARTS", "vtk"):
        mano("solve", "--field", "lognormal", "--deviation", 0, "--resolution", "6x4", "--size", "60x20", "--units", units, "--thickness", 3,
             "--left", "pressure=10", "--right", "flux=0.25", "-o", "f.vti")
        lines = mano("info", "f.vti").out
        velocity, pressure = ("m/day", "bar") if units == "metric" else ("ft/day", "psi")
        assert f"'flux [{velocity}]': 0.25 to 0.25" in lines
        assert f"'pressure [{pressure}]'" in lines and "'permeability [mD]': 1 to 1" in lines


def test_units_stand_in_the_file(mano, tmp_path):
    mano("solve", "--field", "two-phase", "--resolution", "8x8", "--units", "field", "--anisotropy", 0.5, "-o", "f.h5")
    with h5py.File(tmp_path / "f.h5") as f:
        assert [f[k].attrs["units"] for k in ("permeability", "permeability_y", "pressure")] == ["mD", "mD", "psi"]
        assert np.array_equal(f["permeability_y"][0], 0.5 * f["permeability"][0])
        assert set(np.unique(f["permeability"])) == {3.0, 12.0}
        assert json.loads(f.attrs["mano"])["units"]["system"] == "field" == f.attrs["units"]
        assert f.attrs["setup"].startswith("custom-")
    assert "field units: lengths in ft" in mano("info", "f.h5", "--json", "i.json").out
    assert json.loads((tmp_path / "i.json").read_text())["units"]["system"] == "field"
    # It is read back in its own units.
    assert "f.h5 says that it is in field units" in mano("solve", "--permeability", "f.h5", "-o", "g.h5").out
    mano("solve", "--field", "two-phase", "--resolution", "8x8", "-o", "plain.h5")
    with h5py.File(tmp_path / "plain.h5") as f:
        assert "units" not in f.attrs and "units" not in f["pressure"].attrs and "units" not in json.loads(f.attrs["mano"])
        assert f.attrs["setup"] == "benchmark"


def test_datasets_in_other_units_are_not_merged(mano, tmp_path):
    common = ["generate", "--field", "lognormal", "--resolution", "6x5", "--problem", "drive", "--samples", 2]
    mano(*common, "--units", "metric", "--thickness", 4, "-o", "a.h5")
    mano(*common, "--first", 2, "--units", "metric", "--thickness", 4, "-o", "b.h5")
    mano(*common, "--first", 2, "--units", "field", "--thickness", 4, "-o", "c.h5")
    mano(*common, "--first", 2, "--units", "metric", "--thickness", 5, "-o", "d.h5")
    mano(*common, "-o", "plain.h5")
    mano("merge", "a.h5", "b.h5", "-o", "ab.h5")
    with h5py.File(tmp_path / "ab.h5") as f, h5py.File(tmp_path / "plain.h5") as plain:
        assert f["pressure"].attrs["units"] == "bar" and json.loads(f.attrs["mano"])["units"]["thickness"] == 4
        assert np.array_equal(f["permeability"][:2], plain["permeability"])  # as given, in mD
        assert np.allclose(f["pressure"][:2], plain["pressure"], rtol=1e-7)  # pressures given: no matter what the factor is
    assert "units" in mano("merge", "a.h5", "c.h5", "-o", "ac.h5", status=2).err
    assert "thickness" in mano("merge", "a.h5", "d.h5", "-o", "ad.h5", status=2).err


def test_grdecl_is_believed(mano, tmp_path):
    for keyword, system in (("METRIC", "metric"), ("FIELD", "field")):
        grdecl(tmp_path / "rock.grdecl", 3, 2, 50, units=keyword)
        output, r, _ = result_of(mano, tmp_path, "--permeability", "rock.grdecl", "--problem", "drive")
        assert f"rock.grdecl says that it is in {system} units" in output and r["units"]["system"] == system
        assert result_of(mano, tmp_path, "--permeability", "rock.grdecl", "--units", system)[1]["units"]["system"] == system
        assert "permeability in mD" in mano("upscale", "--permeability", "rock.grdecl").out
    assert "units" not in result_of(mano, tmp_path, "--field", "layered", "--resolution", "4x4")[1]


def test_report_of_layers(mano, tmp_path):
    # Layers along the flow: each has its own time of flight, phi L / u.
    k, phi = np.array([[10.0], [100.0], [1000.0]]), np.array([[0.1], [0.2], [0.3]])
    grdecl(tmp_path / "rock.grdecl", 20, 3, k, phi)
    output = mano("solve", "--permeability", "rock.grdecl", "--size", "1000x30", "--thickness", 2, "--viscosity", 0.8, "--left", "pressure=20",
                  "--right", "pressure=10", "--report", "--time-of-flight", "-o", "f.h5", "--json", "f.json").out
    report = json.loads((tmp_path / "f.json").read_text())["report"]
    velocity = k * 1e-3 * DARCY * 10e5 / (0.8e-3 * 1000) * 86400
    flow = (velocity * 10 * 2).sum()
    volume = (phi * 1000 * 10 * 2).sum()
    assert report["pore_volume"] == pytest.approx(volume) and report["pore_volume_without_flow"] == 0
    assert report["inflow"] == pytest.approx(flow, rel=1e-8)
    with h5py.File(tmp_path / "f.h5") as f:
        tau = f["time_of_flight"][0]
        assert f["time_of_flight"].attrs["units"] == "day"
    exact = phi / velocity * 50 * np.arange(1, 21)
    assert np.allclose(tau, exact, rtol=1e-7)
    for swept in report["swept"]:
        time = swept["pore_volumes_injected"] * volume / flow
        assert swept["time"] == pytest.approx(time, rel=1e-8)
        assert swept["volume"] == pytest.approx(((exact <= time) * phi).sum() * 50 * 10 * 2)
    assert "pore volume [m3] 12000" in output and "flow out [m3/day]" in output


def test_wells_have_names(mano, tmp_path):
    wells = ["--well", "10,10,rate=5,radius=0.1,name=INJ", "--well", "90,90,rate=-2,radius=0.1", "--well", "90,10,rate=-3,name=P 2"]
    output, r, _ = result_of(mano, tmp_path, "--field", "lognormal", "--resolution", "20x20", "--size", "100x100", *wells, "--report",
                             "--units", "metric", "--porosity", 0.25)
    assert [(w["name"], w["rate"]) for w in r["report"]["wells"]] == [("INJ", 5), ("W2", -2), ("P 2", -3)]
    assert r["report"]["pore_volume"] == pytest.approx(2500)
    assert re.search(r"INJ +\(2, 2\) +rate +5 +-?[\d.]+", output) and re.search(r"P 2 +\(18, 2\) +rate +-3 +unknown", output)
    _, r, _ = result_of(mano, tmp_path, "--field", "lognormal", "--resolution", "9x9", "--problem", "five-spot", "--well",
                        "0.5,0.5,rate=0")
    assert [w["name"] for w in r["wells"]] == ["W1", "W2", "W3"]


def test_wells_in_one_cell_are_noted(mano, tmp_path):
    """Places in a unit square look like this on a domain of 1000 m."""
    def notes(*arguments):
        return mano("solve", "--field", "lognormal", "--resolution", "10x10", "--size", "1000x1000", "--units", "metric", *arguments, "-o", "f.h5").err

    near, far = ["--well", "0.2,0.2,rate=1"], ["--well", "0.8,0.8,rate=-1", "--well", "900,900,rate=1", "--well", "900,950,rate=-1"]
    assert notes(*near, *far).count("wells W1 and W2 stand in the same cell (0, 0); the domain is 1000x1000") == 1
    assert "stand in" not in notes(*near, "--well", "800,800,rate=-1")


@pytest.mark.parametrize("field", ["two-phase", "lognormal"])
def test_a_field_far_rougher_than_its_cells_is_noted(mano, tmp_path, field):
    """Correlation lengths are absolute: the defaults are those of a domain of unit size."""
    rock = ["solve", "--field", field, "--resolution", "10x10", "--problem", "drive", "-o", "f.h5"]
    large = [*rock, "--size", "1000x1000", "--units", "metric"]
    assert "correlation length is 0.00" in mano(*large).err
    assert "correlation length" not in mano(*large, "--correlation-length", 200).err + mano(*rock).err


def test_inactive_cells(mano, tmp_path):
    (tmp_path / "rock.grdecl").write_text("FIELD\nDIMENS\n 4 3 1 /\nPERMX\n 4*100 4*100 4*100 /\nPORO\n 4*0.2 4*9 4*0.2 /\n"
                                          "ACTNUM\n 4*1 4*0 4*1 /\n")
    _, r, _ = result_of(mano, tmp_path, "--permeability", "rock.grdecl", "--problem", "drive", "--size", "400x300", "--report",
                        "--time-of-flight")
    assert r["report"]["pore_volume"] == pytest.approx(0.2 * 400 * 200 * FOOT**3 / BARREL)
    with h5py.File(tmp_path / "f.h5") as f:
        tau = f["time_of_flight"][0]
    assert np.isnan(tau[1]).all() and np.isfinite(tau[[0, 2]]).all()


ROCK = "--field two-phase --resolution 8x8"


@pytest.mark.parametrize("arguments, words", [
    (f"solve {ROCK} --units imperial -o f.h5", "units are 'imperial'"),
    (f"solve {ROCK} --viscosity 2 -o f.h5", "--viscosity is 2, which needs --units"),
    (f"solve {ROCK} --thickness 2 --units consistent -o f.h5", "--thickness is 2, which needs --units"),
    (f"solve {ROCK} --units metric --thickness 0 -o f.h5", "--thickness is 0"),
    (f"solve {ROCK} --units metric --viscosity -1 -o f.h5", "--viscosity is -1"),
    (f"solve {ROCK} --units metric --viscosity nan -o f.h5", "--viscosity is nan"),
    ("solve --permeability metric.grdecl --units field -o f.h5", "metric.grdecl is in metric units"),
    ("generate --permeability metric.grdecl --units consistent -o f.h5", "metric.grdecl is in metric units"),
    ("solve --permeability lab.grdecl -o f.h5", "lab.grdecl is in LAB units"),
    ("solve --permeability both.grdecl -o f.h5", "the units are FIELD, before they were METRIC"),
    (f"solve {ROCK} --time-of-flight -o f.h5", "--time-of-flight needs the porosity"),
    (f"solve {ROCK} --porosity 1.5 --report -o f.h5", "porosity 1.5 is 1.5 in cell (0, 0)"),
    (f"solve {ROCK} --porosity absent.h5 -o f.h5", "absent.h5"),
    ("solve --permeability metric.grdecl --porosity PORV --report -o f.h5", "PORV not found"),
    (f"solve {ROCK} --well 0.2,0.2,rate=1,name= --well 0.7,0.7,rate=-1 -o f.h5", "the name is empty"),
    (f"solve {ROCK} --well 0.2,0.2,rate=1,name=A --well 0.7,0.7,rate=-1,name=A -o f.h5", "two wells are named 'A'"),
    (f"solve {ROCK} --well 0.2,0.2,rate=1,name=W2 --well 0.7,0.7,rate=-1 -o f.h5", "two wells are named 'W2'"),
    (f"generate {ROCK} --samples 2 --units metric --device threads -o f.h5", "consistent units"),
    ("solve --permeability metric.grdecl --permeability-y bad.grdecl -o f.h5", "-5"),
])
def test_bad_input(tmp_path, arguments, words):
    grdecl(tmp_path / "metric.grdecl", 2, 2, 100, 0.2)
    grdecl(tmp_path / "bad.grdecl", 2, 2, -5)
    grdecl(tmp_path / "lab.grdecl", 2, 2, 100, units="LAB")
    grdecl(tmp_path / "both.grdecl", 2, 2, 100, units="METRIC\nFIELD")
    before = sorted(os.listdir(tmp_path))
    result = run(*arguments.split(), cwd=tmp_path)
    assert result.status == 2 and words in result.err, result.err
    assert len(result.err.strip().splitlines()) == 1 and sorted(os.listdir(tmp_path)) == before


@pytest.mark.needs("vtk")
def test_the_five_spot_of_the_tutorial(tmp_path):
    text = open(os.path.join(ROOT, "docs/tutorial.md"), encoding="utf-8").read()
    section = text[text.index("# A five-spot in metric units"):text.index("# A volume, from a deck")]
    script = "\n".join(re.findall(r"```bash\n(.*?)```", section, re.DOTALL))
    result = subprocess.run(["bash", "-euc", f"mano={PROGRAM}; mkdir tutorial\n" + script], cwd=tmp_path, capture_output=True, text=True,
                            check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    muskat = math.pi * 1e-3 * 100 * DARCY * 10 * 200e5 / (0.5e-3 * (math.log(200 / 0.1) - 0.6190)) * 86400
    rates = {name: float(rate) for name, rate in re.findall(r"^  (INJ|PROD) .* bhp +(-?[\d.]+)", result.stdout, re.MULTILINE)}
    assert rates["INJ"] == pytest.approx(muskat, rel=1e-3) and rates["PROD"] == pytest.approx(-muskat, rel=1e-3)
    # The numbers that the page prints are those that come out.
    assert f"{muskat:.1f} m3/day" in section and f"{rates['INJ']:.2f}" in section


def test_units_of_an_image_come_back(mano, tmp_path):
    if "vtk" not in os.environ.get("MANO_PARTS", "vtk"):
        pytest.skip("built without vtk")
    mano("solve", "--field", "two-phase", "--resolution", "8x6", "--units", "field", "-o", "f.vti", "--json", "f.json")
    assert "f.vti says that it is in field units" in mano("solve", "--permeability", "f.vti", "-o", "g.h5", "--json", "g.json").out
    f, g = (json.loads((tmp_path / name).read_text()) for name in ("f.json", "g.json"))
    assert g["outflow"]["right"] == pytest.approx(f["outflow"]["right"], rel=1e-9) and g["units"] == f["units"]
    err = mano("solve", "--permeability", "f.vti", "--units", "metric", "-o", "x.h5", status=2).err
    assert "--units is metric, but f.vti is in field units" in err


def test_viscosity_and_thickness_of_a_dataset_are_kept(mano, tmp_path):
    arguments = ["--field", "two-phase", "--resolution", "8x6", "--units", "metric", "--viscosity", 2, "--thickness", 7]
    mano("solve", *arguments, "-o", "f.h5", "--json", "f.json")
    mano("solve", "--permeability", "f.h5", "-o", "g.h5", "--json", "g.json")
    f, g = (json.loads((tmp_path / name).read_text()) for name in ("f.json", "g.json"))
    assert g["units"] == f["units"] and g["outflow"]["right"] == pytest.approx(f["outflow"]["right"], rel=1e-9)
    mano("solve", "--permeability", "f.h5", "--viscosity", 1, "-o", "h.h5", "--json", "h.json")
    h = json.loads((tmp_path / "h.json").read_text())
    assert h["units"]["viscosity"] == 1 and h["units"]["thickness"] == 7


@pytest.mark.parametrize("porosity, told", [
    (("--porosity", "0", "--report"), "porosity 0 is 0 in every active cell"),
    (("--porosity", "0.2"), "add --report or --time-of-flight"),
])
def test_a_porosity_that_is_of_no_use(mano, tmp_path, porosity, told):
    err = mano("solve", "--field", "two-phase", "--resolution", "8x6", *porosity, "-o", "x.h5", status=2).err
    assert told in err and err.count("\n") == 1 and not (tmp_path / "x.h5").exists()
