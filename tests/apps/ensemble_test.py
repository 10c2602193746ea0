"""mano ensemble end to end: an independent Monte Carlo, known truths, kills, ranks, a deadline, a bad surrogate, the page."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest
from conftest import PROGRAM

import direct_solve

pytestmark = pytest.mark.needs("petsc")
ROCK = "--field lognormal --deviation 1 --correlation-length 0.2".split()
TIMES = ("seconds", "wall_seconds", "seconds_plain_monte_carlo", "seconds_per_sample_plain_monte_carlo", "seconds_per_sample")


def untimed(result):
    """Without what a clock measured."""
    if isinstance(result, dict):
        return {key: untimed(value) for key, value in result.items() if key not in TIMES}
    return [untimed(value) for value in result] if isinstance(result, list) else result


def read(path):
    return json.loads(path.read_text())


def test_agrees_with_a_plain_monte_carlo_by_a_direct_solver(mano, tmp_path):
    mano("ensemble", *ROCK, "--seed", 5, "--problem", "drive", "--resolution", "16x16", "--quantity", "effective-permeability", "--quantity",
         "mean-pressure", "--quantity", "outflow@right", "--tolerance", "0.02,0.01,0.02", "-o", "e", "--json", "e.json")
    mano("generate", *ROCK, "--seed", 6, "--problem", "drive", "--samples", 250, "--resolution", "16x16", "-o", "d.h5")
    with h5py.File(tmp_path / "d.h5") as f:
        rocks = f["permeability"][:]
    pressures = [direct_solve.solve(k, setup="drive") for k in rocks]
    flow = [float(np.sum(2 * k[:, -1] * p[:, -1])) for k, p in zip(rocks, pressures)]
    plain = {"effective-permeability": flow, "outflow@right": flow, "mean-pressure": [p.mean() for p in pressures]}
    e = read(tmp_path / "e.json")
    assert e["reached"] and e["seconds"] > 0 and e["seconds_plain_monte_carlo"] > 0 and e["surrogate_saves"] == 0
    for q in e["quantities"]:
        values = np.array(plain[q["name"]])
        error = values.std(ddof=1) / np.sqrt(len(values))
        assert abs(q["mean"] - values.mean()) < 3 * np.hypot(error, q["standard_error"]), q["name"]
        assert q["variance"] == pytest.approx(values.var(ddof=1), rel=0.4)
        assert q["mean_interval"][0] < q["mean"] < q["mean_interval"][1]
        assert q["mean_interval"][1] - q["mean_interval"][0] <= 2 * q["tolerance"] * (1 + 1e-12)
        assert q["p10"] < q["p50"] < q["p90"] and q["p50_interval"][0] < q["p50"] < q["p50_interval"][1]
        assert q["variance_interval"][0] < q["variance"] < q["variance_interval"][1]
    # Levels add up to the mean; the finest is the one asked for.
    assert sum(level["mean"] for level in e["levels"]) == pytest.approx(e["quantities"][0]["mean"], rel=1e-12)
    assert e["levels"][-1]["resolution"] == [16, 16] and all(level["samples"] >= 32 for level in e["levels"])
    assert e == read(tmp_path / "e/ensemble.json") and not (tmp_path / "e.part").exists()


def test_known_truths(mano, tmp_path):
    # The mean of log k is linear in a Gaussian: its mean is that of log k.
    mano("ensemble", *ROCK, "--mean", 0.7, "--resolution", "32x32", "--quantity", "mean-log-permeability", "--tolerance", 0.01, "-o", "a",
         "--json", "a.json")
    q = read(tmp_path / "a.json")["quantities"][0]
    assert abs(q["mean"] - 0.7) < 0.015
    # Its variance: the covariance between two random points of the square, by the midpoint rule.
    x = (np.arange(32) + 0.5) / 32
    lag = np.abs(x[:, None] - x[None, :]).ravel()
    variance = np.exp(-np.hypot(lag[:, None], lag[None, :]) / 0.2).mean()
    assert q["variance_interval"][0] * 0.97 < variance < q["variance_interval"][1] * 1.03
    # G. Matheron: in two dimensions the effective permeability of isotropic lognormal rock is the geometric mean.
    mano("ensemble", "--field", "lognormal", "--correlation-length", 1 / 32, "--smoothness", 2.5, "--mean", 0.7, "--quantity",
         "effective-permeability", "--tolerance", 0.12, "-o", "m", "--json", "m.json")
    m = read(tmp_path / "m.json")
    low, high = m["quantities"][0]["mean_interval"]
    assert m["truth"] == "limit of fine grids" and low < np.exp(0.7) < high and high - low <= 0.24


def test_ranks_and_kills_change_nothing(mano, tmp_path):
    command = ["ensemble", *ROCK, "--resolution", "32x32", "--quantity", "effective-permeability", "--quantity", "pressure@0.3,0.4", "--tolerance",
               "0.01,0.001"]
    for ranks in (1, 2, 3):
        mano(*command, "-o", f"r{ranks}", "--json", f"r{ranks}.json", ranks=ranks)
        assert untimed(read(tmp_path / f"r{ranks}.json")) == untimed(read(tmp_path / "r1.json")), ranks
    kills = 0
    while not (tmp_path / "k").exists():
        process = subprocess.Popen([PROGRAM, *command, "-o", "k", "--json", "k.json"], cwd=tmp_path, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(0.5 + 0.3 * kills)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() != 0
        assert kills < 40
    assert kills > 0
    assert untimed(read(tmp_path / "k/ensemble.json")) == untimed(read(tmp_path / "r1.json"))


def test_a_folder_of_others_is_left_alone(mano, tmp_path):
    (tmp_path / "e.part").mkdir()
    (tmp_path / "e.part/notes.txt").write_text("precious")
    out = mano("ensemble", *ROCK, "--resolution", "8x8", "--quantity", "effective-permeability", "--tolerance", 1, "-o", "e", status=2)
    assert "e.part is in the way: no ensemble put notes.txt there" in out.err
    assert (tmp_path / "e.part/notes.txt").read_text() == "precious"


def test_stops_on_time_with_an_honest_interval_and_goes_on(mano, tmp_path):
    command = ["ensemble", *ROCK, "--resolution", "32x32", "--quantity", "effective-permeability", "-o", "e", "--json", "e.json", "--tolerance"]
    late = mano(*command, 1e-5, "--max-seconds", 3, status=1)
    assert "the tolerance was not reached in 3 s" in late.err and len(late.err.strip().splitlines()[-1:]) == 1
    early = read(tmp_path / "e.json")
    assert early["seconds_plain_monte_carlo"] > early["seconds"]
    assert not early["reached"] and not (tmp_path / "e").exists() and early["wall_seconds"] < 8
    low, high = early["quantities"][0]["mean_interval"]
    mano(*command, 0.01)  # with the samples that are there
    whole = read(tmp_path / "e.json")
    assert whole["reached"] and low - 0.02 < whole["quantities"][0]["mean"] < high + 0.02
    refused = mano(*command, 0.01, status=2)
    assert "e exists" in refused.err
    mano(*command, 0.01, "--overwrite")
    assert untimed(read(tmp_path / "e.json")) == untimed(whole)


@pytest.mark.needs("torch")
def test_a_bad_surrogate_changes_the_cost_and_not_the_answer(mano, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # threads that wait for a busy core take fifty times as long
    mano("generate", *ROCK, "--problem", "drive", "--samples", 24, "--resolution", "16x16", "-o", "d.h5")
    mano("train", "--data", "d.h5", "-o", "run", "--preset", "small", "--epochs", 1, "--refinement", "none")
    command = ["ensemble", *ROCK, "--resolution", "16x16", "--quantity", "effective-permeability", "--tolerance", 0.05, "--model", "run"]
    plain = mano(*command[:-2], "-o", "a", "--json", "a.json")
    assert "surrogate" not in plain.out
    unused = mano(*command, "-o", "b", "--json", "b.json")
    assert "the surrogate saves 0 %: " in unused.out
    a, b = read(tmp_path / "a.json"), read(tmp_path / "b.json")
    assert b["surrogate_saves"] == 0 and not b["surrogate"]["used"]
    assert untimed(b)["quantities"] == untimed(a)["quantities"]
    mano(*command[:-4], "--tolerance", 0.15, *command[-2:], "--always-model", "--cycles", 0, "-o", "c", "--json", "c.json")
    c = read(tmp_path / "c.json")
    assert c["surrogate"]["used"] and c["levels"][0]["model"] == "surrogate" and c["levels"][1]["minus"]["model"] == "surrogate"
    error = np.hypot(a["quantities"][0]["standard_error"], c["quantities"][0]["standard_error"])
    assert abs(a["quantities"][0]["mean"] - c["quantities"][0]["mean"]) < 3.5 * error
    wrong = mano(*command, "--problem", "benchmark", "--quantity", "mean-pressure", "-o", "f", status=2)
    assert "--model: the quantities need 2 flows" in wrong.err
    wrong = mano(*command[:-4], "--tolerance", 0.1, "--size", "2x1", "--model", "run", "-o", "f", status=2)
    assert "--model: the domain is 2x1" in wrong.err and not list(tmp_path.glob("f*"))


@pytest.mark.skipif(shutil.which("gnuplot") is None, reason="pictures are gnuplot's")
def test_the_page(mano, tmp_path):
    mano("ensemble", *ROCK, "--problem", "drive", "--units", "metric", "--resolution", "16x16", "--quantity", "pressure@0.3,0.4", "--quantity",
         "effective-permeability-y", "--tolerance", 0.05, "-o", "e")
    page = (tmp_path / "e/report.html").read_text()
    assert not re.search(r'(src|href)="(?!data:)', page)
    e = read(tmp_path / "e/ensemble.json")
    assert e["quantities"][0]["unit"] == "bar" and e["quantities"][1]["unit"] == "mD"
    for q in e["quantities"]:
        assert f"{q['mean']:.5g} on average" in page
    assert page.count("<img") == 7 and page.count("<table>") == 4  # three pictures a quantity, and the work
    for name in ("work", "means-1", "variances-2", "histogram-1"):
        assert (tmp_path / f"e/{name}.png").read_bytes().startswith(b"\x89PNG")


def test_signals_leave_what_is_done(mano, tmp_path):
    command = [PROGRAM, "ensemble", *ROCK, "--resolution", "64x64", "--quantity", "effective-permeability", "--tolerance", "0.0005", "-o", "e"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("e.part/samples-0.bin")):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert "the same command goes on" in process.communicate()[1] and process.returncode == 130
    assert not (tmp_path / "e").exists() and os.path.getsize(tmp_path / "e.part/samples-0.bin") > 0
    other = mano("ensemble", *ROCK, "--resolution", "32x32", "--quantity", "effective-permeability", "--tolerance", "0.1", "-o", "e", status=2)
    assert "with other options" in other.err
