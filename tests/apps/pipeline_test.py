"""The program from end to end: solutions against a direct solve, datasets, kills, training, files that others open."""
import json
import os
import re
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest

import direct_solve
from conftest import DATA, PROGRAM


def relative(a, b):
    return np.linalg.norm(np.asarray(a) - b) / np.linalg.norm(b)


def arrays(path):
    with h5py.File(path) as f:
        return {name: f[name][()] for name in ("permeability", "pressure", "seed", "sample", "iterations", "residual")}


def assert_equal_arrays(a, b):
    a, b = arrays(a), arrays(b)
    for name in a:
        assert a[name].tobytes() == b[name].tobytes(), name


SOLVES = [
    ("two-phase", "37x29", "1x1", "benchmark"),
    ("lognormal", "40x23", "3x1", "drive"),
    ("channels", "31x64", "1x2", "five-spot"),
    ("layered", "1x17", "1x1", "benchmark"),
]


@pytest.mark.needs("petsc")
@pytest.mark.parametrize("field, resolution, size, setup", SOLVES)
def test_solve_agrees_with_a_direct_solve(mano, tmp_path, field, resolution, size, setup):
    mano("solve", "--field", field, "--seed", 3, "--resolution", resolution, "--size", size, "--problem", setup, "-o", "f.h5",
         "--json", "f.json")
    lx, ly = map(float, size.split("x"))
    with h5py.File(tmp_path / "f.h5") as f:
        expected = direct_solve.solve(f["permeability"][0], lx, ly, setup)
        assert relative(f["pressure"][0], expected) < 1e-8
    result = json.loads((tmp_path / "f.json").read_text())
    assert result["converged"] is True and result["iterations"] > 0
    assert 0 <= result["relative_residual"] < 1e-9
    assert {"residual_norm", "seconds_setup", "seconds_solve"} <= result.keys()


@pytest.mark.needs("petsc")
@pytest.mark.parametrize("setup", ["drive", "benchmark", "five-spot"])
@pytest.mark.parametrize("keyword", ["PERMX", "PERMZ"])
def test_real_rock_agrees_with_a_direct_solve(mano, tmp_path, setup, keyword):
    mano("solve", "--permeability", os.path.join(DATA, "spe10_model1_permx.grdecl"), "--grid", "100x1x20", "--keyword", keyword,
         "--section", 1, "--size", "2500x50", "--problem", setup, "-o", "rock.h5")
    with h5py.File(tmp_path / "rock.h5") as f:
        expected = direct_solve.solve(f["permeability"][0], 2500, 50, setup)
        assert relative(f["pressure"][0], expected) < 1e-6


@pytest.mark.needs("petsc", "vtk")
def test_permeability_goes_through_vti_and_hdf5(mano, tmp_path):
    mano("solve", "--field", "lognormal", "--resolution", "9x6", "--size", "3x1", "--problem", "drive", "-o", "a.vti")
    mano("solve", "--permeability", "a.vti", "--problem", "drive", "-o", "b.h5")
    mano("solve", "--permeability", "b.h5", "--problem", "drive", "-o", "c.h5")
    assert_equal_arrays(tmp_path / "b.h5", tmp_path / "c.h5")
    with h5py.File(tmp_path / "c.h5") as f:
        assert f.attrs["size_x"] == 3.0 and f["permeability"].shape == (1, 6, 9)


@pytest.mark.needs("petsc")
def test_petsc_options_reach_petsc(mano):
    out = mano("solve", "--field", "two-phase", "--resolution", "16x16", "-o", "f.h5", "--", "-ksp_monitor", "-ksp_typo", "3").out
    assert len(re.findall("KSP Residual norm", out)) > 2
    assert "nothing used the option -ksp_typo" in out


@pytest.mark.needs("petsc")
def test_a_solve_that_does_not_converge_fails_and_writes_nothing(mano, tmp_path):
    result = mano("solve", "--field", "lognormal", "--resolution", "64x64", "-o", "f.h5", "--", "-pc_type", "jacobi", "-ksp_max_it",
                  "2", status=1)
    assert "2 iterations" in result.err and "residual" in result.err and result.err.count("\n") == 1
    assert os.listdir(tmp_path) == []
    result = mano("generate", "--field", "lognormal", "--samples", 2, "--resolution", "64x64", "-o", "d.h5", "--", "-pc_type", "jacobi",
                  "-ksp_max_it", "2", status=1)
    assert "sample 0 at 64x64" in result.err
    assert not (tmp_path / "d.h5").exists()


