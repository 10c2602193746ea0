"""Faults for mano train: kills at random times. The quick tests do a few (train_fault_test.py), the long run many (torture.py)."""
import json
import os
import random
import subprocess
import time

import h5py
import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file

PROGRAM = os.environ["MANO_PROGRAM"]
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}
TRAIN = ["train", "--data", "d.h5", "--dim", "16", "--depth", "1", "--heads", "2", "--dim-head", "8", "--mlp", "16"]
MORE = {"--batch": "16", "--refine-epochs": "6"}  # unless a test passes others


def make_data(folder):
    noise = np.random.default_rng(1).normal(size=(60, 8, 8))
    with h5py.File(os.path.join(folder, "arrays.h5"), "w") as file:
        file["coeff"], file["sol"] = np.where(noise > 0, 12.0, 3.0), 1.0 + 0.1 * noise
    subprocess.run([PROGRAM, "import", "arrays.h5", "-o", "d.h5"], cwd=folder, check=True, capture_output=True)


def train(folder, run, epochs, *more):
    others = [word for option, value in MORE.items() if option not in more for word in (option, value)]
    return [PROGRAM, *TRAIN, *others, "--epochs", str(epochs), "-o", run, *more]


def numbers(path):
    return {name: value.tobytes() for name, value in load_file(path).items()}


def check_whole(folder, run):
    """Whatever is there loads; weights and optimiser are of one step. Returns the stage and the step."""
    state_path, model_path = (os.path.join(folder, run, name) for name in ("state.safetensors", "model.safetensors"))
    if os.path.exists(model_path):
        assert load_file(model_path)
    if not os.path.exists(state_path):
        return 0, 0
    state = load_file(state_path)
    steps = {int(value) for name, value in state.items() if name.startswith("step.")}
    assert len(steps) == 1
    with safe_open(state_path, "numpy") as file:
        return json.loads(file.metadata()["counters"])["stage"], steps.pop()


def epochs_done(folder, run):
    log = os.path.join(folder, run, "log.jsonl")
    if not os.path.exists(log):
        return 0
    with open(log) as file:
        return file.read().count("\n")


def kill_until_done(folder, epochs, kills, seed=0):
    """Kills a training at random times, going on after each; it ends with the bits of an unbroken one. Returns the kills that
    struck while it worked."""
    make_data(folder)
    subprocess.run(train(folder, "unbroken", epochs), cwd=folder, check=True, capture_output=True, env=ONE_THREAD)
    pick = random.Random(seed)
    struck, before = 0, (0, 0)
    while struck < kills:
        started = os.path.exists(os.path.join(folder, "killed", "state.safetensors"))
        process = subprocess.Popen(train(folder, "killed", epochs, "--resume" if started else "--overwrite"), cwd=folder,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ONE_THREAD)
        # After some epochs, sometimes none, and a moment within the next one.
        wanted = epochs_done(folder, "killed") + pick.randrange(0, max(2, epochs // (2 * kills)))
        while process.poll() is None and epochs_done(folder, "killed") < wanted:
            time.sleep(0.002)
        time.sleep(pick.uniform(0.0, 0.05))
        process.kill()
        if process.wait() != -9:
            break
        struck += 1
        step = check_whole(folder, "killed")
        assert step >= before, "a kill must not undo finished epochs"
        before = step
    subprocess.run(train(folder, "killed", epochs, "--resume" if before > (0, 0) else "--overwrite"), cwd=folder, check=True,
                   capture_output=True, env=ONE_THREAD)
    for name in ("model.safetensors", "state.safetensors"):
        a, b = (numbers(os.path.join(folder, run, name)) for run in ("unbroken", "killed"))
        assert a == b, f"{name} differs from an unbroken run's"
    return struck
