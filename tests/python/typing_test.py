"""Types of the installed package, as mypy sees them: a script of a user, and the lines of the documents."""
import inspect
import pathlib
import re
import shutil
import subprocess
import sys
import typing

import mano
import mano.torch
import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
# Of torch's own types, not of mano's: what a tensor's gradient is before there is one.
OF_TORCH = re.compile(r'"Tensor \| None"|"__getitem__" of "tuple"')

# What nanobind's classes and functions are to mypy.stubtest; wrong names, missing members and kinds are left.
OF_NANOBIND = re.compile(r"is a disjoint base|metaclass differs|is not a function|__init__ is inconsistent, stub does not have \*args")


def mypy(folder, *arguments):
    result = subprocess.run([sys.executable, "-m", "mypy", "--no-error-summary", "--hide-error-context", "--cache-dir", str(folder / "cache"), *map(str, arguments)],
                            capture_output=True, text=True, cwd=folder, check=False)
    assert not result.stderr, result.stderr
    return [line for line in result.stdout.splitlines() if ": error:" in line]


def test_the_package_says_that_it_has_types():
    assert (pathlib.Path(mano.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize("how", ["--strict", "--warn-unused-ignores"])  # where mypy is strict, an old torch's tensor passes for anything
def test_a_script_of_a_user_has_the_types_it_claims(tmp_path, how):
    shutil.copy(HERE / "typed_script.py", tmp_path)
    assert mypy(tmp_path, how, "typed_script.py") == []


@pytest.mark.parametrize("right, wrong", [("assert_type(r.pressure, Array)", "assert_type(r.pressure, list[float])"), ("threads=2", "threads='2'")])
def test_a_wrong_script_is_refused(tmp_path, right, wrong):
    text = (HERE / "typed_script.py").read_text()
    assert right in text
    (tmp_path / "script.py").write_text(text.replace(right, wrong))
    errors = mypy(tmp_path, "--strict", "script.py")
    assert len(errors) == 1 and errors[0].startswith("script.py:"), errors


def test_lines_of_the_documents_have_no_wrong_types(tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/python.md").read_text() + (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 4
    files = [tmp_path / f"block{i}.py" for i in range(len(blocks))]
    for file, block in zip(files, blocks):
        file.write_text(block)
    # What may be missing is said to be: a volume's third direction, a dataset's samples of a displacement.
    assert [e for e in mypy(tmp_path, *files) if "[union-attr]" not in e and not OF_TORCH.search(e)] == []


def test_the_stub_has_what_the_module_has():
    result = subprocess.run([sys.executable, "-m", "mypy.stubtest", "--concise", "mano._core"], capture_output=True, text=True, check=False)
    assert "mano._core" in result.stdout, result.stderr
    assert [line for line in result.stdout.splitlines() if not OF_NANOBIND.search(line)] == []


def test_overloads_have_the_arguments_of_their_function():
    names = lambda function: set(inspect.signature(function).parameters)  # noqa: E731
    for function in (mano.draw, mano.Model.predict, mano.Model.correct):
        assert [names(overload) for overload in typing.get_overloads(function)] == [names(function)] * 2
    assert {"permeability", "with_wells", *mano.torch._solver._Arguments.__annotations__} == names(mano.torch.solve)
