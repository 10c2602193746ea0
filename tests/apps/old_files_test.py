"""Files and options of an earlier program, whose words have changed: all are still understood, and mean what they meant."""
import os
import shutil

import h5py
import numpy as np
import pytest

OLD = os.path.join(os.path.dirname(__file__), "..", "fixtures", "schema_1")


@pytest.fixture
def old(tmp_path):
    """The files of tests/fixtures/schema_1, written by `mano generate`, `mano train` and `mano predict` of then."""
    run = tmp_path / "run"
    shutil.copytree(OLD, run)
    for name in ("dataset.h5", "predicted.h5"):
        (run / name).rename(tmp_path / name)
    return tmp_path


def pressure(path):
    with h5py.File(path) as f:
        return f["pressure"][()]


@pytest.mark.needs("petsc")
def test_a_dataset_loads_and_is_generated_again_the_same(mano, old):
    assert "two-phase" in mano("info", "dataset.h5").out
    mano("generate", "--field", "two-phase", "--seed", 2, "--samples", 2, "--resolution", "32x32", "-o", "again.h5")
    np.testing.assert_allclose(pressure(old / "again.h5"), pressure(old / "dataset.h5"), rtol=0, atol=1e-11)


@pytest.mark.needs("torch")
def test_a_checkpoint_predicts_what_it_predicted(mano, old):
    said = mano("info", "run").out
    assert "2 cycles" in said and "prediction's rms" in said  # the old entries climbs and band
    mano("predict", "--model", "run", "--data", "dataset.h5", "-o", "now.h5")
    before = pressure(old / "predicted.h5")
    assert np.linalg.norm(pressure(old / "now.h5") - before) <= 1e-6 * np.linalg.norm(before)
    with h5py.File(old / "now.h5") as now, h5py.File(old / "predicted.h5") as then:
        np.testing.assert_allclose(now["interval_half_width"][()], then["error_band"][()], rtol=1e-5)


@pytest.mark.needs("petsc", "torch")
def test_a_checkpoint_is_calibrated_in_todays_words(mano, old):
    mano("generate", "--field", "two-phase", "--seed", 3, "--samples", 30, "--resolution", "32x32", "-o", "new.h5")
    mano("calibrate", "--model", "run", "--data", "new.h5")
    mano("predict", "--model", "run", "--data", "dataset.h5", "-o", "now.h5")
    before = pressure(old / "predicted.h5")
    assert np.linalg.norm(pressure(old / "now.h5") - before) <= 1e-6 * np.linalg.norm(before)


@pytest.mark.needs("torch")
def test_a_configuration_trains_and_its_old_keys_are_noted(mano, old):
    result = mano("train", "--config", "run/config.toml", "--data", "dataset.h5", "--held-out", 0.5, "-o", "again")
    for old_name, name in (("climbs", "cycles"), ("sweeps", "correction-steps")):
        assert result.err.count(f"--{old_name} is now --{name}") == 1
    written = (old / "again/config.toml").read_text()
    assert "cycles = 2" in written and "correction-steps = 2" in written and "climbs" not in written
    assert "convolutions = 0" in written and "token-size = 1" in written  # MANO as it was then
    assert "optimizer = 'adamw'" in written and "learning-rate = 0.004" in written and "weight-decay = 0.0001" in written


@pytest.mark.needs("petsc", "torch")
def test_a_configuration_of_fresh_two_phase_rock_once_named_the_lengths_of_lognormal_rock(mano, tmp_path):
    shape = ["--resolution", "16x16", "--samples", 16, "--epochs", 1, "--refinement", "none", "--depth", 1]
    mano("train", "--generate", "two-phase", *shape, "-o", "default")
    mano("train", "--generate", "two-phase", *shape, "--correlation-length", 0.05, "-o", "short")
    config = (tmp_path / "default/config.toml").read_text()
    assert "correlation-length" not in config and "correlation-length = '0.05'" in (tmp_path / "short/config.toml").read_text()
    (tmp_path / "old.toml").write_text(config + "correlation-length = '0.1x0.1'\n")
    for config, run in (("old.toml", "default"), ("short/config.toml", "short")):
        mano("train", "--config", config, "-o", "again", "--overwrite")
        assert (tmp_path / "again/model.safetensors").read_bytes() == (tmp_path / run / "model.safetensors").read_bytes()
    assert (tmp_path / "short/model.safetensors").read_bytes() != (tmp_path / "default/model.safetensors").read_bytes()


@pytest.mark.needs("petsc", "torch")
def test_old_options_mean_what_they_meant(mano, old):
    for name in ("--setup drive", "--setup=drive", "--problem drive"):
        result = mano("solve", "--field", "two-phase", "--resolution", "8x8", *name.split(), "-o", f"{len(name)}.h5")
        assert ("--setup is now --problem" in result.err) == ("setup" in name)
        with h5py.File(old / f"{len(name)}.h5") as f:
            assert f.attrs["setup"] == "drive"  # the dataset's own name for it has stayed
    result = mano("evaluate", "--model", "run", "--data", "dataset.h5", "--method", "ladder")
    assert "--method ladder is now --method multigrid" in result.err
    assert "32x32" in result.out


@pytest.mark.needs("petsc", "torch")
def test_a_model_of_displacements_without_a_guess_of_the_pressure_predicts_what_it_predicted(mano, tmp_path):
    for name in ("displacement.h5", "displacement-predicted.h5", "displacement.safetensors"):
        shutil.copy(os.path.join(OLD, "..", "schema_2", name), tmp_path)
    mano("predict", "--model", "displacement.safetensors", "--data", "displacement.h5", "-o", "now.h5")
    with h5py.File(tmp_path / "now.h5") as now, h5py.File(tmp_path / "displacement-predicted.h5") as then:
        for name in ("saturation", "pressure", "water_cut"):
            assert np.linalg.norm(now[name][()] - then[name][()]) <= 1e-5 * np.linalg.norm(then[name][()])