GENERATE = ["generate", "--field", "two-phase", "--seed", 5, "--samples", 70, "--resolution", "24x16", "--also", "12x8"]


@pytest.mark.needs("petsc")
def test_dataset_is_solved_and_opens_in_h5py(mano, tmp_path):
    mano(*GENERATE, "-o", "d.h5", "--json", "d.json")
    for name, shape in (("d.h5", (16, 24)), ("d-12x8.h5", (8, 12))):
        with h5py.File(tmp_path / name) as f:
            assert f["permeability"].shape == (70, *shape)
            for s in (0, 33, 69):
                assert relative(f["pressure"][s], direct_solve.solve(f["permeability"][s])) < 1e-8
            assert np.all(f["residual"][()] < 1e-9) and np.all(f["sample"][()] == np.arange(70))
            assert f.attrs["schema"] == "mano.darcy" and f.attrs["setup"] == "benchmark"
            assert np.allclose(f["x-coordinate"][()], (np.arange(shape[1]) + 0.5) / shape[1])
            assert f["tensor"].shape == (70, 1, *shape)
            assert np.array_equal(f["tensor"][:, 0], f["pressure"][()])
            assert f["nu"] == f["permeability"] and f["coeff"] == f["permeability"] and f["sol"] == f["pressure"]
    summary = json.loads((tmp_path / "d.json").read_text())
    assert summary["samples"] == 70 and summary["resolutions"] == [[24, 16], [12, 8]] and summary["ranks"] == 1
    told = mano("info", "d.h5").out
    assert "70 samples of 24x16" in told and "configuration: field two-phase, first 0, phases 3 12, " in told and "{" not in told


@pytest.mark.needs("petsc")
def test_three_ranks_give_the_bytes_of_one(mano, tmp_path):
    mano(*GENERATE, "-o", "one.h5")
    mano(*GENERATE, "-o", "three.h5", ranks=3)
    assert_equal_arrays(tmp_path / "one.h5", tmp_path / "three.h5")
    assert_equal_arrays(tmp_path / "one-12x8.h5", tmp_path / "three-12x8.h5")


@pytest.mark.needs("petsc")
def test_threads_without_petsc_write_the_same_fields_and_their_solutions(mano, tmp_path):
    common = ("generate", "--field", "lognormal", "--deviation", 2, "--seed", 4, "--samples", 30, "--resolution", "20x12", "--problem", "drive")
    mano(*common, "-o", "a.h5")
    mano(*common, "--device", "threads", "-o", "b.h5")
    a, b = arrays(tmp_path / "a.h5"), arrays(tmp_path / "b.h5")
    assert a["permeability"].tobytes() == b["permeability"].tobytes()
    assert relative(b["pressure"], a["pressure"]) < 1e-8
    assert b["residual"].max() <= 1e-10


@pytest.mark.needs("torch")
def test_training_on_fresh_samples_is_repeated_by_its_configuration(mano, tmp_path):
    mano("train", "--generate", "two-phase", "--field-seed", 5, "--resolution", "16x16", "--samples", 24, "--epochs", 2, "--refine-epochs", 1,
         "--device", "cpu", "-o", "run")
    mano("train", "--config", "run/config.toml", "-o", "again")
    assert (tmp_path / "run/model.safetensors").read_bytes() == (tmp_path / "again/model.safetensors").read_bytes()
    assert "generated two-phase" in mano("info", "run").out


@pytest.mark.needs("petsc")
def test_killed_generations_go_on_to_the_same_bytes(mano, tmp_path):
    command = [str(c) for c in GENERATE]
    command[command.index("70")] = "1500"
    start = time.time()
    mano(*command, "-o", "unbroken.h5")
    whole = time.time() - start
    kills = 0
    for attempt in range(60):
        process = subprocess.Popen([PROGRAM, *command, "-o", "broken.h5"], cwd=tmp_path, stdout=subprocess.DEVNULL)
        try:
            process.wait(whole * (0.25 + 0.61803 * attempt % 0.35))  # other moments at each attempt
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            if kills == 5:
                mano(*command, "-o", "broken.h5")
                break
            continue
        break
    assert kills > 0
    assert_equal_arrays(tmp_path / "unbroken.h5", tmp_path / "broken.h5")
    assert_equal_arrays(tmp_path / "unbroken-12x8.h5", tmp_path / "broken-12x8.h5")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["broken-12x8.h5", "broken.h5", "unbroken-12x8.h5", "unbroken.h5"]


