"""The wheel in a new environment that holds nothing of this project: pip installs it with what it depends on, and it works without torch."""
import os
import pathlib
import subprocess
import sys

SCRIPT = """
import mano, sys
r = mano.solve(mano.draw("two-phase", seed=1, resolution=(32, 32)), setup="drive")
assert r.residual < 1e-10 and "torch" not in sys.modules
try:
    mano.load("run")
except mano.MissingPart as error:
    print(error)
"""


def test_a_new_environment(tmp_path):
    (wheel,) = pathlib.Path(os.environ["MANO_WHEELS"]).glob("mano-*.whl")
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MANO_PROGRAM")}
    run = lambda *command: subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)  # noqa: E731
    python = tmp_path / "new/bin/python"
    assert run(sys.executable, "-m", "venv", tmp_path / "new").returncode == 0
    installed = run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    assert installed.returncode == 0, installed.stderr
    result = run(python, "-c", SCRIPT)
    assert result.returncode == 0 and "none is installed: pip install torch==" in result.stdout, result.stderr
    assert run(tmp_path / "new/bin/mano", "--version").stdout.startswith("mano ")
    solved = run(python, "-m", "mano", "solve", "--field", "two-phase", "--resolution", "8x8", "-o", "o.h5")
    assert solved.returncode == 0, solved.stderr
    trained = run(python, "-m", "mano", "train", "--generate", "two-phase", "--resolution", "8x8", "--samples", 8, "-o", "run")
    assert trained.returncode == 2 and trained.stderr.startswith("mano train: error: trained models need torch")
