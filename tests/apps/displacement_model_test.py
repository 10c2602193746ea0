"""Models of displacements from the outside: train, evaluate, predict, compare, and what is refused."""
import csv
import json
import shutil

import h5py
import numpy as np
import pytest

from conftest import program_in, run

pytestmark = pytest.mark.needs("petsc", "torch", "vtk")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("displacement")
    for name, seed, samples in (("train", 1, 120), ("test", 2, 6)):
        also = ["--also", "32x32"] if name == "test" else []
        result = run("generate", "--field", "two-phase", "--problem", "displacement", "--seed", seed, "--samples", samples, "--resolution", "16x16", "--snapshots", 4, *also, "-o",
                     f"{name}.h5", cwd=folder)
        assert result.status == 0, result.err
    for model in ("mano", "fno"):
        result = run("train", "--data", "train.h5", "--model", model, "--epochs", 12, "--learning-rate", 1e-2, "--held-out", 0.1, "-o", model, cwd=folder)
        assert result.status == 0, result.err
    return folder


@pytest.fixture
def mano_in(folder):
    return program_in(folder)


def test_the_network_improves_the_first_guess_where_it_was_trained_and_beyond(mano_in, folder):
    mano_in("evaluate", "--model", "mano", "--data", "test.h5", "--data", "test-32x32.h5", "--json", "e.json", "--record")
    for row in json.loads((folder / "e.json").read_text())["results"]:
        assert row["saturation_relative_l2"]["mean"] < row["first_guess_relative_l2"]["mean"] < 0.12
        assert row["recovery_error"]["mean"] < 0.03 and row["water_cut_error"]["mean"] < 0.3 and 0.5 < row["covered"] < 1
    assert (folder / "mano/evaluation.json").exists()


def test_mano_and_fno_are_wide_by_default(mano_in, folder):
    config = (folder / "mano/config.toml").read_text()
    assert "dim = 48" in config and "depth = 2" in config and "mlp = 96" in config and "point-width = 128" in config
    before = [line for line in config.splitlines() if not line.startswith("point-width")]  # of before that head
    (folder / "before.toml").write_text("\n".join(before))
    mano_in("train", "--data", "train.h5", "--config", "before.toml", "--epochs", 1, "-o", "before")
    assert "point-width = 0" in (folder / "before/config.toml").read_text()
    mano_in("train", "--data", "train.h5", "--preset", "small", "--epochs", 1, "-o", "narrow")
    mano_in("train", "--data", "train.h5", "--config", "mano/config.toml", "--epochs", 1, "-o", "named")
    assert "dim = 32" in (folder / "narrow/config.toml").read_text() and "dim = 48" in (folder / "named/config.toml").read_text()
    assert "dim = 20" in (folder / "fno/config.toml").read_text()
    mano_in("generate", "--field", "two-phase", "--samples", 10, "--resolution", "16x16", "-o", "flow.h5")
    mano_in("train", "--data", "flow.h5", "--epochs", 1, "--refinement", "none", "-o", "flow")
    assert "dim = 32" in (folder / "flow/config.toml").read_text()


def test_predictions_are_a_dataset_and_an_animation(mano_in, folder):
    mano_in("predict", "--model", "mano", "--data", "test.h5", "-o", "p.h5")
    out = mano_in("predict", "--model", "mano", "--data", "test.h5", "--sample", 3, "-o", "p.pvd").out
    with h5py.File(folder / "p.h5") as predicted, h5py.File(folder / "test.h5") as truth:
        assert predicted["saturation"].shape == truth["saturation"].shape == (6, 4, 16, 16)
        error = np.linalg.norm(predicted["saturation"][3] - truth["saturation"][3]) / np.linalg.norm(truth["saturation"][3])
        assert f"relative L2 error of the saturation {error:.5f}" in out
        assert np.all(predicted["saturation"][:] >= 0) and np.all(predicted["saturation"][:] <= 1)
        cut, recovery = predicted["water_cut"][3], predicted["recovery"][3]
    rows = list(csv.reader((folder / "p.csv").read_text().splitlines()))
    assert rows[0] == ["pore volumes injected", "water cut", "oil recovery"]
    np.testing.assert_allclose(np.array(rows[1:], float)[:, 1:].T, [cut, recovery], rtol=1e-4, atol=1e-6)
    assert sorted(path.name for path in (folder / "p").iterdir()) == ["001.vti", "002.vti", "003.vti", "004.vti"]


