"""The study of docs/resolutions.md in its small form: every model is trained, evaluated and drawn. Its numbers mean nothing."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

STUDY = pathlib.Path(__file__).resolve().parents[2] / "bench" / "resolution_study.py"


@pytest.mark.needs("petsc", "torch")
def test_the_small_study_runs_and_goes_on_where_it_stopped(tmp_path):
    run = lambda models: subprocess.run([sys.executable, STUDY, "--quick", "--models", models, "-o", tmp_path], check=True,
                                        capture_output=True, text=True, timeout=400, env=os.environ).stdout
    run("mano,vit")
    first = json.loads((tmp_path / "study.json").read_text())["rows"]
    out = run("mano,fno,vit,swin,unet")
    study = json.loads((tmp_path / "study.json").read_text())
    assert study["rows"][:2] == first
    assert [row["model"] for row in study["rows"]] == ["mano", "vit", "fno", "swin", "unet"]
    for row in study["rows"]:
        (seed,) = row["seeds"]
        assert list(seed["multigrid"]) == ["32x32", "48x48", "64x64", "128x128", "100x37"]
        assert all(0 < value["l2"] < 10 and 0 < value["interpolated"] < 10 for value in seed["multigrid"].values())
        assert 0 < row["discretisation_floor"]["64x64"] < 0.1
    assert "| mano small |" in out and "refinement alone" in out
