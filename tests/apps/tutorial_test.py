"""Every command of docs/tutorial.md, with smaller numbers, and its claim: all ways agree within their error bars."""
import os
import re
import subprocess

import h5py
import numpy as np
import pytest
from conftest import PROGRAM

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")


@pytest.mark.needs("petsc", "torch")
def test_the_tutorial_to_the_letter(tmp_path):
    text = open(os.path.join(ROOT, "docs/tutorial.md"), encoding="utf-8").read()
    script = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL))
    small = {"DRAWS=10000": "DRAWS=120", "FEW=200": "FEW=24", "TRAIN=1000": "TRAIN=200",
             "--max-seconds $SECONDS_OF_TRAINING": "--epochs 6 --refine-epochs 2", "mano=build/release/mano": f"mano={PROGRAM}"}
    for words, replacement in small.items():
        assert script.count(words) == 1, words
        script = script.replace(words, replacement)
    for name in ("python", ".venv"):
        os.symlink(os.path.join(ROOT, name), tmp_path / name)
    result = subprocess.run(["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    lines = [line for line in result.stdout.splitlines() if " mean " in line and "+-" in line]
    means, errors = np.array([re.search(r"mean ([\d.]+) \+- ([\d.]+)", line).groups() for line in lines], float).T
    solver, surrogate, corrected, control, few = means
    # The same draws: no sampling error between them.
    assert abs(corrected - solver) < 0.002 * solver and abs(surrogate - solver) < 0.1 * solver
    assert abs(control - solver) < 4 * errors[3]
    assert errors[3] < errors[4]  # what the surrogate buys over the few solutions alone
    with h5py.File(tmp_path / "tutorial/solver.h5") as f:  # k p / (hx / 2) hy over the right side
        outflow = 2 * (f["permeability"][:, :, -1] * f["pressure"][:, :, -1]).sum(1)
    assert outflow.mean() == pytest.approx(solver, rel=1e-4)


def test_few_solutions_of_other_draws_are_refused(tmp_path):
    for name, seed in (("few", 1), ("many", 2)):
        with h5py.File(tmp_path / f"{name}.h5", "w") as f:
            f.attrs.update(setup="drive", size_x=1.0, size_y=1.0)
            f["seed"], f["sample"] = np.full(4, seed), np.arange(4)
            f["permeability"] = f["pressure"] = np.ones((4, 3, 3))
    result = subprocess.run([os.path.join(ROOT, ".venv/bin/python"), os.path.join(ROOT, "python/outflow.py"), "--control", "few.h5", "many.h5"],
                            cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 1 and "first draws" in result.stderr


def test_the_flow_through_volumes_and_inactive_cells_is_refused(tmp_path):
    for name, shape, words in (("volumes", (2, 3, 3, 3), "holds volumes of the shape (3, 3, 3)"), ("inactive", (2, 3, 3), "has inactive cells")):
        with h5py.File(tmp_path / f"{name}.h5", "w") as f:
            f.attrs.update(setup="drive", size_x=1.0, size_y=1.0)
            f["permeability"] = f["pressure"] = np.ones(shape)
            if name == "inactive":
                f["active"] = np.ones(shape, np.uint8)
        result = subprocess.run([os.path.join(ROOT, ".venv/bin/python"), os.path.join(ROOT, "python/outflow.py"), f"{name}.h5"], cwd=tmp_path,
                                capture_output=True, text=True, check=False)
        assert result.returncode == 1 and words in result.stderr and result.stdout == ""
