"""Training by several processes on loopback: the same steps as one process with as large a batch; what a lost process leaves."""
import json
import os
import signal
import socket
import subprocess
import time

import numpy as np
import pytest
from safetensors.numpy import load_file

from conftest import PROGRAM

pytestmark = pytest.mark.needs("torch")
SMALL = ["--dim", "16", "--depth", "2", "--heads", "2", "--dim-head", "8", "--mlp", "16", "--refine-epochs", "0"]


def dataset(folder, size, seed):
    """Permeability and pressure of nobody's equation: enough to compare steps."""
    import h5py
    random = np.random.default_rng(seed)
    k = np.where(random.normal(size=(84, size, size)) > 0, 12.0, 3.0)
    with h5py.File(folder / "arrays.h5", "w") as file:
        file["coeff"], file["sol"] = k, 1.0 / k + random.normal(size=k.shape) * 0.01
    subprocess.run([PROGRAM, "import", "arrays.h5", "-o", "d.h5"], cwd=folder, check=True, capture_output=True)
    return "d.h5"


@pytest.fixture
def data(tmp_path):
    return dataset(tmp_path, 8, 1)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start(folder, processes, *arguments):
    """As torchrun starts them."""
    port = str(free_port())
    return [subprocess.Popen([PROGRAM, "train", *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             env={**os.environ, "OMP_NUM_THREADS": "1", "RANK": str(rank), "WORLD_SIZE": str(processes),
                                  "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port})
            for rank in range(processes)]


def finish(processes, status=0):
    for p in processes:
        out, err = p.communicate(timeout=200)
        assert p.returncode == status, f"{p.args} {p.returncode}\n{out}\n{err}"


def weights(folder, run):
    state = load_file(folder / run / "state.safetensors")
    return {name: value for name, value in state.items() if name.startswith("parameter.")}


def largest_difference(a, b):
    assert a.keys() == b.keys()
    return max(float(np.abs(a[name] - b[name]).max()) for name in a)


def test_two_processes_stop_on_time_together(tmp_path):
    """In both stages: each looks at the mean of their clocks, or they would wait for each other for ever."""
    data = dataset(tmp_path, 16, 2)  # large enough for a refinement
    for attempt in range(3):
        finish(start(tmp_path, 2, "--data", data, *SMALL[:-2], "--epochs", "1000", "--refine-epochs", "1000", "--max-seconds", "2",
                     "-o", f"run{attempt}"))
        log = [json.loads(line) for line in (tmp_path / f"run{attempt}" / "log.jsonl").read_text().splitlines()]
        assert {line["stage"] for line in log} == {"base", "refinement"}


def test_two_processes_take_the_steps_of_one_with_twice_the_batch(data, tmp_path):
    common = ["--data", data, "--epochs", "5", "--learning-rate", "1e-3", *SMALL]  # 80 samples, 16 a step: 25 steps
    finish(start(tmp_path, 1, *common, "--batch", "16", "-o", "one"))
    two = start(tmp_path, 2, *common, "--batch", "8", "-o", "two", "--json", "two.json")
    finish(two)
    assert largest_difference(weights(tmp_path, "one"), weights(tmp_path, "two")) < 1e-6
    one = [json.loads(line) for line in (tmp_path / "one" / "log.jsonl").read_text().splitlines()]
    other = [json.loads(line) for line in (tmp_path / "two" / "log.jsonl").read_text().splitlines()]
    assert len(one) == len(other) == 5
    for a, b in zip(one, other):
        assert abs(a["validation_relative_l2"] - b["validation_relative_l2"]) < 1e-5
        assert abs(a["train_relative_l2"] - b["train_relative_l2"]) < 1e-5
    assert json.loads((tmp_path / "two.json").read_text())["processes"] == 2


def test_two_processes_refine_as_one_does(data, tmp_path):
    common = ["--data", data, "--epochs", "3", *SMALL[:-1], "3"]
    finish(start(tmp_path, 1, *common, "--batch", "16", "-o", "one"))
    finish(start(tmp_path, 2, *common, "--batch", "8", "-o", "two"))
    one, two = ([json.loads(line) for line in (tmp_path / run / "log.jsonl").read_text().splitlines()] for run in ("one", "two"))
    assert [entry["stage"] for entry in two] == ["base"] * 3 + ["refinement"] * 3
    assert all(abs(a["validation_relative_l2"] - b["validation_relative_l2"]) < 1e-4 for a, b in zip(one, two))


def test_mpirun_starts_it_too(data, mano, tmp_path):
    os.environ["MASTER_PORT"] = str(free_port())
    try:
        out = mano("train", "--data", data, "--epochs", "2", *SMALL, "-o", "run", ranks=2).out
    finally:
        del os.environ["MASTER_PORT"]
    assert "of 2 processes" in out and out.count("epoch    2 of 2") == 1


def test_a_lost_process_ends_the_others_and_training_goes_on_with_fewer(data, tmp_path):
    common = ["--data", data, "--epochs", "3000", *SMALL, "-o", "run"]
    first, second = start(tmp_path, 2, *common, "--batch", "8")
    state = tmp_path / "run" / "state.safetensors"
    for _ in range(600):
        if state.exists():
            break
        time.sleep(0.1)
    assert state.exists()
    second.send_signal(signal.SIGKILL)
    lost = time.monotonic()
    _, err = first.communicate(timeout=60)
    assert time.monotonic() - lost < 60
    assert first.returncode == 1 and "lost another one" in err and err.count("\n") == 1
    second.communicate()
    load_file(tmp_path / "run" / "model.safetensors")
    epochs = len((tmp_path / "run" / "log.jsonl").read_text().splitlines())
    finish(start(tmp_path, 1, *common, "--batch", "8", "--resume"), status=2)  # half the samples a step
    finish(start(tmp_path, 1, *common, "--batch", "16", "--resume", "--max-seconds", "2"))
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) > epochs


@pytest.mark.parametrize("variables, said", [
    ({"RANK": "2", "WORLD_SIZE": "2"}, "process 2 of 2"),
    ({"RANK": "0", "WORLD_SIZE": "two"}, "WORLD_SIZE is 'two'"),
    ({"RANK": "0", "WORLD_SIZE": "2", "MASTER_PORT": "99999999"}, "MASTER_PORT is 99999999"),
])
def test_variables_that_make_no_sense_are_refused(data, tmp_path, variables, said):
    result = subprocess.run([PROGRAM, "train", "--data", data, "-o", "run", *SMALL], cwd=tmp_path, capture_output=True, text=True,
                            env={**os.environ, **variables}, timeout=100, check=False)
    assert result.returncode == 2
    if variables["RANK"] == "0":
        assert said in result.stderr
