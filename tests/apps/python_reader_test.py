"""A checkpoint read by PyTorch and plain Python (python/mano/torch/reference.py) predicts what mano predicts, and the way back."""
import os
import subprocess

import h5py
import numpy as np
import pytest

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
PYTHON = os.environ.get("MANO_TORCH_PYTHON", "/usr/bin/python3")  # Debian's, with python3-torch: that of .venv is LibTorch alone

pytestmark = pytest.mark.needs("torch")


@pytest.fixture(params=[[], ["--token-size", 3, "--convolutions", 1, "--window", 3, "--stride", 2], ["--dim", 16, "--heads", 1, "--dim-head", 16, "--window", 4, "--stride", 2, "--sampling", "avg-pool"], ["--point-width", 6, "--token-size", 3]])
def model(mano, tmp_path, request):
    source = os.path.join(ROOT, "data", "neuraloperator_darcy_16_test.h5")
    mano("import", source, "--phases", "3,12", "--location", "node", "-o", "d.h5")
    mano("train", "--data", "d.h5", "-o", "run", "--epochs", 2, "--refine-epochs", 1, *request.param)
    with h5py.File(tmp_path / "d.h5") as f:
        np.save(tmp_path / "k.npy", f["permeability"][()])
    return tmp_path / "run/model.safetensors"


def predicted(mano, tmp_path, model):
    mano("predict", "--model", model, "--data", "d.h5", "--direct", "-o", "p.h5")
    with h5py.File(tmp_path / "p.h5") as f:
        return f["pressure"][()]


def python(*arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    subprocess.run([PYTHON, *map(str, arguments)], check=True, env=environment)


def test_python_reproduces_a_prediction(mano, tmp_path, model):
    python(os.path.join(ROOT, "python/mano/torch/reference.py"), model, tmp_path / "k.npy", tmp_path / "p.npy")
    ours, theirs = predicted(mano, tmp_path, model), np.load(tmp_path / "p.npy")
    assert np.linalg.norm(ours - theirs) <= 1e-5 * np.linalg.norm(ours)


def test_python_takes_grids_that_the_rate_does_not_divide(mano, tmp_path, model):
    mano("predict", "--model", model, "--field", "two-phase", "--resolution", "37x21", "--samples", 2, "--direct", "--force", "-o", "q.h5")
    with h5py.File(tmp_path / "q.h5") as f:
        ours = f["pressure"][()]
        np.save(tmp_path / "k.npy", f["permeability"][()])
    python(os.path.join(ROOT, "python/mano/torch/reference.py"), model, tmp_path / "k.npy", tmp_path / "p.npy")
    assert np.linalg.norm(ours - np.load(tmp_path / "p.npy")) <= 1e-5 * np.linalg.norm(ours)


MULTIGRID = os.path.join(ROOT, "python/mano/torch/multigrid.py")


def test_python_predicts_by_multigrid_of_imported_data(mano, tmp_path, model):
    for name, source in (("seen", ["--data", "d.h5"]), ("finer", ["--field", "two-phase", "--resolution", "40x33", "--samples", 2, "--force"])):
        mano("predict", "--model", model, *source, "-o", f"{name}.h5")
        with h5py.File(tmp_path / f"{name}.h5") as f:
            ours = f["pressure"][()]
            np.save(tmp_path / "k.npy", f["permeability"][()])
        python(MULTIGRID, model, tmp_path / "k.npy", tmp_path / "p.npy")
        assert np.linalg.norm(ours - np.load(tmp_path / "p.npy")) <= 1e-5 * np.linalg.norm(ours), name


@pytest.mark.needs("petsc")
@pytest.mark.parametrize("setup", ["benchmark", "drive", "five-spot"])
def test_python_predicts_by_multigrid_where_the_equation_is_known(mano, tmp_path, setup):
    mano("generate", "--field", "two-phase", "--problem", setup, "--size", "2x1", "--samples", 30, "--resolution", "32x16", "-o", "t.h5")
    mano("train", "--data", "t.h5", "-o", "run", "--depth", 1, "--epochs", 2, "--refine-epochs", 8, "--coarsening", 2, "--held-out", 0.4)
    assert "4 cycles" in mano("info", "run").out
    for resolution in ("12x6", "32x16", "64x48", "70x21"):
        mano("predict", "--model", "run", "--field", "two-phase", "--seed", 3, "--size", "2x1", "--resolution", resolution, "--samples", 2, "-o", f"{resolution}.h5")
        with h5py.File(tmp_path / f"{resolution}.h5") as f:
            ours = f["pressure"][()]
            np.save(tmp_path / "k.npy", f["permeability"][()])
        python(MULTIGRID, tmp_path / "run/model.safetensors", tmp_path / "k.npy", tmp_path / "p.npy")
        assert np.linalg.norm(ours - np.load(tmp_path / "p.npy")) <= 1e-5 * np.linalg.norm(ours), resolution


def test_weights_from_python_come_back(mano, tmp_path, model):
    before = predicted(mano, tmp_path, model)
    script = ("import json, sys; sys.path.insert(0, sys.argv[1]); import reference as m\n"
              "tensors, metadata = m.read_checkpoint(sys.argv[2])\n"
              "tensors[next(n for n in ('output_layer.bias', 'point_head.output.bias') if n in tensors)] += 0.5\n"
              "m.write_checkpoint(sys.argv[3], tensors, metadata)\n"
              "print(json.loads(metadata['normalization'])['std_pressure'])")
    changed = tmp_path / "changed.safetensors"
    result = subprocess.run([PYTHON, "-c", script, os.path.join(ROOT, "python/mano/torch"), model, changed], check=True, capture_output=True, text=True)
    shift = 0.5 * float(result.stdout)
    after = predicted(mano, tmp_path, changed)
    assert np.allclose(after - before, shift, rtol=0, atol=1e-5 * abs(before).max())


def test_logs_become_event_files_of_tensorboard(mano, tmp_path):
    import json
    import struct

    from tensorboardX.proto import event_pb2

    (tmp_path / "run").mkdir()
    rows = [{"stage": "base", "epoch": e, "train_relative_l2": 0.5 / e, "validation_relative_l2": 0.6 / e, "learning_rate": 1e-3} for e in (1, 2)]
    (tmp_path / "run/log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [os.path.join(ROOT, "scripts/tensorboard")]
    subprocess.run([*command, tmp_path / "run", "-o", tmp_path / "events"], check=True)
    (file,) = (tmp_path / "events/run").iterdir()
    data, found = file.read_bytes(), {}
    while data:  # length, its checksum, an event, its checksum
        (length,) = struct.unpack("<Q", data[:8])
        event = event_pb2.Event.FromString(data[12:12 + length])
        found.update({(v.tag, event.step): v.simple_value for v in event.summary.value})
        data = data[16 + length:]
    assert found[("base/validation_relative_l2", 2)] == pytest.approx(0.3) and len(found) == 6
    absent = subprocess.run([*command, tmp_path, "-o", tmp_path / "events"], capture_output=True, text=True, check=False)
    assert absent.returncode != 0 and "log.jsonl" in absent.stderr
