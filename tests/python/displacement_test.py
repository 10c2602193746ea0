"""mano.simulate, and datasets of displacements, against the program."""
import csv
import json

import mano
import numpy as np
import pytest

ROCK = {"seed": 3, "resolution": (16, 12)}


def read_curves(path):
    with open(path) as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def test_a_simulation_is_that_of_the_program(program, tmp_path):
    program("simulate", "--field", "two-phase", "--seed", 3, "--resolution", "16x12", "--size", "2x1", "--viscosity-ratio", 3, "--corey", "2,3", "--residuals", "0.1,0.2",
            "--porosity", 0.2, "--until", "0.5pv", "--snapshots", 4, "--well", "0.1,0.1,rate=1,radius=1e-3,name=I", "--well", "1.9,0.9,bhp=0,radius=1e-3,name=P",
            "-o", "run.pvd", "--json", "run.json")
    s = mano.simulate(mano.draw("two-phase", size=(2, 1), **ROCK), size=(2, 1), viscosity_ratio=3, corey=(2, 3), residuals=(0.1, 0.2), porosity=0.2, until=0.5, snapshots=4,
                      wells=[mano.Well(0.1, 0.1, rate=1, radius=1e-3, name="I"), mano.Well(1.9, 0.9, bhp=0, radius=1e-3, name="P")], estimate=True)
    assert s.saturation.shape == s.pressure.shape == (4, 12, 16) and s.times == pytest.approx([0.125, 0.25, 0.375, 0.5]) and s.well_names == ["I", "P"]
    assert s.saturation.min() == pytest.approx(0.1) and s.saturation.max() < 0.8
    told = json.loads((tmp_path / "run.json").read_text())
    rows = read_curves(tmp_path / "run.csv")
    assert len(rows) == len(s.curve.time)
    columns = list(rows[0])
    found = {"cut": s.curve.water_cut, "recovery": s.curve.recovery}
    for name, values in found.items():
        column = next(c for c in columns if name in c.lower())
        assert np.allclose([float(row[column]) for row in rows], values, rtol=1e-5, atol=1e-9), column
    assert s.pore_volume == pytest.approx(0.2 * 2) and s.mass_balance_error < 1e-10 and told["breakthrough"] == pytest.approx(s.breakthrough, rel=1e-6)
    assert np.allclose(s.curve.well_rate.sum(1), 0, atol=1e-8) and np.isfinite(s.curve.well_pressure).all() and s.curve.side_rate.shape == (len(rows), 4)
    assert len(s.error.saturation) == 4 and 0 < s.error.recovery < 0.05
    assert mano.simulate(mano.draw("two-phase", **ROCK), until=0.1, snapshots=1).error is None


def test_arrays_of_porosity_source_and_active_cells():
    k = mano.draw("two-phase", **ROCK)
    same = {"until": 0.3, "snapshots": 2, "setup": "five-spot"}
    a, b = mano.simulate(k, porosity=0.25, **same), mano.simulate(np.asfortranarray(k), porosity=np.full(k.shape, 0.25), **same)
    assert np.array_equal(a.saturation, b.saturation) and np.array_equal(a.curve.recovery, b.curve.recovery)
    # Twice the pore volume takes twice the time.
    c = mano.simulate(k, porosity=0.5, **same)
    assert np.allclose(c.elapsed, 2 * a.elapsed) and np.allclose(c.saturation, a.saturation)
    active = np.ones(k.shape, bool)
    active[5:7, 4:9] = False
    d = mano.simulate(k, active=active, source=np.where(np.arange(16) < 2, 1.0, 0.0) * np.ones((12, 1)), right=mano.Pressure(0), until=0.2, snapshots=2)
    assert np.array_equal(np.isnan(d.saturation[1]), ~active) and d.curve.side_rate[-1, 1] < 0 and d.mass_balance_error < 1e-10
    assert d.pore_volume == pytest.approx(active.mean())


