"""Trained models: what load() predicts, estimates and refuses; the program beside it."""
import subprocess
import sys

import h5py
import mano
import numpy as np
import pytest
from mano import _model


def off(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


@pytest.fixture(scope="module")
def model(trained):
    return mano.load(trained)


@pytest.fixture(scope="module")
def rocks():
    return mano.draw("two-phase", seed=77, samples=3, resolution=(24, 20))


def test_predictions_are_those_of_the_program(model, rocks, program, tmp_path, trained):
    program("predict", "--model", trained, "--field", "two-phase", "--seed", 77, "--samples", 3, "--resolution", "24x20", "--estimate", "-o", "p.h5")
    with h5py.File(tmp_path / "p.h5") as f:
        stored = {name: f[name][()] for name in ("pressure", "error_estimate", "interval_half_width", "estimated_relative_l2")}
    p, error = model.predict(rocks, estimate=True)
    assert off(p, stored["pressure"]) < 1e-6 and off(error, stored["error_estimate"]) < 1e-3
    found = model.predictions(rocks, estimate=True)
    assert np.allclose(found.half_width, stored["interval_half_width"]) and np.allclose(found.relative_l2, stored["estimated_relative_l2"], rtol=1e-3)
    one = model.predict(rocks[1])
    assert one.shape == (20, 24) and off(one, p[1]) < 1e-6 and off(model.predict(rocks[1].astype(np.float32).T.copy().T), one) < 1e-5


def test_an_estimate_is_near_the_error_and_a_correction_lessens_it(model, rocks):
    solved = mano.solve_many(rocks).pressure
    p, error = model.predict(rocks, estimate=True)
    assert off(p - error, solved) < 0.05 * off(p, solved)
    assert np.allclose(model.estimate(rocks), [off(a, b) for a, b in zip(p, solved)], rtol=0.1)
    assert off(model.correct(rocks, 2), solved) < 0.1 * off(p, solved)
    low, high = model.interval(rocks)
    assert np.allclose((low + high) / 2, p) and 0.3 < ((low <= solved) & (solved <= high)).mean() <= 1
    assert isinstance(model.estimate(rocks[0]), float)


def test_unlike_training(model, rocks):
    assert model.unlike_training(rocks[0]) == [] and any("permeability" in line for line in model.unlike_training(50 * rocks[0]))
    assert [bool(lines) for lines in model.unlike_training(rocks * np.array([1, 50, 1])[:, None, None])] == [False, True, False]


def test_the_card(model):
    assert model.card["setup"] == "benchmark" and model.card["resolutions"] == [(16, 16)] and model.card["parameters"] > 1000
    assert model.set_cycles(1) == 1 and np.isfinite(model.predict(np.full((16, 16), 3.0))).all()
    model.set_cycles(model.card["cycles"])


def test_bad_input(model, rocks, tmp_path):
    for call, message in ((lambda: mano.load(tmp_path / "absent"), "absent"), (lambda: model.predict(-rocks), "permeability"), (lambda: model.correct(rocks, 0), "cycles is 0"),
                          (lambda: model.predict(rocks, size=(2, 1)), "domain"), (lambda: model.predict(rocks, method="magic"), "magic"),
                          (lambda: model.predict(rocks, active=np.ones((20, 24))), "inactive"), (lambda: mano.load(model.path, device="tpu"), "tpu")):
        with pytest.raises(mano.InputError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)
    assert model.predict(rocks, size=(2, 1), force=True).shape == rocks.shape


def test_another_torch_or_none_is_told_in_a_line(trained, monkeypatch, tmp_path):
    (tmp_path / "version.py").write_text("__version__ = '1.2.3+cpu'\n")
    monkeypatch.setitem(sys.modules, "mano._surrogate", None)
    monkeypatch.delitem(sys.modules, "mano._surrogate")
    monkeypatch.setattr(_model, "torch_folder", lambda: tmp_path)
    with pytest.raises(mano.MissingPart, match=r"need torch \d+\.\d+\.\d+, installed is 1\.2\.3: pip install torch=="):
        mano.load(trained)
    monkeypatch.setattr(_model, "torch_folder", lambda: None)
    with pytest.raises(mano.MissingPart, match="none is installed"):
        mano.load(trained)


def test_python_m_mano_is_the_program(tmp_path, monkeypatch, trained):
    monkeypatch.delenv("MANO_PROGRAM")
    run = lambda *arguments: subprocess.run([sys.executable, "-m", "mano", *map(str, arguments)], capture_output=True, text=True, cwd=tmp_path, check=False)  # noqa: E731
    assert run("--version").stdout == f"mano {mano.__version__}\n"
    assert "wrote o.h5" in run("solve", "--field", "two-phase", "--resolution", "8x8", "-o", "o.h5").stdout
    assert "two-phase" in run("info", trained).stdout
    bad = run("solve", "--field", "granite", "--resolution", "8x8", "-o", "o.h5")
    assert bad.returncode == 2 and bad.stderr.startswith("mano solve: error:")
    assert run("predict", "--model", trained, "--field", "two-phase", "--resolution", "16x16", "-o", "p.h5").returncode == 0
