"""What the end-to-end tests share: the program, and how to run it."""
import os
import subprocess

import pytest

PROGRAM = os.environ["MANO_PROGRAM"]
PARTS = os.environ.get("MANO_PARTS", "petsc,torch,vtk").split(",")
DATA = os.path.join(os.path.dirname(__file__), "..", "..", "data")


def pytest_configure(config):
    config.addinivalue_line("markers", "needs(*parts): parts of mano that a test needs (petsc, torch, vtk)")


def pytest_collection_modifyitems(items):
    for item in items:
        for mark in item.iter_markers("needs"):
            absent = [part for part in mark.args if part not in PARTS]
            if absent:
                item.add_marker(pytest.mark.skip(reason="built without " + ", ".join(absent)))


class Result:
    def __init__(self, process):
        self.status = process.returncode
        self.out = process.stdout
        self.err = process.stderr


def run(*arguments, ranks=1, cwd=None, timeout=600):
    command = [PROGRAM, *map(str, arguments)]
    if ranks > 1:
        command = ["mpiexec", "--oversubscribe", "-n", str(ranks), *command]
    return Result(subprocess.run(command, capture_output=True, text=True, errors="replace", cwd=cwd, timeout=timeout, check=False))


def program_in(folder):
    """Runs mano in a folder; fails the test unless the status is the one expected."""

    def call(*arguments, status=0, **options):
        result = run(*arguments, cwd=folder, **options)
        assert status is None or result.status == status, f"status {result.status}\n{result.out}\n{result.err}"
        return result

    return call


@pytest.fixture
def mano(tmp_path):
    return program_in(tmp_path)
