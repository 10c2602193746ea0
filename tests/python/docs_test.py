"""The lines of Python that the documents show, and the tutorial, shortened."""
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def blocks():
    text = (ROOT / "docs/python.md").read_text() + (ROOT / "README.md").read_text()
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_lines_of_the_documents_run(tmp_path):
    assert len(blocks()) >= 4
    for block in blocks():  # in one folder: a later one may read what an earlier one wrote
        result = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, cwd=tmp_path, check=False)
        assert result.returncode == 0, block + result.stderr


def cells_of_notebook():
    nbformat = pytest.importorskip("nbformat")
    return [cell.source.strip() for cell in nbformat.read(ROOT / "examples/tutorial.ipynb", 4).cells]


def test_the_notebook_is_the_script():
    jupytext = pytest.importorskip("jupytext")
    assert cells_of_notebook() == [cell.source.strip() for cell in jupytext.read(ROOT / "examples/tutorial.py").cells]


def test_the_tutorial_runs(tmp_path):
    environment = {**os.environ, "MANO_TUTORIAL_SECONDS": "3"}
    result = subprocess.run([sys.executable, "-m", "jupytext", "--to", "notebook", "--execute", "--output", tmp_path / "run.ipynb", ROOT / "examples/tutorial.py"],
                            capture_output=True, text=True, env=environment, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    text = (tmp_path / "run.ipynb").read_text()
    found = re.search(r"correlation of the found log k with the true one: (\d\.\d+)", text)
    assert float(found.group(1)) > 0.6 and text.count("image/png") == 4 and "log k 1.2000 (true: 1.2), pressure at the side 0.5000" in text
