"""cmake --install, then a project of its own against what was installed; completion in bash."""
import os
import subprocess

import pytest
from conftest import PROGRAM, run

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")


def call(*command, **options):
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    folder = tmp_path_factory.mktemp("install")
    call("cmake", "--install", os.path.dirname(PROGRAM), "--prefix", folder / "prefix")
    return folder / "prefix"


def test_headers_bring_neither_torch_nor_petsc(prefix):
    headers = list((prefix / "include/mano").rglob("*.hpp"))
    assert len(headers) > 15
    for header in headers:
        text = header.read_text()
        assert "<torch/" not in text and "petsc.h" not in text and "petscksp.h" not in text, header
        for line in text.splitlines():  # whatever of ours a header includes is installed too
            if line.startswith('#include "'):
                assert (prefix / "include/mano" / line.split('"')[1]).exists(), f"{header}: {line}"


def test_a_fresh_project_solves_and_predicts(prefix, tmp_path):
    source = os.path.join(ROOT, "examples")
    call("cmake", "-S", source, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release")
    call("cmake", "--build", tmp_path / "build")
    for command in (["generate", "--field", "two-phase", "--samples", 20, "--resolution", "16x16", "-o", "d.h5"],
                    ["train", "--data", "d.h5", "-o", "run", "--epochs", 2, "--refine-epochs", 6],
                    ["generate", "--field", "two-phase", "--seed", 7, "--samples", 1, "--resolution", "32x32", "-o", "new.h5"]):
        result = run(*command, cwd=tmp_path)
        assert result.status == 0, result.err
    out = call(tmp_path / "build/solve_and_predict", tmp_path / "run", 32)
    error = float(out.split("relative L2 error")[1])
    installed = call(prefix / "bin/mano", "evaluate", "--model", "run", "--data", "new.h5", cwd=tmp_path)
    assert "solver:" in out and f"{error:.5f}" in installed
    missing = subprocess.run([tmp_path / "build/solve_and_predict", "absent", "32"], capture_output=True, text=True, check=False)
    assert missing.returncode == 2 and "absent" in missing.stderr


def test_bash_completes_subcommands_and_options(prefix):
    script = """
source "$1"; PATH="$2:$PATH"
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _mano; printf '%s ' "${COMPREPLY[@]}"; echo; }
try mano pre; try mano predict --est; try mano compare --re
"""
    out = call("bash", "-c", script, "bash", prefix / "share/bash-completion/completions/mano", prefix / "bin").splitlines()
    assert [line.split() for line in out] == [["predict"], ["--estimate"], ["--reference", "--resolution"]]
