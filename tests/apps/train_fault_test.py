"""What kills and second starts leave of mano train: a few kills (scripts/torture does a hundred), one run at a time in a folder."""
import json
import os
import re
import resource
import signal
import subprocess
import time

import pytest
from safetensors import safe_open

import training_faults
from training_faults import ONE_THREAD, train

pytestmark = pytest.mark.needs("torch")


def test_kills_at_random_times_change_nothing(tmp_path):
    assert training_faults.kill_until_done(tmp_path, epochs=600, kills=4) == 4


def call(folder, *command, **options):
    return subprocess.run(train(folder, *command), cwd=folder, capture_output=True, text=True, env=ONE_THREAD, timeout=200, check=False, **options)


def wait_for(path):
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, f"no {path}"
        time.sleep(0.01)


def refused(result, *words):
    assert result.returncode == 2 and result.stderr.count("\n") == 1, result.stderr
    assert all(word in result.stderr for word in words), result.stderr


def logged(folder, run, stage="base"):
    lines = [json.loads(line) for line in (folder / run / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if line["stage"] == stage]


def counters(folder, run):
    with safe_open(folder / run / "state.safetensors", "numpy") as file:
        return json.loads(file.metadata()["counters"])


def test_a_second_training_in_a_folder_is_refused_until_the_first_is_gone(tmp_path):
    training_faults.make_data(tmp_path)
    first = subprocess.Popen(train(tmp_path, "run", 100000), cwd=tmp_path, stdout=subprocess.DEVNULL, env=ONE_THREAD)
    try:
        wait_for(tmp_path / "run/config.toml")
        for more in ([], ["--overwrite"], ["--resume"]):
            refused(call(tmp_path, "run", 100000, "--seed", "5", *more), "another 'mano train' is at work on run")
        wait_for(tmp_path / "run/state.safetensors")
    finally:
        first.kill()
        first.wait()
    before = len(logged(tmp_path, "run"))
    assert call(tmp_path, "run", 100000, "--resume", "--max-seconds", "0.5").returncode == 0
    assert [line["epoch"] for line in logged(tmp_path, "run")] == list(range(1, len(logged(tmp_path, "run")) + 1))
    assert len(logged(tmp_path, "run")) >= before - 1


def test_other_samples_a_step_are_refused_and_the_configuration_stays(tmp_path):
    training_faults.make_data(tmp_path)
    assert call(tmp_path, "run", 2).returncode == 0
    before = (tmp_path / "run/config.toml").read_text()
    for more in (["--batch", "8"], ["--accumulate", "4"]):
        refused(call(tmp_path, "run", 2, "--resume", *more), "state.safetensors", "samples a step")
    assert (tmp_path / "run/config.toml").read_text() == before and "batch = 16" in before
    assert call(tmp_path, "run", 2, "--resume", "--batch", "4", "--accumulate", "4").returncode == 0


def small_files():
    """The model fits, the state does not: the disk is full between the two."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))


def test_a_full_disk_in_the_first_epoch_leaves_what_begins_anew(tmp_path):
    training_faults.make_data(tmp_path)
    full = call(tmp_path, "run", 5, preexec_fn=small_files)
    assert full.returncode == 1 and "state.safetensors" in full.stderr
    assert sorted(os.listdir(tmp_path / "run")) == ["config.toml", "lock", "log.jsonl", "model.safetensors"]
    (tmp_path / "run/.model.1.tmp.safetensors").write_bytes(b"half")  # as a kill leaves it
    refused(call(tmp_path, "run", 5), "run holds a model already")
    refused(call(tmp_path, "run", 5, "--resume", "--seed", "3"), "run holds a model already")
    anew = call(tmp_path, "run", 5, "--resume")
    assert anew.returncode == 0 and "note: run was stopped in its first epoch" in anew.stdout
    assert len(logged(tmp_path, "run")) == 5 and not list((tmp_path / "run").glob(".*"))
    # What is finished stays, also without its state.
    os.remove(tmp_path / "run/state.safetensors")
    refused(call(tmp_path, "run", 5, "--resume"), "run holds a model already")


def test_epochs_that_time_shortened_are_counted_and_errors_say_whose_they_are(tmp_path):
    training_faults.make_data(tmp_path)
    more = ["--refine-epochs", "100000", "--json", "out.json"]
    result = call(tmp_path, "run", 100000, "--max-seconds", "1", *more)
    assert result.returncode == 0, result.stderr
    epochs = len(logged(tmp_path, "run"))
    assert re.search(rf"^{epochs} epochs?, .*stopped on time$", result.stdout, re.M), result.stdout
    best = max(line["epoch"] for line in logged(tmp_path, "run") if line["best"])
    out = json.loads((tmp_path / "out.json").read_text())
    assert out["epochs"] == epochs and out["best"]["epoch"] == best <= epochs
    # Of the refinement, kept or not, a line says what it left.
    left = min(line["validation_relative_l2"] for line in logged(tmp_path, "run", "refinement"))
    said = re.search(r"refinement for unseen resolutions: (leaves|not kept, it left) (\d+) %", result.stdout)
    assert said and (said[1] == "leaves") == (left < 1) and abs(int(said[2]) - 100 * left) < 1
    # Going on in the refinement, too.
    if counters(tmp_path, "run")["stage"] == 1:
        again = call(tmp_path, "run", 100000, "--resume", "--max-seconds", "0.5", *more)
        assert f"{epochs} epoch" in again.stdout and json.loads((tmp_path / "out.json").read_text())["epochs"] == epochs


def test_the_closing_line_tells_network_and_refinement_apart(tmp_path):
    training_faults.make_data(tmp_path)
    for more in ([], ["--resume"]):  # the second finds both stages finished
        result = call(tmp_path, "run", 20, *more)
        network = [line for line in logged(tmp_path, "run") if line["best"]][-1]
        words = f"best: epoch {network['epoch']}; relative L2 on the held-out part "
        kept = "of the refinement on cpu" in result.stdout
        assert words + (f"{network['validation_relative_l2']:.3g} by the network alone, " if kept else "") in result.stdout, result.stdout
        assert not kept or " with refinement; wrote" in result.stdout