@pytest.mark.needs("petsc")
def test_interrupted_generation_says_130_and_goes_on(mano, tmp_path):
    command = [PROGRAM, "generate", "--field", "two-phase", "--samples", "5000", "--resolution", "32x32", "-o", "d.h5"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("d.h5.part/shard*")):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=20)[1]
    assert process.returncode == 130 and "the same command goes on" in error
    assert not (tmp_path / "d.h5").exists() and (tmp_path / "d.h5.part" / "manifest-0.jsonl").exists()


@pytest.mark.needs("torch")
def test_import_train_evaluate_predict_on_real_data(mano, tmp_path):
    for part in ("train", "test"):
        mano("import", os.path.join(DATA, f"neuraloperator_darcy_16_{part}.h5"), "--phases", "3,12", "--location", "node", "-o",
             f"{part}.h5")
    mano("train", "--data", "train.h5", "-o", "run", "--epochs", 3, "--refine-epochs", 2, "--json", "train.json")
    trained = json.loads((tmp_path / "train.json").read_text())
    assert trained["epochs"] == 3 and trained["parameters"] == 72324 and trained["refinement_parameters"] == 37380 and trained["device"] == "cpu"
    assert trained["best"]["relative_l2"] < 0.5
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [(entry["stage"], entry["epoch"]) for entry in log] == [("base", 1), ("base", 2), ("base", 3), ("refinement", 1),
                                                                   ("refinement", 2)]
    assert (tmp_path / "run" / "curve.png").read_bytes().startswith(b"\x89PNG")

    mano("evaluate", "--model", "run", "--data", "test.h5", "--json", "e.json")
    result = json.loads((tmp_path / "e.json").read_text())["results"][0]
    assert result["seen_in_training"] is True and result["samples"] == 50 and result["resolution"] == [16, 16]
    mano("predict", "--model", "run", "--data", "test.h5", "-o", "p.h5")
    with h5py.File(tmp_path / "p.h5") as p, h5py.File(tmp_path / "test.h5") as t:
        errors = [relative(p["pressure"][s], t["pressure"][s]) for s in range(50)]
        assert np.array_equal(p["permeability"][()], t["permeability"][()])
    assert abs(np.mean(errors) - result["relative_l2"]["mean"]) < 1e-5
    assert abs(np.mean(np.square(errors)) - result["relative_mse"]) < 1e-5
    info = mano("info", "run").out
    assert "109704 parameters" in info and "approximate form" in info
    assert "refined by mano (channels_in " in info and "{" not in info
    # Any other resolution, seen from the training one; as published, where asked.
    with h5py.File(tmp_path / "test.h5") as t, h5py.File(tmp_path / "fine.h5", "w") as f:
        f["coeff"], f["sol"] = np.kron(t["permeability"][:4], np.ones((2, 2))), np.kron(t["pressure"][:4], np.ones((2, 2)))
    mano("import", "fine.h5", "--location", "node", "-o", "f.h5")
    mano("evaluate", "--model", "run", "--data", "test.h5", "--data", "f.h5", "--json", "e.json")
    seen, fine = json.loads((tmp_path / "e.json").read_text())["results"]
    assert fine["seen_in_training"] is False and fine["resolution"] == [32, 32] and fine["method"] == "multigrid"
    assert fine["ratio_to_training_resolution"] == pytest.approx(fine["relative_l2"]["mean"] / seen["relative_l2"]["mean"])
    mano("predict", "--model", "run", "--data", "f.h5", "-o", "multigrid.h5")
    mano("predict", "--model", "run", "--data", "f.h5", "--direct", "-o", "direct.h5")
    assert relative(arrays(tmp_path / "direct.h5")["pressure"], arrays(tmp_path / "multigrid.h5")["pressure"]) > 1e-3


