"""What the tests of the Python package share. They run on the installed wheel (tests/python/CMakeLists.txt), never on the source."""
import os
import pathlib
import subprocess

import pytest

PROGRAM = os.environ["MANO_PROGRAM"]
ROOT = pathlib.Path(__file__).parents[2]


def pytest_sessionstart():
    import mano

    assert ROOT / "python" not in pathlib.Path(mano.__file__).parents, "the source is tested in place of the wheel"


@pytest.fixture
def program(tmp_path):
    """Runs mano, the program, in a folder of the test; fails unless the status is 0."""

    def run(*arguments):
        result = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, cwd=tmp_path, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A RUN folder: two-phase rock at 16x16, a few seconds of training."""
    folder = tmp_path_factory.mktemp("trained")
    for arguments in (["generate", "--field", "two-phase", "--samples", 60, "--resolution", "16x16", "-o", "d.h5"],
                      ["train", "--data", "d.h5", "-o", "run", "--epochs", 2, "--refine-epochs", 8, "--held-out", 0.3]):
        result = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, cwd=folder, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
    return folder / "run"
