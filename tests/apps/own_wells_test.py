"""Wells of each sample's own, from the outside: drawn, stored, solved again, learnt, and chosen in a prediction."""
import json

import h5py
import numpy as np
import pytest

from conftest import program_in, run

pytestmark = pytest.mark.needs("petsc")

RANDOM = ["--random-wells", "injectors=1:2,producers=1:3"]
DISPLACEMENT = ["--problem", "displacement", "--field", "two-phase", "--snapshots", 3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wells")
    for name, seed, samples, also in (("train", 1, 100, []), ("test", 2, 8, ["--also", "32x32"])):
        result = run("generate", *DISPLACEMENT, *RANDOM, "--seed", seed, "--samples", samples, "--resolution", "16x16", *also, "-o", f"{name}.h5", cwd=folder)
        assert result.status == 0, result.err
    return folder


@pytest.fixture
def mano_in(folder):
    return program_in(folder)


@pytest.fixture(scope="module")
def model(folder):
    result = run("train", "--data", "train.h5", "--epochs", 12, "--learning-rate", 1e-2, "--held-out", 0.1, "-o", "run", cwd=folder)
    assert result.status == 0, result.err
    return "run"


def options_of(table):
    """The wells of a sample as options of the program."""
    options = []
    for x, y, rate, pressure, radius in table[~np.isnan(table[:, 0])]:
        drive = f"rate={rate:.17g}" if np.isnan(pressure) else f"bhp={pressure:.17g}"
        options += ["--well", f"{x:.17g},{y:.17g},{drive}" + (f",radius={radius:.17g}" if radius > 0 else "")]
    return options


def test_a_sample_is_what_a_simulation_with_its_wells_gives(mano_in, folder):
    with h5py.File(folder / "test.h5") as f:
        assert f.attrs["schema_version"] == 3 and f["wells"].shape == (8, 5, 5)
        for sample in (0, 5):
            mano_in("simulate", "--field", "two-phase", "--seed", 2, "--sample", sample, "--resolution", "16x16", "--snapshots", 3, *options_of(f["wells"][sample]),
                    "-o", "s.pvd", "--json", "s.json")
            curve = json.loads((folder / "s.json").read_text())["curve"]
            recovery = np.interp(f["time"][()], curve["pore_volumes_injected"], curve["recovery"])
            np.testing.assert_allclose(recovery, f["recovery"][sample], rtol=1e-9)


def test_wells_are_the_same_at_every_resolution_and_by_ranks(mano_in, folder):
    mano_in("generate", *DISPLACEMENT, *RANDOM, "--seed", 2, "--samples", 8, "--resolution", "16x16", "-o", "ranks.h5", ranks=2)
    with h5py.File(folder / "test.h5") as a, h5py.File(folder / "test-32x32.h5") as b, h5py.File(folder / "ranks.h5") as c:
        np.testing.assert_array_equal(a["wells"][()], b["wells"][()])
        np.testing.assert_array_equal(a["wells"][()], c["wells"][()])
        np.testing.assert_array_equal(a["saturation"][()], c["saturation"][()])


@pytest.mark.parametrize("options", [[], ["--inactive", "blobs:0.3"], ["--resolution", "16x16x4"], ["--units", "metric", "--viscosity", 1, "--size", "800x800"]])
def test_steady_flow_has_such_wells_too(mano, tmp_path, options):
    """Solved again with the wells that the file names, a sample has the same pressure."""
    resolution = [] if "--resolution" in options else ["--resolution", "16x16"]
    rock = ["--field", "two-phase", "--seed", 4, *options, *resolution]
    mano("generate", *rock, "--random-wells", "injectors=2,producers=2,rate=3,bhp=5,radius=0.001", "--samples", 2, "-o", "d.h5")
    assert "each sample has wells of its own, at most 4" in mano("info", "d.h5").out
    with h5py.File(tmp_path / "d.h5") as f:
        mano("solve", *rock, "--sample", 1, *options_of(f["wells"][1]), *(["--drop-islands"] if "--inactive" in options else []), "-o", "p.h5")
        with h5py.File(tmp_path / "p.h5") as p:
            np.testing.assert_allclose(p["pressure"][0], f["pressure"][1], rtol=1e-8)


def test_a_merge_keeps_them(mano, tmp_path):
    for first in (0, 3):
        mano("generate", "--field", "two-phase", "--samples", 3, "--first", first, "--resolution", "16x16", *RANDOM, "-o", f"{first}.h5")
    mano("generate", "--field", "two-phase", "--samples", 6, "--resolution", "16x16", *RANDOM, "-o", "all.h5")
    mano("merge", "3.h5", "0.h5", "-o", "merged.h5")
    with h5py.File(tmp_path / "all.h5") as a, h5py.File(tmp_path / "merged.h5") as b:
        np.testing.assert_array_equal(a["wells"][()], b["wells"][()])
        np.testing.assert_array_equal(a["pressure"][()], b["pressure"][()])


def test_a_merge_of_others_says_in_what_they_differ(mano):
    rock = ["--field", "two-phase", "--resolution", "16x16", "--samples", 2]
    mano("generate", *rock, *RANDOM, "-o", "a.h5")
    mano("generate", *rock, "--first", 2, "--random-wells", "injectors=2,producers=1:3", "-o", "b.h5")
    err = mano("merge", "a.h5", "b.h5", "-o", "m.h5", status=2).err
    assert """differ in their configuration at /random_wells: '"injectors=1:2,producers=1:3"' and '"injectors=2,producers=1:3"'""" in err
    mano("generate", *rock, "--seed", 1, *RANDOM, "-o", "c.h5")
    err = mano("merge", "a.h5", "c.h5", "-o", "m.h5", status=2).err
    assert "a.h5 and c.h5 differ in their configuration at /seed: '0' and '1'" in err


@pytest.mark.needs("petsc", "torch", "vtk")
def test_wells_and_rock_unlike_those_of_training_are_told(mano_in, folder, model):
    like = ["--well", "0.2,0.2,rate=1", "--well", "0.8,0.8,rate=-1"]
    unlike = ["--well", "0.2,0.2,rate=2", "--well", "0.8,0.8,rate=-2"]
    rock = ["--field", "two-phase", "--seed", 5, "--resolution", "32x32"]
    assert "caution" not in mano_in("predict", "--model", model, *rock, *like, "-o", "u.pvd").out
    out = mano_in("predict", "--model", model, *rock, *unlike, "-o", "u.pvd").out
    assert "caution: 1 of 1 samples is unlike the training data; the first, sample 0: injected rates of 2 in all (training: 1), produced rates" in out
    other = ["--field", "lognormal", "--deviation", 3, "--seed", 5, "--resolution", "16x16"]
    out = mano_in("predict", "--model", model, *other, "--samples", 3, "-o", "u.h5", "--json", "u.json").out
    assert "caution: 3 of 3 samples are unlike" in out and "largest permeability" in out and json.loads((folder / "u.json").read_text())["unlike_training"] == 3
    with h5py.File(folder / "u.h5") as f:
        assert list(f["unlike_training"]) == [1, 1, 1]
    mano_in("generate", *DISPLACEMENT[:2], *other, "--snapshots", 3, *unlike, "--samples", 2, "-o", "unlike.h5")
    mano_in("evaluate", "--model", model, "--data", "unlike.h5", "--data", "test.h5", "--json", "u.json")
    assert [row["unlike_training"] for row in json.loads((folder / "u.json").read_text())["results"]] == [2, 0]
    out = mano_in("compare", "--model", model, "--data", "unlike.h5", "--samples", 1, "-o", "cu").out
    assert "run, caution: 1 of 1 samples is unlike" in out and "caution" in (folder / "cu/report.html").read_text()


@pytest.mark.needs("petsc", "torch", "vtk")
def test_samples_that_were_trained_on_are_told(mano_in, model):
    assert "caution: the model was trained on 100 of the 100 samples of train.h5" in mano_in("evaluate", "--model", model, "--data", "train.h5").out
    assert "caution" not in mano_in("evaluate", "--model", model, "--data", "test.h5").out
    out = mano_in("compare", "--model", model, "--field", "two-phase", "--seed", 1, "--samples", 1, "--resolution", "16x16", "-o", "ct").out
    assert "caution: run was trained on 1 of the 1 samples" in out


@pytest.mark.needs("petsc", "torch", "vtk")
def test_a_network_learns_them_and_takes_others(mano_in, folder, model):
    mano_in("evaluate", "--model", model, "--data", "test.h5", "--data", "test-32x32.h5", "--json", "e.json")
    for row in json.loads((folder / "e.json").read_text())["results"]:
        assert row["saturation_relative_l2"]["mean"] < 0.9 * row["first_guess_relative_l2"]["mean"] and row["pressure_relative_l2"]["mean"] < 0.15
    with h5py.File(folder / "test.h5") as f:
        wells = options_of(f["wells"][3])
    rock = ["--field", "two-phase", "--seed", 2, "--sample", 3, "--resolution", "16x16"]
    mano_in("predict", "--model", model, "--data", "test.h5", "-o", "data.h5")
    mano_in("predict", "--model", model, *rock, *wells, "-o", "chosen.h5")
    mano_in("predict", "--model", model, *rock, "-o", "drawn.h5")
    mano_in("predict", "--model", model, *rock, "--random-wells", "injectors=1,producers=4", "-o", "others.h5")
    with h5py.File(folder / "data.h5") as data, h5py.File(folder / "chosen.h5") as chosen, h5py.File(folder / "drawn.h5") as drawn, h5py.File(folder / "others.h5") as others:
        for one in (chosen, drawn):  # the same wells, given and drawn
            np.testing.assert_allclose(one["saturation"][0], data["saturation"][3], atol=2e-6)
            own = one["wells"][0]
            np.testing.assert_allclose(own[~np.isnan(own[:, 0])], data["wells"][3][: np.count_nonzero(~np.isnan(own[:, 0]))])
        assert np.count_nonzero(~np.isnan(others["wells"][0][:, 0])) == 5
        assert np.abs(others["saturation"][0] - data["saturation"][3]).max() > 0.2


@pytest.mark.needs("petsc", "torch", "vtk")
def test_data_whose_wells_are_shared_are_evaluated_too(mano_in, folder, model):
    mano_in("generate", *DISPLACEMENT, "--well", "0.2,0.3,rate=1", "--well", "0.8,0.7,rate=-1", "--seed", 3, "--samples", 4, "--resolution", "16x16", "-o", "shared.h5")
    mano_in("evaluate", "--model", model, "--data", "shared.h5", "--json", "e.json")
    row = json.loads((folder / "e.json").read_text())["results"][0]
    assert row["saturation_relative_l2"]["mean"] < row["first_guess_relative_l2"]["mean"]
    mano_in("compare", "--model", model, "--data", "shared.h5", "--samples", 2, "-o", "c")
    mano_in("compare", "--model", model, "--field", "two-phase", "--seed", 9, "--resolution", "16x16", "--samples", 2, *RANDOM, "-o", "c2")
    for name in ("c", "c2"):
        curves = {curve["name"]: curve["points"] for curve in json.loads((folder / name / "compare.json").read_text())["results"][0]["curves"]}
        assert curves["run"][0]["saturation_relative_l2"] < curves["first guess"][0]["saturation_relative_l2"]


@pytest.mark.needs("petsc", "torch", "vtk")
def test_an_ensemble_chooses_its_wells(mano_in, folder, model, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    wells = ["--well", "0.2,0.3,rate=1", "--well", "0.8,0.7,rate=-1"]
    ensemble = ["ensemble", "--field", "two-phase", "--seed", 8, "--resolution", "16x16", "--quantity", "recovery@0.4pv", "--tolerance", "0.01", *wells]
    mano_in(*ensemble, "-o", "alone", "--json", "alone.json")
    mano_in(*ensemble, "--model", model, "--always-model", "-o", "with", "--json", "with.json")
    a, b = (json.loads((folder / name).read_text()) for name in ("alone.json", "with.json"))
    assert b["surrogate"]["used"]
    a, b = a["quantities"][0], b["quantities"][0]
    assert abs(a["mean"] - b["mean"]) < 3.5 * np.hypot(a["standard_error"], b["standard_error"])


@pytest.mark.parametrize("text, expected", [
    ("injectors=1", "how many of each is not said"),
    ("injectors=1,producers=2,colour=3", "'colour=3' is not understood"),
    ("injectors=1,producers=2,producers=3", "producers is given twice"),
    ("injectors=3:1,producers=2", "'injectors=3:1' is no number of wells"),
    ("injectors=0,producers=0:2", "there may be no well at all"),
    ("injectors=1,producers=2,rate=-1", "'rate=-1' must be above zero"),
    ("injectors=1,producers=2,bhp=1", "producers of given pressure need a radius"),
    ("injectors=1,producers=2,distance=0.01", "two may share one"),
    ("injectors=1,producers=0", "every sample needs an injector and a producer"),
    ("injectors=0:1,producers=1", "every sample needs an injector and a producer"),
    ("injectors=1,producers=0:2,bhp=1,radius=0.001", "every sample needs a producer"),
    ("injectors=1,producers=1,distance=0.088", "distance=0.089"),
    ("", "that after --random-wells"),
])
def test_what_cannot_be_is_refused_in_a_line(mano, tmp_path, text, expected):
    err = mano("generate", "--field", "two-phase", "--samples", 2, "--resolution", "16x16", "--random-wells", text, "-o", "x.h5", status=2).err
    assert expected in err and err.count("\n") == 1 and not (tmp_path / "x.h5").exists() and not (tmp_path / "x.h5.part").exists()


def test_the_hint_of_the_distance_helps(mano):
    mano("generate", "--field", "two-phase", "--samples", 2, "--resolution", "16x16", "--random-wells", "injectors=1,producers=1,distance=0.089", "-o", "x.h5")


def test_places_are_tried_by_the_seed_of_the_samples(mano, tmp_path):
    """Seed 0 has its first well so central that none is that far away."""
    far = ["generate", "--field", "lognormal", "--samples", 1, "--resolution", "16x16", "--random-wells", "injectors=1,producers=1,distance=0.86"]
    mano(*far, "--seed", 2, "-o", "x.h5")
    assert "no place for well 2 of 2" in mano(*far, "--seed", 0, "-o", "y.h5", status=2).err and not (tmp_path / "y.h5.part").exists()


def test_the_wells_of_a_named_problem_keep_their_distance_too(mano, tmp_path):
    mano("generate", "--field", "two-phase", "--problem", "five-spot", "--samples", 50, "--resolution", "12x12", "--random-wells", "injectors=1,producers=1,distance=0.4",
         "-o", "x.h5")
    with h5py.File(tmp_path / "x.h5") as f:
        x, y = f["wells"][:, :, 0], f["wells"][:, :, 1]
    assert min(np.hypot(x, y).min(), np.hypot(1 - x, 1 - y).min()) >= 0.4


@pytest.mark.needs("petsc", "torch")
@pytest.mark.parametrize("arguments, expected", [
    (["train", "--data", "steady.h5", "-o", "x"], "a network of steady pressures is not told where"),
    (["predict", "--model", "run", "--data", "test.h5", "--well", "0.5,0.5,rate=1", "-o", "x.h5"], "--data has its own wells"),
    (["predict", "--model", "run", "--field", "two-phase", "--resolution", "16x16", "--well", "0.5,0.5,rate=1", *RANDOM, "-o", "x.h5"], "exclude each other"),
    (["predict", "--model", "run", "--field", "two-phase", "--resolution", "16x16", "--well", "0.5,0.5,rate=1", "-o", "x.h5"], "flows in more than out: balance the rates"),
    (["predict", "--model", "fixed", "--field", "two-phase", "--resolution", "16x16", *RANDOM, "-o", "x.h5"], "the same in all samples"),
    (["evaluate", "--model", "fixed", "--data", "test.h5"], "the model was trained for 'displacement'"),
    (["evaluate", "--model", "run", "--data", "spot.h5"], "problem is 'displacement'"),
    (["evaluate", "--model", "run", "--data", "both.h5"], "the model was trained for 'displacement-"),
    (["predict", "--model", "run", "--data", "own.h5", "--drop-islands", "-o", "x.h5"], "without islands always"),
    (["predict", "--model", "run", "--data", "own.h5", "-o", "x.h5"], "holds predictions of the model"),
])
def test_models_refuse_wells_that_they_do_not_know(mano_in, folder, model, arguments, expected):
    if not (folder / "fixed").exists():
        mano_in("generate", "--field", "two-phase", "--samples", 4, "--resolution", "16x16", *RANDOM, "-o", "steady.h5")
        mano_in("generate", *DISPLACEMENT, "--samples", 4, "--resolution", "16x16", "-o", "spot.h5")
        mano_in("generate", *DISPLACEMENT, *RANDOM, "--well", "0.5,0.5,rate=-0.2", "--left", "pressure=0", "--samples", 4, "--resolution", "16x16", "-o", "both.h5")
        mano_in("train", "--data", "spot.h5", "--epochs", 1, "-o", "fixed")
        mano_in("train", "--data", "both.h5", "--epochs", 1, "-o", "runboth")
        mano_in("evaluate", "--model", "runboth", "--data", "both.h5")
        mano_in("predict", "--model", "run", "--field", "two-phase", "--resolution", "16x16", "-o", "own.h5")
    err = mano_in(*arguments, status=2).err
    assert expected in err and err.count("\n") == 1
    assert not (folder / "x.h5").exists() and not (folder / "x").exists()