def test_a_model_of_rock_with_inactive_cells_predicts_where_fluid_can_flow(mano_in, folder):
    holed = ["--field", "two-phase", "--inactive", "blobs:0.4", "--resolution", "16x16"]
    displacement = ["--problem", "displacement", *holed, "--snapshots", 4]
    mano_in("generate", *displacement, "--seed", 1, "--samples", 60, "-o", "h.h5")
    mano_in("generate", *displacement, "--seed", 2, "--samples", 12, "-o", "h-test.h5")
    mano_in("train", "--data", "h.h5", "--epochs", 12, "--learning-rate", 1e-2, "-o", "holed")
    mano_in("evaluate", "--model", "holed", "--data", "h-test.h5", "--json", "e.json")
    row = json.loads((folder / "e.json").read_text())["results"][0]
    assert row["saturation_relative_l2"]["mean"] < 0.9 * row["first_guess_relative_l2"]["mean"]
    mano_in("predict", "--model", "holed", *holed, "--seed", 2, "--samples", 12, "-o", "h-p.h5")  # drawn anew, islands and all
    with h5py.File(folder / "h-p.h5") as predicted, h5py.File(folder / "h-test.h5") as truth:
        np.testing.assert_array_equal(predicted["active"][:], truth["active"][:])
        active = np.repeat(truth["active"][:][:, None] > 0, 4, axis=1)
        assert np.isnan(predicted["saturation"][:][~active]).all() and np.isfinite(predicted["saturation"][:][active]).all()
        found, solved = predicted["saturation"][:], truth["saturation"][:]
        errors = [np.linalg.norm((a - b)[~np.isnan(b)]) / np.linalg.norm(b[~np.isnan(b)]) for a, b in zip(found, solved)]
        np.testing.assert_allclose(np.mean(errors), row["saturation_relative_l2"]["mean"], rtol=1e-4)
    assert "without islands always" in mano_in("predict", "--model", "holed", *holed, "--drop-islands", "-o", "x.h5", status=2).err


def test_between_its_times_a_prediction_goes_on_smoothly(mano_in, folder):
    times = [0.15, 0.2999, 0.3, 0.3001, 0.45]
    mano_in("predict", "--model", "mano", "--field", "two-phase", "--seed", 5, "--resolution", "32x32", "--times", ",".join(map(str, times)), "-o", "t.pvd")
    recovery = np.array(list(csv.reader((folder / "t.csv").read_text().splitlines()))[1:], float)[:, 2]
    assert np.all(np.diff(recovery) > 0)
    assert abs(recovery[2] - (recovery[1] + recovery[3]) / 2) < 1e-5
    err = mano_in("predict", "--model", "mano", "--field", "two-phase", "--resolution", "16x16", "--times", "0.7", "-o", "u.pvd", status=2).err
    assert "time is 0.7 pore volumes; the model knows those above 0 up to 0.6" in err and not (folder / "u.pvd").exists()


def test_compare_puts_networks_and_simulators_on_one_chart(mano_in, folder):
    out = mano_in("compare", "--model", "mano", "--model", "fno", "--data", "test.h5", "--data", "test-32x32.h5", "--samples", 3, "-o", "c").out
    report = json.loads((folder / "c/compare.json").read_text())
    for result in report["results"]:
        curves = {curve["name"]: curve["points"] for curve in result["curves"]}
        assert {"simulator", "simulator, 2 times as coarse", "first guess", "mano", "fno"} <= set(curves)
        assert curves["simulator"][0]["saturation_relative_l2"] < 0.005 < curves["simulator, 2 times as coarse"][0]["saturation_relative_l2"]
        assert curves["mano"][0]["saturation_relative_l2"] < curves["first guess"][0]["saturation_relative_l2"]
        assert all(point["seconds"] > 0 for points in curves.values() for point in points)
    for name in report["files"]:
        assert (folder / "c" / name).stat().st_size > 0
    assert "At 16x16:" in out and "At 32x32:" in out and "c/report.html" in out


def test_compare_keeps_the_files_of_two_datasets_of_one_resolution_apart(mano_in, folder):
    mano_in("compare", "--model", "mano", "--data", "test.h5", "--data", "train.h5", "--samples", 2, "-o", "two")
    files = json.loads((folder / "two/compare.json").read_text())["files"]
    assert len(files) == len(set(files)) and {"maps-16x16-0.png", "maps-16x16-1.png"} <= set(files)
    assert "resolution 16x16 is asked for twice" in mano_in("compare", "--model", "mano", "--field", "two-phase", "--resolution", "16x16,16x16",
                                                            "-o", "three", status=2).err
    assert not (folder / "three").exists()


