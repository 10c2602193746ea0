"""The reference training on real data: neuraloperator's 16x16 set, defaults of --preset small. Two minutes on two cores."""
import json
import os

import pytest

from conftest import DATA


@pytest.mark.needs("torch")
def test_small_preset_reaches_a_relative_l2_of_one_tenth(mano, tmp_path):
    for part in ("train", "test"):
        mano("import", os.path.join(DATA, f"neuraloperator_darcy_16_{part}.h5"), "--phases", "3,12", "--location", "node", "-o",
             f"{part}.h5")
    mano("train", "--data", "train.h5", "-o", "run", "--preset", "small", "--json", "train.json", timeout=1100)
    assert json.loads((tmp_path / "train.json").read_text())["parameters"] <= 80000
    mano("evaluate", "--model", "run", "--data", "test.h5", "--json", "test.json")
    assert json.loads((tmp_path / "test.json").read_text())["results"][0]["relative_l2"]["mean"] <= 0.10