@pytest.mark.needs("petsc", "torch")
@pytest.mark.parametrize("setup, size, coarsening", [("benchmark", "1x1", 2), ("drive", "2x1", 1), ("five-spot", "1x1", 2)])
def test_unseen_resolutions_are_better_than_interpolation(mano, tmp_path, setup, size, coarsening):
    """Trained at one resolution in seconds; better than bilinear interpolation at finer ones, whatever their ratio and shape."""
    base = "32x16" if size == "2x1" else "16x16"
    finer = ["64x32", "48x24", "80x31"] if size == "2x1" else ["32x32", "24x24", "40x19"]
    problem = ["--field", "two-phase", "--problem", setup, "--size", size]
    mano("generate", *problem, "--seed", 1, "--samples", 150, "--resolution", base, "-o", "d.h5")
    mano("generate", *problem, "--seed", 2, "--samples", 10, "--resolution", base, "--also", ",".join(finer), "-o", "t.h5")
    mano("train", "--data", "d.h5", "-o", "run", "--epochs", 12, "--refine-epochs", 12, "--depth", 2, "--coarsening", coarsening)
    network = "x".join(str(int(n) // coarsening) for n in base.split("x"))
    assert f"from the network's grid, {network}: refined" in mano("info", "run").out
    files = [a for r in ["", *("-" + f for f in finer)] for a in ("--data", f"t{r}.h5")]
    mano("evaluate", "--model", "run", *files, "--json", "e.json")
    for row in json.loads((tmp_path / "e.json").read_text())["results"][1:]:
        assert row["relative_l2"]["mean"] < 0.9 * row["interpolated_relative_l2"]["mean"], row


@pytest.mark.needs("petsc", "torch")
def test_each_cycle_leaves_less(mano, tmp_path):
    """Training does not depend on the number of cycles; the network's prediction is worth something."""
    from safetensors import safe_open
    from safetensors.numpy import load_file

    problem = ["--field", "two-phase", "--resolution"]
    mano("generate", *problem, "16x16", "--seed", 1, "--samples", 150, "-o", "d.h5")
    mano("generate", *problem, "24x24", "--seed", 2, "--samples", 6, "-o", "t.h5")
    left = {}
    for cycles in (1, 2, 4):
        mano("train", "--data", "d.h5", "-o", f"run{cycles}", "--epochs", 8, "--refine-epochs", 8, "--depth", 1, "--cycles", cycles)
        for method in ("multigrid", "zero-start"):
            mano("evaluate", "--model", f"run{cycles}", "--data", "t.h5", "--method", method, "--json", "e.json")
            left[method, cycles] = json.loads((tmp_path / "e.json").read_text())["results"][0]["relative_l2"]["mean"]
    weights = [load_file(tmp_path / f"run{cycles}/model.safetensors") for cycles in (1, 4)]
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert "4 cycles" in mano("info", "run4").out and "one cycle" in mano("info", "run1").out
    assert left["multigrid", 4] < 0.8 * left["multigrid", 2] < 0.8 * 0.8 * left["multigrid", 1]
    assert left["multigrid", 2] < left["zero-start", 2]

    # A prediction may take another number of cycles: the checkpoint keeps what each left on the held-out part.
    def error(*options):
        mano("evaluate", "--model", "run4", "--data", "t.h5", *options, "--json", "e.json")
        return json.loads((tmp_path / "e.json").read_text())["results"][0]["relative_l2"]["mean"]

    after = [error("--cycles", n) for n in (0, 1, 2, 4)]
    assert after == sorted(after, reverse=True) and after[0] > 2 * after[1] and after[3] == left["multigrid", 4]
    with safe_open(tmp_path / "run4/model.safetensors", "np") as model:
        recorded = json.loads(model.metadata()["cycle_errors"])
    assert len(recorded) == 9 and recorded[8] < recorded[4] < recorded[2] < recorded[1] < recorded[0]
    assert error("--accuracy", 1.001 * recorded[2]) == after[2]
    mano("predict", "--model", "run4", "--data", "t.h5", "--cycles", 0, "-o", "p.h5")
    with h5py.File(tmp_path / "p.h5") as p:
        assert "interval_half_width" not in p  # it was calibrated for four cycles
    for options, words in ((("--accuracy", recorded[8] / 2), "after 8 cycles"), (("--cycles", 65), "[0, 64]"), (("--accuracy", 2), "(0, 1)"),
                           (("--cycles", 2, "--accuracy", 0.1), "excludes"), (("--cycles", 2, "--direct"), "by multigrid")):
        result = mano("evaluate", "--model", "run4", "--data", "t.h5", *options, status=2)
        assert words in result.err and result.err.count("\n") == 1


@pytest.mark.needs("petsc", "torch")
def test_the_networks_grid_is_as_coarse_as_leaves_16_points(mano, tmp_path):
    """Where the equation is known; imported data keep their own, for their coarser pressures cannot be solved."""
    few = ["--depth", 1, "--epochs", 1, "--refine-epochs", 1]
    mano("generate", "--field", "two-phase", "--samples", 12, "--resolution", "64x32", "-o", "d.h5")
    with h5py.File(tmp_path / "d.h5") as d, h5py.File(tmp_path / "theirs.h5", "w") as t:
        t["coeff"], t["sol"] = d["permeability"][()], d["pressure"][()]
    mano("import", "theirs.h5", "--location", "cell", "-o", "i.h5")
    for data, network in (("d.h5", "32x16"), ("i.h5", "64x32")):
        mano("train", "--data", data, "-o", data + ".run", *few)
        info = mano("info", data + ".run").out
        assert f"network's, {network}, " in info or f"network's grid, {network}" in info


@pytest.mark.needs("torch")
def test_checkpoint_is_what_the_safetensors_package_reads(mano, tmp_path):
    import safetensors
    from safetensors.numpy import load_file, save_file

    mano("import", os.path.join(DATA, "neuraloperator_darcy_16_test.h5"), "--phases", "3,12", "-o", "d.h5")
    mano("train", "--data", "d.h5", "-o", "run", "--epochs", 4, "--refine-epochs", 10)
    path = tmp_path / "run" / "model.safetensors"
    tensors = load_file(path)
    assert sum(t.size for t in tensors.values()) == 72324 + 37380
    assert tensors["refinement.linear_p.weight"].shape == (32, 24)  # 6 numbers of 2x2 points
    assert tensors["transformer.layers.0.0.Attention.Attention.to_qkv.weight"].shape == (96, 32)
    with safetensors.safe_open(path, "numpy") as f:
        metadata = f.metadata()
    assert json.loads(metadata["training"])["resolutions"] == [[16, 16]]
    # And the way back: a file that the package wrote gives the same predictions.
    save_file(tensors, tmp_path / "again.safetensors", metadata)
    mano("predict", "--model", "run", "--data", "d.h5", "-o", "a.h5")
    mano("predict", "--model", "again.safetensors", "--data", "d.h5", "-o", "b.h5")
    assert np.array_equal(arrays(tmp_path / "a.h5")["pressure"], arrays(tmp_path / "b.h5")["pressure"])


@pytest.mark.needs("torch")
def test_killed_training_resumes_to_the_same_weights(mano, tmp_path):
    from safetensors.numpy import load_file

    mano("import", os.path.join(DATA, "neuraloperator_darcy_16_test.h5"), "--phases", "3,12", "-o", "d.h5")
    options = ["train", "--data", "d.h5", "--epochs", 12, "--dim", 16, "--dim-head", 4, "--depth", 2,
               "--refine-epochs", 3]
    mano(*options, "-o", "unbroken")
    process = subprocess.Popen([PROGRAM, *map(str, options), "-o", "broken"], cwd=tmp_path, stdout=subprocess.DEVNULL)
    while not (tmp_path / "broken" / "state.safetensors").exists():
        time.sleep(0.01)
    time.sleep(0.2)
    process.kill()
    process.wait()
    mano(*options, "-o", "broken", "--resume")
    a, b = load_file(tmp_path / "unbroken/model.safetensors"), load_file(tmp_path / "broken/model.safetensors")
    assert all(np.array_equal(a[name], b[name]) for name in a)
    assert len((tmp_path / "broken/log.jsonl").read_text().splitlines()) == 15


def test_config_file_gives_options_and_the_command_line_wins(mano, tmp_path):
    (tmp_path / "c.toml").write_text('phases = [3, 12]\nlocation = "node"\noutput = "toml.h5"\n')
    source = os.path.join(DATA, "neuraloperator_darcy_16_test.h5")
    mano("import", source, "--config", "c.toml")
    mano("import", source, "--config", "c.toml", "-o", "line.h5", "--location", "cell")
    with h5py.File(tmp_path / "toml.h5") as f:
        assert f.attrs["location"] == "node" and set(np.unique(f["permeability"])) == {3.0, 12.0}
    with h5py.File(tmp_path / "line.h5") as f:
        assert f.attrs["location"] == "cell"


@pytest.mark.parametrize("part, command", [("petsc", "solve --field two-phase --resolution 8x8 -o f.h5"),
                                           ("petsc", "generate --field two-phase --samples 2 --resolution 8x8 -o d.h5"),
                                           ("torch", "train --data d.h5 -o run"), ("torch", "evaluate --model run --data d.h5"),
                                           ("torch", "predict --model run --data d.h5 -o p.h5"),
                                           ("vtk", "compare --model run --data d.h5 -o c")])
def test_missing_parts_say_so(mano, tmp_path, part, command):
    from conftest import PARTS

    if part in PARTS:
        pytest.skip(f"built with {part}")
    mano("import", os.path.join(DATA, "neuraloperator_darcy_16_test.h5"), "--phases", "3,12", "-o", "d.h5")
    before = sorted(tmp_path.iterdir())
    result = mano(*command.split(), status=2)
    assert "this mano was built without" in result.err and result.err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before
