"""Sides, sources, wells and anisotropy by options, against an independent direct solve."""
import json
import os

import h5py
import numpy as np
import pytest

import direct_solve
from conftest import DATA, PARTS

pytestmark = pytest.mark.needs("petsc")
ROCK = os.path.join(DATA, "spe10_model1_permx.grdecl")


def relative(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def solved(mano, tmp_path, *arguments):
    mano("solve", *arguments, "-o", "f.h5", "--json", "f.json")
    with h5py.File(tmp_path / "f.h5") as f:
        assert f.attrs["setup"].startswith("custom-")
        return f["permeability"][0], f["pressure"][0], json.loads((tmp_path / "f.json").read_text())


def test_sides_with_lists_and_a_source(mano, tmp_path):
    k, p, result = solved(mano, tmp_path, "--field", "lognormal", "--seed", 2, "--resolution", "9x6", "--size", "3x1", "--left",
                          "pressure=1,2,3,4,5,6", "--right", "flux=0.5", "--top", "pressure=-1", "--source", "2.5")
    expected = direct_solve.solve_general(k, k, 3, 1, {"left": ("pressure", [1, 2, 3, 4, 5, 6]), "right": ("flux", 0.5),
                                                      "top": ("pressure", -1)}, 2.5)
    assert relative(p, expected) < 1e-8
    assert result["outflow"]["right"] == pytest.approx(0.5) and result["mass_balance_error"] < 1e-10


def test_a_dataset_is_not_replaced_by_a_result(mano, tmp_path):
    rock = ["--field", "two-phase", "--resolution", "8x8"]
    mano("generate", *rock, "--samples", 3, "-o", "d.h5")
    before = (tmp_path / "d.h5").read_bytes()
    err = mano("solve", *rock, "-o", "d.h5", status=2).err
    assert "d.h5 is a dataset of 3 samples" in err and err.count("\n") == 1 and (tmp_path / "d.h5").read_bytes() == before
    mano("solve", *rock, "-o", "f.h5")
    mano("solve", *rock, "--seed", 1, "-o", "f.h5")  # a result is


def test_wells_of_both_kinds(mano, tmp_path):
    k, p, result = solved(mano, tmp_path, "--field", "lognormal", "--deviation", 2, "--seed", 5, "--resolution", "21x14", "--well",
                          "0.1,0.2,rate=1.5,radius=0.001", "--well", "0.9,0.9,bhp=2,radius=0.002", "--well", "0.5,0.5,rate=-0.25")
    expected = direct_solve.solve_general(k, k, 1, 1, {}, None, [(2, 2, 1.5), (10, 7, -0.25)], [(18, 12, 2.0, 0.002)])
    assert relative(p, expected) < 1e-8
    wells = result["wells"]
    assert [w["cell"] for w in wells] == [[2, 2], [18, 12], [10, 7]]
    assert sum(w["rate"] for w in wells) == pytest.approx(0, abs=1.5e-10)  # nothing else lets fluid in or out
    assert result["mass_balance_error"] < 1e-10
    index = direct_solve.peaceman(k[2, 2], k[2, 2], 1 / 21, 1 / 14, 0.001)
    assert wells[0]["pressure"] == pytest.approx(p[2, 2] + 1.5 / index) and wells[1]["pressure"] == 2.0
    assert wells[2]["pressure"] is None


def test_anisotropy_by_ratio_and_from_the_rock(mano, tmp_path):
    k, p, _ = solved(mano, tmp_path, "--field", "two-phase", "--seed", 1, "--resolution", "16x11", "--problem", "drive", "--anisotropy",
                     0.01, "--well", "0.5,0.5,bhp=3,radius=0.0001")
    sides = {"left": ("pressure", 1), "right": ("pressure", 0)}
    assert relative(p, direct_solve.solve_general(k, 0.01 * k, 1, 1, sides, None, [], [(8, 5, 3.0, 0.0001)])) < 1e-8

    rock = ["--permeability", ROCK, "--grid", "100x1x20", "--section", 1, "--size", "2500x50"]
    mano("solve", *rock, "--keyword", "PERMZ", "-o", "z.h5")
    with h5py.File(tmp_path / "z.h5") as f:
        kz = f["permeability"][0]
    k, p, _ = solved(mano, tmp_path, *rock, "--problem", "drive", "--permeability-y", "PERMZ")
    assert relative(p, direct_solve.solve_general(k, kz, 2500, 50, sides)) < 1e-6


def test_a_source_from_a_file(mano, tmp_path):
    f = np.random.default_rng(0).normal(size=(7, 8))
    with h5py.File(tmp_path / "f_source.h5", "w") as file:
        file["source"] = f
    for rock in (["layered"], ["lognormal", "--mean", 1, "--correlation-length", 0.3], ["two-phase", "--phases", "1,2"]):
        k, p, _ = solved(mano, tmp_path, "--field", *rock, "--resolution", "8x7", "--bottom", "pressure=0", "--source", "f_source.h5")
        assert relative(p, direct_solve.solve_general(k, k, 1, 1, {"bottom": ("pressure", 0)}, f)) < 1e-8


def test_options_from_toml_and_for_a_dataset(mano, tmp_path):
    (tmp_path / "c.toml").write_text('field = "lognormal"\nresolution = "8x4"\nsamples = 3\nleft = ["pressure=1", 2, 3, 4]\n'
                                     'right = "pressure=0"\nwell = ["0.5,0.5,rate=1", "0.2,0.2,rate=-0.5"]\n')
    mano("generate", "--config", "c.toml", "-o", "d.h5")
    with h5py.File(tmp_path / "d.h5") as f:
        for s in range(3):
            k = f["permeability"][s]
            expected = direct_solve.solve_general(k, k, 1, 1, {"left": ("pressure", [1, 2, 3, 4]), "right": ("pressure", 0)}, None,
                                                  [(4, 2, 1), (1, 0, -0.5)])
            assert relative(f["pressure"][s], expected) < 1e-8
        assert json.loads(f.attrs["configuration"])["flow"]["wells"] == ["0.5,0.5,rate=1", "0.2,0.2,rate=-0.5"]


def test_upscale(mano, tmp_path):
    mano("upscale", "--field", "layered", "--deviation", 1.5, "--resolution", "6x40", "--json", "u.json")
    result = json.loads((tmp_path / "u.json").read_text())
    # Horizontal layers: in parallel along x, in series along y.
    assert result["kx"]["effective"] == pytest.approx(result["kx"]["arithmetic_mean"], rel=1e-8)
    assert result["ky"]["effective"] == pytest.approx(result["ky"]["harmonic_mean"], rel=1e-8)


def test_merged_parts_are_the_whole(mano, tmp_path):
    command = ["generate", "--field", "two-phase", "--seed", 3, "--resolution", "10x8"]
    mano(*command, "--samples", 9, "-o", "whole.h5")
    mano(*command, "--first", 4, "--samples", 5, "-o", "b.h5")
    mano(*command, "--first", 0, "--samples", 4, "-o", "a.h5")
    mano("merge", "b.h5", "a.h5", "-o", "joined.h5")
    with h5py.File(tmp_path / "whole.h5") as w, h5py.File(tmp_path / "joined.h5") as j:
        for name in ("permeability", "pressure", "seed", "sample", "iterations", "residual", "solver"):
            assert np.array_equal(w[name], j[name]), name
        assert w.attrs["mano"] == j.attrs["mano"]


def test_merged_datasets_are_merged_again(mano, tmp_path):
    def configuration(name):
        with h5py.File(tmp_path / name) as f:
            return json.loads(json.loads(f.attrs["mano"])["configuration"])

    command = ["generate", "--field", "two-phase", "--seed", 3, "--resolution", "10x8"]
    for first in (0, 4, 8):
        mano(*command, "--first", first, "--samples", 4, "-o", f"{first}.h5")
    mano("merge", "0.h5", "8.h5", "-o", "gap.h5")
    mano("merge", "4.h5", "gap.h5", "-o", "gap4.h5")
    assert configuration("gap.h5")["ranges"] == [[0, 4], [8, 4]] and "first" not in configuration("gap.h5")
    assert configuration("gap4.h5")["ranges"] == [[0, 4], [8, 4], [4, 4]] and configuration("gap4.h5")["samples"] == 12
    mano("merge", "4.h5", "0.h5", "-o", "04.h5")
    mano("merge", "8.h5", "04.h5", "-o", "all.h5")
    assert configuration("all.h5") == {**configuration("0.h5"), "samples": 12}


def test_the_tolerance_of_a_dataset_is_the_one_reached(mano, tmp_path):
    command = ["generate", "--field", "two-phase", "--seed", 3, "--resolution", "10x8", "--tolerance", "1e-20", "--samples", 2]
    mano(*command, "-o", "a.h5")
    mano(*command, "--first", 2, "-o", "b.h5")
    mano("merge", "a.h5", "b.h5", "-o", "ab.h5")  # their tolerances differ in the last digits
    for name in ("a.h5", "b.h5", "ab.h5"):
        with h5py.File(tmp_path / name) as f:
            assert json.loads(f.attrs["mano"])["tolerance"] == f["residual"][()].max() > 1e-20


def test_several_ranks_a_sample(mano, tmp_path):
    command = ["generate", "--field", "lognormal", "--samples", 4, "--resolution", "40x30"]
    mano(*command, "-o", "one.h5")
    mano(*command, "--ranks-per-sample", 2, "-o", "two.h5", ranks=4)
    with h5py.File(tmp_path / "one.h5") as a, h5py.File(tmp_path / "two.h5") as b:
        assert np.array_equal(a["permeability"], b["permeability"])
        assert relative(b["pressure"][()], a["pressure"][()]) < 1e-8


@pytest.mark.parametrize("name, resolution", [("r.h5", "8x6"), ("r.vti", "8x6"), ("r.h5", "6x5x4"), ("r.vti", "6x5x4")])
def test_a_result_read_again_has_all_its_permeabilities(mano, tmp_path, name, resolution):
    if name.endswith(".vti") and "vtk" not in PARTS:
        pytest.skip("built without vtk")
    volume = resolution.count("x") == 2
    sides = ["--left", "pressure=1", "--front", "pressure=0", *(["--top", "pressure=2"] if volume else [])]
    mano("solve", "--field", "two-phase", "--resolution", resolution, "--anisotropy", 0.3, *(["--anisotropy-z", 0.1] if volume else []), *sides, "-o", "first.h5")
    mano("solve", "--field", "two-phase", "--resolution", resolution, "--anisotropy", 0.3, *(["--anisotropy-z", 0.1] if volume else []), *sides, "-o", name)
    again = mano("solve", "--permeability", name, *sides, "-o", "again.h5").out
    assert "permeability along y is permeability_y" in again and ("permeability along z is permeability_z" in again) == volume
    alike = mano("solve", "--permeability", name, *sides, "--anisotropy", 1, *(["--anisotropy-z", 1] if volume else []), "-o", "alike.h5").out
    assert "permeability along" not in alike
    with h5py.File(tmp_path / "first.h5") as first, h5py.File(tmp_path / "again.h5") as second, h5py.File(tmp_path / "alike.h5") as other:
        assert relative(second["pressure"][0], first["pressure"][0]) < 1e-9 < 1e-3 < relative(other["pressure"][0], first["pressure"][0])
    said = mano("generate", "--permeability", name, *sides, "-o", "d.h5").out
    assert "note: permeability_y of" in said and ("note: permeability_z of" in said) == volume