def test_compare_tells_runs_of_one_folder_name_apart(mano_in, folder):
    (folder / "again").mkdir()
    shutil.copytree(folder / "mano", folder / "again/mano")
    mano_in("compare", "--model", "mano", "--model", "again/mano/", "--data", "test.h5", "--samples", 1, "-o", "again/c")
    curves = json.loads((folder / "again/c/compare.json").read_text())["results"][0]["curves"]
    assert {"mano", "again/mano"} <= {curve["name"] for curve in curves}
    assert "model ./mano is given twice" in mano_in("compare", "--model", "mano", "--model", "./mano", "--data", "test.h5", "-o", "x", status=2).err


ENSEMBLE = ["ensemble", "--field", "two-phase", "--seed", 8, "--resolution", "16x16", "--quantity", "recovery@0.4pv", "--quantity", "water-cut@0.5pv"]
TOLERANCE = ["--tolerance", "0.01,0.03"]


def test_below_the_simulator_of_an_ensemble_a_model_changes_the_cost_and_not_the_answer(mano_in, folder, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    mano_in(*ENSEMBLE, *TOLERANCE, "-o", "alone", "--json", "alone.json")
    alone = json.loads((folder / "alone.json").read_text())["quantities"]
    for model in ("first-guess", "mano"):
        mano_in(*ENSEMBLE, *TOLERANCE, "--model", model, "--always-model", "-o", f"with-{model}", "--json", "with.json")
        answer = json.loads((folder / "with.json").read_text())
        assert answer["surrogate"]["used"] and answer["levels"][0]["model"] == "surrogate"
        for a, b in zip(alone, answer["quantities"]):
            assert abs(a["mean"] - b["mean"]) < 3.5 * np.hypot(a["standard_error"], b["standard_error"])


@pytest.mark.parametrize("arguments, expected", [
    ([*TOLERANCE, "--model", "mano", "--viscosity-ratio", 2], "the quantities need the displacement 'displacement-"),
    (["--model", "mano", "--quantity", "recovery@0.7pv", "--tolerance", "0.01,0.03,0.01"], "the model knows those up to 0.6"),
    (["--model", "first-guess", "--quantity", "mean-log-permeability", "--tolerance", "0.01,0.03,0.01"], "does not know mean-log-permeability"),
    (["--model", "first-guess", "--quantity", "mean-pressure", "--tolerance", "0.01,0.03,0.01"], "the quantities need 2 flows"),
    ([*TOLERANCE, "--model", "first-guess", "--cycles", 2], "--cycles and --accuracy are for models of pressures"),
])
def test_a_model_of_another_displacement_is_refused_by_an_ensemble(mano_in, folder, arguments, expected):
    err = mano_in(*ENSEMBLE, *arguments, "-o", "x", status=2).err
    assert expected in err and err.count("\n") == 1 and not (folder / "x").exists()


@pytest.mark.parametrize("arguments, expected", [
    (["evaluate", "--model", "mano", "--data", "steady.h5"], "displacement"),
    (["predict", "--model", "mano", "--data", "test.h5", "--estimate", "-o", "x.h5"], "without --force, --estimate"),
    (["predict", "--model", "mano", "--data", "test.h5", "-o", "x.vti"], "written to .h5, or one sample to .pvd"),
    (["predict", "--model", "mano", "--data", "test.h5", "--times", "0.1", "-o", "x.h5"], "--times goes with an animation"),
    (["predict", "--model", "mano", "--data", "test.h5", "-o", "x.pvd"], "6 samples are asked for and a .pvd holds one"),
    (["compare", "--model", "mano", "--data", "test.h5", "--direct", "-o", "x"], "without --direct"),
    (["train", "--data", "train.h5", "--task", "classify", "-o", "x"], "displacement"),
    (["train", "--data", "train.h5", "--refinement", "residual", "-o", "x"], "refinement is 'residual'"),
    (["evaluate", "--model", "mano", "--data", "other.h5"], "it is stored at other times than the model predicts"),
])
def test_what_cannot_be_is_refused_in_a_line(mano_in, folder, arguments, expected):
    if not (folder / "steady.h5").exists():
        mano_in("generate", "--field", "two-phase", "--samples", 2, "--resolution", "16x16", "-o", "steady.h5")
        mano_in("generate", "--field", "two-phase", "--problem", "displacement", "--samples", 2, "--resolution", "16x16", "--snapshots", 3, "-o", "other.h5")
    err = mano_in(*arguments, status=2).err
    assert expected in err and err.count("\n") == 1
    assert not (folder / "x.h5").exists() and not (folder / "x").exists()
