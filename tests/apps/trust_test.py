"""What a prediction says of its own error, held against the solver: estimates, intervals, warnings, corrections, conservation."""
import json
import shutil

import h5py
import numpy as np
import pytest
from conftest import run

FIELDS = {"two-phase": [], "lognormal": ["--deviation", 1]}


@pytest.fixture(scope="module", params=list(FIELDS))
def trained(request, tmp_path_factory):
    """A model of one kind of rock at 16x16, and new fields solved there and at an unseen 32x32."""
    folder = tmp_path_factory.mktemp(request.param)
    field = ["--field", request.param, *FIELDS[request.param]]

    def mano(*arguments, status=0):
        result = run(*arguments, cwd=folder)
        assert result.status == status, result.err
        return result

    mano("generate", *field, "--seed", 1, "--samples", 400, "--resolution", "16x16", "-o", "d.h5")
    mano("generate", *field, "--seed", 2, "--samples", 200, "--resolution", "16x16", "--also", "32x32", "-o", "new.h5")
    # Half is held out: enough to calibrate on.
    mano("train", "--data", "d.h5", "-o", "run", "--epochs", 3, "--refine-epochs", 1, "--held-out", 0.5)
    return mano, folder, request.param


def norms(fields):
    return np.linalg.norm(fields.reshape(len(fields), -1), axis=1)


def read(path, *names):
    with h5py.File(path) as f:
        return [f[name][()] for name in names]


@pytest.mark.parametrize("data", ["new.h5", "new-32x32.h5"])
def test_two_cycles_estimate_the_error(trained, data):
    mano, folder, _ = trained
    mano("predict", "--model", "run", "--data", data, "--estimate", "-o", "p.h5", "--json", "p.json")
    pressure, estimate, relative = read(folder / "p.h5", "pressure", "error_estimate", "estimated_relative_l2")
    (solution,) = read(folder / data, "pressure")
    error = pressure - solution
    effectivity = norms(estimate) / norms(error)
    assert np.mean((effectivity > 0.7) & (effectivity < 1.3)) >= 0.95
    assert np.all(norms(estimate - error) < 0.3 * norms(error))  # where it is, and its sign
    assert np.allclose(relative, norms(error) / norms(solution), rtol=0.3)
    summary = json.loads((folder / "p.json").read_text())["estimated_relative_l2"]
    assert summary["mean"] == pytest.approx(relative.mean()) and summary["max"] == pytest.approx(relative.max())


def covered_part(predicted, solved):
    """Of the points of rock that is like training's: the others have no interval."""
    pressure, half_width, unlike = read(predicted, "pressure", "interval_half_width", "unlike_training")
    np.testing.assert_array_equal(np.isnan(half_width), unlike == 1)
    (solution,) = read(solved, "pressure")
    return np.mean((np.abs(pressure - solution) <= half_width[:, None, None])[unlike == 0])


def test_the_interval_covers_what_it_promises(trained):
    mano, folder, _ = trained
    mano("predict", "--model", "run", "--data", "new.h5", "-o", "p.h5")
    covered = covered_part(folder / "p.h5", folder / "new.h5")
    assert 0.85 <= covered <= 0.95  # 90 +- 1 % by 200 fields, seen on 200 others
    mano("evaluate", "--model", "run", "--data", "new.h5", "--data", "new-32x32.h5", "--record", "--json", "e.json")
    rows = json.loads((folder / "e.json").read_text())["results"]
    assert rows[0]["covered_by_interval"] == pytest.approx(covered, abs=1e-3)
    assert 0 < rows[1]["covered_by_interval"] <= 1  # measured, not promised
    card = mano("info", "run").out
    assert "90 % of the points lie within" in card and "evaluated at 32x32 (unseen, 200 samples of new-32x32.h5)" in card


def test_unlike_rock_is_flagged_and_like_rock_is_not(trained):
    mano, folder, kind = trained
    for data in ("new.h5", "new-32x32.h5"):
        mano("predict", "--model", "run", "--data", data, "-o", "p.h5")
        (flags,) = read(folder / "p.h5", "unlike_training")
        assert flags.mean() <= 0.05, data
    others = {"two-phase": ["--field", "lognormal"], "lognormal": ["--field", "two-phase", "--phases", "1,100"]}
    out = mano("predict", "--model", "run", *others[kind], "--samples", 20, "--resolution", "32x32", "-o", "p.h5").out
    (flags,) = read(folder / "p.h5", "unlike_training")
    assert flags.mean() >= 0.95 and "samples are unlike the training data; the first, sample 0" in out


def test_cycles_correct_the_prediction(trained):
    mano, folder, _ = trained
    (solution,) = read(folder / "new-32x32.h5", "pressure")
    errors = []
    for cycles in (0, 1, 3):
        mano("predict", "--model", "run", "--data", "new-32x32.h5", "--correct", cycles, "-o", "p.h5")
        (pressure,) = read(folder / "p.h5", "pressure")
        errors.append(np.mean(norms(pressure - solution) / norms(solution)))
    assert errors[1] < 0.2 * errors[0] and errors[2] < 0.01 * errors[0]
    with h5py.File(folder / "p.h5") as f:  # an interval is for a prediction as it is
        assert "interval_half_width" not in f and np.all(f["iterations"][()] == 3)


