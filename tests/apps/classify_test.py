"""mano train --task classify and mano classify: kinds of rock told apart, and what is refused."""
import json

import pytest

pytestmark = pytest.mark.needs("petsc", "torch")
KINDS = {"two-phase": [], "lognormal": [], "channels": []}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from conftest import run

    folder = tmp_path_factory.mktemp("classify")
    for kind, options in KINDS.items():
        for name, seed, samples in (("train", 1, 80), ("test", 2, 20)):
            result = run("generate", "--field", kind, *options, "--seed", seed, "--samples", samples, "--resolution", "16x16", "-o",
                         f"{name}-{kind}.h5", cwd=folder)
            assert result.status == 0, result.err
    data = [a for kind in KINDS for a in ("--data", f"train-{kind}.h5")]
    for model in ("mano", "fno"):
        result = run("train", "--task", "classify", "--model", model, *data, "--epochs", 16, "-o", model, "--json", f"{model}.json", cwd=folder)
        assert result.status == 0, result.err
        assert "% of the kinds right" in result.out and "cross-entropy" in result.out
    return folder


@pytest.fixture
def mano_in(folder):
    from conftest import program_in

    return program_in(folder)


@pytest.mark.parametrize("model", ["mano", "fno"])
def test_new_fields_are_told_apart(mano_in, folder, model):
    trained = json.loads((folder / f"{model}.json").read_text())
    assert trained["best"]["accuracy"] > 0.8 and trained["refinement_parameters"] == 0
    data = [a for kind in KINDS for a in ("--data", f"test-{kind}.h5")]
    out = mano_in("classify", "--model", model, *data, "--picture", "c.png", "--json", "c.json").out
    c = json.loads((folder / "c.json").read_text())
    assert c["classes"] == list(KINDS) and c["accuracy"] > 0.8
    assert [sum(row) for row in c["confusion"]] == [20, 20, 20]
    assert c["accuracy"] == pytest.approx(sum(c["confusion"][i][i] for i in range(3)) / 60)
    for row, kind in zip(c["results"], KINDS):
        assert row["kind"] == kind and sum(row["taken_for"].values()) == row["fields"] == 20 and 1 / 3 < row["mean_probability"] <= 1
    assert f"{100 * c['accuracy']:.1f} % of 60 fields" in out
    assert (folder / "c.png").stat().st_size > 1000 and (folder / f"{model}/curve.png").exists()


def test_another_resolution_and_a_kind_that_no_class_stands_for(mano_in, folder):
    out = mano_in("classify", "--model", "mano", "--field", "layered", "--resolution", "24x20", "--samples", 3, "--json", "c.json").out
    c = json.loads((folder / "c.json").read_text())
    assert "accuracy" not in c and c["results"][0]["kind"] == "layered" and "3 fields of kind layered" in out
    assert "two-phase, lognormal, channels" in mano_in("info", "mano").out


def test_a_resumed_classifier_is_the_same(mano_in, folder):
    data = [a for kind in KINDS for a in ("--data", f"train-{kind}.h5")]
    mano_in("train", "--task", "classify", *data, "--epochs", 16, "-o", "mano", "--resume")
    mano_in("train", "--config", "mano/config.toml", "-o", "again")
    assert (folder / "again/model.safetensors").read_bytes() == (folder / "mano/model.safetensors").read_bytes()


@pytest.mark.parametrize("command, words", [
    ("predict --model mano --data test-channels.h5 -o p.h5", "mano classify"),
    ("evaluate --model mano --data test-channels.h5", "mano classify"),
    ("train --task classify --data train-channels.h5 -o x", "at least two kinds"),
    ("train --task classify --generate two-phase --resolution 16x16 --samples 20 -o x", "--generate"),
    ("train --task classify --data train-channels.h5 --data train-lognormal.h5 --coarsening 2 -o x", "--coarsening"),
    ("train --task regress --data train-channels.h5 -o x", "pressure or classify"),
    ("classify --model mano", "--field"),
    ("classify --model mano --field layered --resolution 16x16 --picture c2.png", "no field is of a kind"),
])
def test_what_is_refused(mano_in, folder, command, words):
    result = mano_in(*command.split(), status=2)
    assert words in result.err and result.err.count("\n") == 1
    assert not any((folder / name).exists() for name in ("x", "p.h5", "c2.png"))


def test_a_model_of_pressures_is_no_classifier(mano_in):
    mano_in("train", "--data", "train-two-phase.h5", "-o", "pressures", "--epochs", 1, "--refine-epochs", 1, "--depth", 1)
    assert "--task classify" in mano_in("classify", "--model", "pressures", "--data", "test-channels.h5", status=2).err
