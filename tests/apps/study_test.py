"""The studies of docs/resolutions.md and docs/models.md in their small forms: every model is trained, evaluated and drawn. Their numbers mean nothing."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
STUDY, NETWORKS = BENCH / "resolution_study.py", BENCH / "network_study.py"


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


@pytest.mark.needs("petsc", "torch")
def test_all_networks_alone_train_and_are_tabled(tmp_path):
    run = lambda: subprocess.run([sys.executable, NETWORKS, "--quick", "-o", tmp_path], check=True, capture_output=True, text=True, timeout=400,
                                 env=os.environ).stdout
    out = run()
    study = json.loads((tmp_path / "study.json").read_text())
    names = "mano,fno,vit,swin,unet,xcit,qna,shunted,hlg,reguformer,mat,lit,transdepth".split(",")
    assert sorted(row["name"] for row in study["rows"]) == sorted(names)
    for row in study["rows"]:
        assert set(row["test"]) == {"32x32", "64x64"} and row["epochs"] == 1 and row["peak_bytes"] > 1e8
        assert all(0 < entry["l2"] < 10 for at in row["test"].values() for entry in at.values())
        # Where the network is as it was trained, all ways are the same.
        own = [entry["l2"] for entry in row["test"]["32x32"].values()]
        assert max(own) - min(own) < 1e-5
        assert f"| {row['name']} |" in out
    assert (tmp_path / "two-phase.png").stat().st_size > 1000
    run()  # nothing is left to do
    assert json.loads((tmp_path / "study.json").read_text())["rows"] == study["rows"]


@pytest.mark.needs("petsc", "torch")
def test_a_network_takes_the_rate_that_another_study_found(tmp_path):
    tuning = {"0.01": 0.3, "0.02": 0.2}
    (tmp_path / "other.json").write_text(json.dumps({"rows": [{"data": "two-phase", "name": "vit", "rate": 0.02, "tuning": tuning}]}))
    subprocess.run([sys.executable, NETWORKS, "--quick", "--models", "vit,shunted", "--rates-of", tmp_path / "other.json", "-o", tmp_path], check=True,
                   capture_output=True, timeout=400, env=os.environ)
    rows = {row["name"]: row for row in json.loads((tmp_path / "study.json").read_text())["rows"]}
    assert (rows["vit"]["rate"], rows["vit"]["tuning"]) == (0.02, tuning)
    assert (rows["shunted"]["rate"], rows["shunted"]["tuning"]) == (0.004, {})