def test_a_conservative_flux_conserves(trained):
    mano, folder, _ = trained
    mano("predict", "--model", "run", "--data", "new.h5", "--conservative", "-o", "p.h5")
    flux_x, flux_y = read(folder / "p.h5", "flux_x", "flux_y")
    assert flux_x.shape == (200, 16, 17) and flux_y.shape == (200, 17, 16)
    divergence = 16 * (np.diff(flux_x, axis=2) + np.diff(flux_y, axis=1))
    assert np.abs(divergence - 1).max() < 1e-5  # f = 1


def test_calibrating_on_new_fields_gives_an_interval_of_its_own(trained):
    mano, folder, kind = trained
    mano("generate", "--field", kind, *FIELDS[kind], "--seed", 3, "--samples", 200, "--resolution", "32x32", "-o", "more.h5")
    shutil.copytree(folder / "run", folder / "calibrated", dirs_exist_ok=True)
    before = covered(mano, folder, "calibrated")
    assert "200 new fields" in mano("calibrate", "--model", "calibrated", "--data", "more.h5").out
    # By 200 fields an interval strays by a per cent, and so does what 200 others show of it.
    after = covered(mano, folder, "calibrated")
    assert 0.85 <= after <= 0.95 and after != before
    card = mano("info", "calibrated").out
    assert "at 16x16: 90 %" in card and "at 32x32: 90 %" in card
    assert "evaluation.json is of other weights or intervals" in card or "evaluated" not in card
    with open(folder / "run/model.safetensors", "rb") as a, open(folder / "calibrated/model.safetensors", "rb") as b:
        assert a.read()[-1000:] == b.read()[-1000:]  # the weights
    mano("predict", "--model", "run", "--data", "more.h5", "-o", "predicted.h5")
    assert "predictions of the model run" in mano("calibrate", "--model", "calibrated", "--data", "predicted.h5", status=2).err
    assert "same resolution" in mano("calibrate", "--model", "calibrated", "--data", "more.h5", "--data", "more.h5", status=2).err
    assert "trained on 400 of its 400 samples" in mano("calibrate", "--model", "calibrated", "--data", "d.h5", status=2).err


def covered(mano, folder, model):
    mano("predict", "--model", model, "--data", "new-32x32.h5", "-o", "p.h5")
    return covered_part(folder / "p.h5", folder / "new-32x32.h5")


def test_no_interval_and_no_alarm_where_none_is_known(trained):
    mano, folder, _ = trained
    for options in (["--direct"], ["--force"]):
        mano("predict", "--model", "run", "--data", "new.h5", *options, "-o", "p.h5")
        with h5py.File(folder / "p.h5") as f:
            assert "interval_half_width" not in f and "unlike_training" in f
    # A coarser grid is compared by its range alone, and nothing is promised of it.
    mano("generate", "--field", trained[2], *FIELDS[trained[2]], "--seed", 2, "--samples", 50, "--resolution", "8x8", "-o", "coarse.h5")
    mano("predict", "--model", "run", "--data", "coarse.h5", "-o", "p.h5")
    assert read(folder / "p.h5", "unlike_training")[0].mean() <= 0.05


def test_config_of_a_run_repeats_it(trained):
    mano, folder, kind = trained
    if kind == "lognormal":
        pytest.skip("once is enough")
    mano("train", "--config", "run/config.toml", "-o", "again")
    assert (folder / "run/model.safetensors").read_bytes() == (folder / "again/model.safetensors").read_bytes()
    # Switches that are off stay off.
    mano("train", "--data", "d.h5", "-o", "plain", "--epochs", 1, "--refine-epochs", 0, "--no-symmetry", "--seed", 2)
    mano("train", "--config", "plain/config.toml", "-o", "again", "--overwrite")
    assert (folder / "plain/model.safetensors").read_bytes() == (folder / "again/model.safetensors").read_bytes()


def test_a_new_training_in_a_run_leaves_nothing_of_the_old(trained):
    mano, folder, _ = trained
    shutil.copytree(folder / "run", folder / "renewed", dirs_exist_ok=True)
    mano("evaluate", "--model", "renewed", "--data", "new.h5", "--record")
    assert "evaluated at 16x16" in mano("info", "renewed").out
    mano("train", "--data", "d.h5", "-o", "renewed", "--epochs", 1, "--refine-epochs", 0, "--overwrite")
    assert not (folder / "renewed/evaluation.json").exists() and "epochs = 1" in (folder / "renewed/config.toml").read_text()
    (folder / "renewed/evaluation.json").write_text('{"results": [{}]}')
    assert "evaluation.json is damaged" in mano("info", "renewed").out
