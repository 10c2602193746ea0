"""Trained models of displacements: load_displacement() against the program, with wells of each rock's own, and what it refuses."""
import pickle
import subprocess

import h5py
import mano
import numpy as np
import pytest
from conftest import PROGRAM

TIMES = ("--snapshots", 3)
RUNS = {"spot": [], "own": ["--random-wells", "injectors=1:2,producers=1:2"], "holed": ["--inactive", "blobs:0.3"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("displacement")
    for name, options in RUNS.items():
        for arguments in (["generate", "--problem", "displacement", "--field", "two-phase", *TIMES, *options, "--samples", 40, "--resolution", "16x16", "-o", f"{name}.h5"],
                          ["generate", "--problem", "displacement", "--field", "two-phase", *TIMES, *options, "--seed", 2, "--samples", 4, "--resolution", "24x16", "-o", f"{name}-test.h5"],
                          ["train", "--data", f"{name}.h5", "--epochs", 3, "--held-out", 0.3, "-o", name],
                          ["predict", "--model", name, "--data", f"{name}-test.h5", "-o", f"{name}-p.h5"]):
            result = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, cwd=folder, check=False)
            assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.mark.parametrize("name", RUNS)
def test_predictions_are_those_of_the_program(folder, name):
    model, data = mano.load_displacement(folder / name), mano.Dataset(folder / f"{name}-test.h5")[:]
    given = {"wells": data.wells} if name == "own" else {"active": data.active} if name == "holed" else {}
    found = model.predict(data.permeability, **given)
    with h5py.File(folder / f"{name}-p.h5") as f:
        for key in ("saturation", "pressure", "water_cut", "recovery"):
            np.testing.assert_allclose(getattr(found, key), f[key][()], atol=2e-5, err_msg=key)
        np.testing.assert_allclose(found.times, f["time"][()])
        np.testing.assert_array_equal([bool(lines) for lines in found.unlike_training], f["unlike_training"][()] > 0)
    assert found.saturation.shape == (4, 3, 16, 24) and 0 < found.half_width.min()
    one = model.predict(data.permeability[1], **{key: value[1] for key, value in given.items()}, times=(0.1, 0.2))
    assert one.saturation.shape == (2, 16, 24) and one.water_cut.shape == (2,) and isinstance(one.unlike_training, list)
    np.testing.assert_allclose(one.saturation[1], found.saturation[1, 0], atol=2e-5)


def test_wells_are_given_in_three_ways(folder):
    model = pickle.loads(pickle.dumps(mano.load_displacement(folder / "own")))
    assert model.card["takes_wells"] and "injectors=1:2" in model.card["displacement"] and len(model.card["times"]) == 3
    rocks = mano.draw("two-phase", seed=5, samples=2, resolution=(16, 16))
    west = [mano.Well(0.2, 0.3, rate=1), mano.Well(0.8, 0.8, rate=-1)]
    east = [mano.Well(0.8, 0.3, rate=1), mano.Well(0.2, 0.8, rate=-0.5), mano.Well(0.2, 0.2, rate=-0.5)]
    both = model.predict(rocks, wells=[west, east])
    for i, wells in enumerate((west, east)):
        of_all = model.predict(rocks, wells=wells)
        np.testing.assert_allclose(of_all.saturation[i], both.saturation[i], atol=2e-6)
    table = np.array([[0.2, 0.3, 1, np.nan, 0], [0.8, 0.8, -1, np.nan, 0], [np.nan] * 5])
    np.testing.assert_allclose(model.predict(rocks[0], wells=table).saturation, both.saturation[0], atol=2e-6)
    assert np.abs(both.saturation[0] - model.predict(rocks[0], wells=east).saturation).max() > 0.2
    assert both.unlike_training == [[], []]
    (line,) = model.predict(rocks[0], wells=[mano.Well(0.5, 0.5, rate=1), mano.Well(0.55, 0.5, rate=-1)]).unlike_training
    assert "0.05 apart" in line


def test_bad_input(folder):
    spot, own = mano.load_displacement(folder / "spot"), mano.load_displacement(folder / "own")
    rocks = mano.draw("two-phase", seed=5, samples=2, resolution=(16, 16))
    well = mano.Well(0.2, 0.3, rate=1)
    for call, message in ((lambda: own.predict(rocks), "pass wells"), (lambda: spot.predict(rocks, wells=[well]), "leave them out"),
                          (lambda: own.predict(rocks, wells=[]), "no wells"), (lambda: own.predict(rocks, wells=["0.5,0.5,rate=1"]), "expected mano.Well"),
                          (lambda: own.predict(rocks, wells=mano.RandomWells(1, 1)), "expected a list"), (lambda: own.predict(rocks, wells=well), "balance"),
                          (lambda: own.predict(rocks, wells=np.ones((3, 2, 5))), "of each"), (lambda: own.predict(rocks, wells=np.ones((2, 4))), r"\[2, 4\]"),
                          (lambda: own.predict(rocks, wells=[mano.Well(0.2, 0.3)]), "either a rate or a bhp"), (lambda: own.predict(rocks, wells=[well]), "balance"),
                          (lambda: spot.predict(-rocks), "permeability"), (lambda: spot.predict(rocks, times=[0.7]), "up to 0.6"),
                          (lambda: spot.predict(rocks, active=np.ones((16, 16))), "inactive"), (lambda: spot.predict(rocks, method="magic"), "magic"),
                          (lambda: mano.load(folder / "spot"), "load_displacement"), (lambda: mano.load_displacement(folder / "absent"), "absent")):
        with pytest.raises(mano.InputError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_a_model_of_steady_flow_is_no_model_of_displacements(trained):
    with pytest.raises(mano.InputError, match="no displacement"):
        mano.load_displacement(trained)