def test_a_dataset_of_displacements(program, tmp_path):
    arguments = {"samples": 3, "resolution": (12, 10), "seed": 5, "until": 0.4, "snapshots": 3, "fluids": "co2-brine", "porosity": 0.3, "problem": "displacement"}
    data = mano.generate(tmp_path / "a.h5", "two-phase", **arguments, threads=2, inactive=0.1)
    program("generate", "--field", "two-phase", "--seed", 5, "--samples", 3, "--resolution", "12x10", "--problem", "displacement", "--until", "0.4pv", "--snapshots", 3,
            "--fluids", "co2-brine", "--porosity", 0.3, "--inactive", "blobs:0.1", "-o", "b.h5")
    stored = mano.Dataset(tmp_path / "b.h5")
    assert data.setup == stored.setup and data.setup.startswith("displacement-") and data.info["displacement"]["fluids"]["name"] == "co2-brine"
    for name, found, expected in zip(data[:]._fields, data[:], stored[:]):
        assert np.array_equal(found, expected, equal_nan=name in ("saturation", "pressure", "breakthrough")), name
    one = data[1]
    assert one.saturation.shape == one.pressure.shape == (3, 10, 12) and one.water_cut.shape == (3,) and data.times == pytest.approx([0.4 / 3, 0.8 / 3, 0.4])
    assert np.array_equal(np.isnan(one.saturation[2]), ~one.active)
    simulated = mano.simulate(one.permeability, active=one.active, fluids="co2-brine", porosity=0.3, until=0.4, snapshots=3, drop_islands=True)
    assert np.array_equal(simulated.saturation, one.saturation, equal_nan=True) and simulated.breakthrough == one.breakthrough
    xarray = pytest.importorskip("xarray")
    table = data.to_xarray()
    assert table.saturation.dims == ("sample", "time", "y", "x") and table.recovery.dims == ("sample", "time") and isinstance(table, xarray.Dataset)
    assert np.array_equal(table.time, data.times)
    assert mano.generate(tmp_path / "a.h5", "two-phase", **arguments, inactive=0.1)[2].residual == data[2].residual  # opened as it is


def test_the_end_in_days():
    k = 100 * mano.draw("two-phase", **ROCK)
    wells = [mano.Well(0.1, 0.1, rate=2.0), mano.Well(0.9, 0.9, rate=-2.0)]
    arguments = {"units": "metric", "viscosity": 1.0, "thickness": 10.0, "porosity": 0.2, "wells": wells, "snapshots": 1}
    days = mano.simulate(k, until="0.5d", **arguments)
    assert days.elapsed[-1] == pytest.approx(0.5) and days.times[-1] == pytest.approx(0.5 * 2 / (0.2 * 10))
    assert np.array_equal(days.saturation, mano.simulate(k, until=days.times[-1], **arguments).saturation)


K = np.ones((4, 5))
BAD = [(lambda: mano.simulate(K, porosity=2), "porosity 2 is 2 in cell"), (lambda: mano.simulate(K, porosity=np.zeros((4, 5))), "there is no pore volume"),
       (lambda: mano.simulate(K, porosity=np.ones((3, 3))), "porosity has another shape"), (lambda: mano.simulate(K, units="metric"), "no porosity"),
       (lambda: mano.simulate(K, until=-1), "-1pv"), (lambda: mano.simulate(K, setup="closed"), "nothing is injected"),
       (lambda: mano.simulate(K, fluids="tea"), "tea"), (lambda: mano.simulate(K, corey=(0, 2)), "exponent"),
       (lambda: mano.simulate(np.ones((2, 4, 5))), "simulate takes one field"), (lambda: mano.simulate(np.ones((2, 4, 5)), size=(1, 1, 1)), "of flat grids"),
       (lambda: mano.generate("x.h5", "two-phase", samples=1, resolution=(4, 4), problem="flow"), "problem is 'flow'"),
       (lambda: mano.generate("x.h5", "two-phase", samples=1, resolution=(4, 4, 2), problem="displacement"), "a displacement is of flat grids"),
       (lambda: mano.generate("x.h5", "two-phase", samples=1, resolution=(4, 4), problem="displacement", porosity=K), "must be one number")]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_input_is_one_line_that_names_it(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(mano.InputError, match=BAD[number][1]) as caught:
        BAD[number][0]()
    assert "\n" not in str(caught.value)


def test_times_of_steady_flow_are_none_and_its_options_refused(tmp_path):
    assert mano.generate(tmp_path / "s.h5", "layered", samples=1, resolution=(4, 4)).times is None
    with pytest.raises(TypeError, match="unexpected keyword argument 'until'"):
        mano.generate(tmp_path / "t.h5", "layered", samples=1, resolution=(4, 4), until=0.4)
