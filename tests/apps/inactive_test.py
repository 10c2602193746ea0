"""Inactive cells from files and generated, through solve, generate, train, evaluate, predict and compare; what is refused, by name."""
import json

import h5py
import numpy as np
import pytest

pytestmark = pytest.mark.needs("petsc", "torch", "vtk")

SMALL = "SPECGRID\n3 2 1 1 F /\nPERMX\n{} /\nACTNUM\n1 1 1 0 1 1 /\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from conftest import run

    folder = tmp_path_factory.mktemp("inactive")
    blobs = ("--field", "two-phase", "--inactive", "blobs:0.2", "--resolution", "16x16")
    for arguments in (("generate", *blobs, "--seed", 1, "--samples", 80, "-o", "train.h5"),
                      ("generate", *blobs, "--seed", 2, "--samples", 12, "--also", "32x32", "-o", "test.h5"),
                      ("generate", "--field", "two-phase", "--seed", 1, "--samples", 20, "--resolution", "16x16", "-o", "plain.h5"),
                      ("train", "--data", "train.h5", "-o", "model", "--epochs", 12, "--refine-epochs", 1),
                      ("train", "--data", "plain.h5", "-o", "plain", "--epochs", 1, "--refine-epochs", 0)):
        result = run(*arguments, cwd=folder)
        assert result.status == 0, result.err
    return folder


@pytest.fixture
def mano(folder):
    from conftest import program_in

    return program_in(folder)


def direct_solution(k, active, lx=1.0, ly=1.0):
    """`drive` from its definition: unknowns are the active cells."""
    ny, nx = k.shape
    hx, hy = lx / nx, ly / ny
    number = np.cumsum(active.ravel()) - 1
    a, b = np.zeros((active.sum(),) * 2), np.zeros(active.sum())
    for j in range(ny):
        for i in range(nx):
            if not active[j, i]:
                continue
            row = number[j * nx + i]
            for di, dj in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                across = hy / hx if dj == 0 else hx / hy
                inside = 0 <= i + di < nx and 0 <= j + dj < ny
                if inside and active[j + dj, i + di]:
                    t = 2 / (1 / k[j, i] + 1 / k[j + dj, i + di]) * across
                    a[row, row] += t
                    a[row, number[(j + dj) * nx + i + di]] -= t
                elif not inside and dj == 0:
                    t = 2 * k[j, i] * across
                    a[row, row] += t
                    b[row] += t * (1.0 if di < 0 else 0.0)
    p = np.full(k.shape, np.nan)
    p[active] = np.linalg.solve(a, b)
    return p


@pytest.mark.parametrize("fourth", ["4", "0", "nan"])
def test_actnum_of_a_grdecl_file(mano, folder, fourth):
    (folder / "a.grdecl").write_text(SMALL.format(f"1 2 3 {fourth} 5 6"))
    nan = ["--nan-is-inactive"] if fourth == "nan" else []
    out = mano("solve", "--permeability", "a.grdecl", *nan, "--problem", "drive", "-o", "a.h5", "--json", "a.json").out
    assert "1 of 6 cells are inactive" in out
    active = np.array([[1, 1, 1], [0, 1, 1]], bool)
    expected = direct_solution(np.array([[1.0, 2, 3], [4, 5, 6]]), active)
    with h5py.File(folder / "a.h5") as f:
        np.testing.assert_allclose(f["pressure"][0], expected, rtol=1e-9)
        np.testing.assert_array_equal(f["active"][0], active)
    j = json.loads((folder / "a.json").read_text())
    assert j["inactive_cells"] == 1 and j["mass_balance_error"] < 1e-10


def test_masks_from_arrays(mano, folder):
    rng = np.random.default_rng(1)
    k = np.exp(rng.normal(size=(9, 12)))
    active = rng.random(k.shape) > 0.15
    active[:, 0] = active[:, -1] = True
    with h5py.File(folder / "m.h5", "w") as f:
        f["permeability"], f["mask"] = k, active.astype("u1")
    mano("solve", "--permeability", "m.h5", "--active", "mask", "--drop-islands", "--problem", "drive", "-o", "r.h5")
    with h5py.File(folder / "r.h5") as f:
        kept = f["active"][0].astype(bool)
        assert (kept <= active).all() and kept.sum() > 0.8 * kept.size
        np.testing.assert_allclose(f["pressure"][0], direct_solution(k, kept), rtol=1e-7, atol=1e-12)
    # The result is a dataset whose mask goes on.
    mano("solve", "--permeability", "r.h5", "--problem", "drive", "-o", "again.h5")
    with h5py.File(folder / "r.h5") as a, h5py.File(folder / "again.h5") as b:
        np.testing.assert_array_equal(a["pressure"][0], b["pressure"][0])
    with h5py.File(folder / "other.h5", "w") as f:
        f["active"] = active.astype("u1")
    mano("solve", "--permeability", "m.h5", "--active", "other.h5", "--drop-islands", "--problem", "drive", "-o", "r2.h5")
    with h5py.File(folder / "r.h5") as a, h5py.File(folder / "r2.h5") as b:
        np.testing.assert_array_equal(a["pressure"][0], b["pressure"][0])


def test_generated_datasets_and_their_pressures(mano, folder):
    with h5py.File(folder / "test-32x32.h5") as f:
        active, p, k = f["active"][()].astype(bool), f["pressure"][()], f["permeability"][()]
        assert active.dtype == bool and f["active"].dtype == np.uint8
    assert (np.isnan(p) == ~active).all() and np.isfinite(k).all()
    assert abs((~active).mean() - 0.2) < 0.03
    with h5py.File(folder / "plain.h5") as f:
        assert "active" not in f
    assert "inactive" in mano("info", "test.h5").out


def test_islands_of_a_random_rock_have_no_prediction(mano, folder):
    """Seed 5 cuts ten cells off. As solve and generate do, predict drops them; of a file it says where they are."""
    rock = ("--field", "two-phase", "--seed", 5, "--resolution", "16x16", "--inactive", "blobs:0.35")
    mano("solve", *rock, "-o", "island.h5")
    mano("predict", "--model", "model", *rock, "--correct", 30, "-o", "island-p.h5")
    with h5py.File(folder / "island.h5") as f, h5py.File(folder / "island-p.h5") as g:
        dropped = f["active"][0]
        np.testing.assert_array_equal(g["active"][0], dropped)
        assert np.isfinite(g["pressure"][0][dropped == 1]).all()
    # A ring of inactive cells about one.
    active = np.ones((16, 16), "u1")
    active[4:7, 4:7] = 0
    active[5, 5] = 1
    with h5py.File(folder / "ring.h5", "w") as f:
        f["permeability"], f["active"] = np.full(active.shape, 5.0), active
    arguments = ("predict", "--model", "model", "--permeability", "ring.h5", "--active", "active", "-o", "ring-p.h5")
    err = mano(*arguments, status=2).err
    assert "cell (5, 5)" in err and not (folder / "ring-p.h5").exists()
    mano(*arguments, "--drop-islands")
    with h5py.File(folder / "ring-p.h5") as f:
        assert f["active"][0].sum() == 256 - 9


def test_a_file_of_ours_is_read_back_with_its_hidden_cells(mano, folder):
    arguments = ("--field", "two-phase", "--seed", 3, "--resolution", "16x12", "--inactive", "blobs:0.3", "--problem", "drive")
    mano("solve", *arguments, "-o", "own.vti")
    mano("solve", *arguments, "-o", "own.h5")
    mano("solve", "--permeability", "own.vti", "--problem", "drive", "-o", "back.h5")
    with h5py.File(folder / "own.h5") as f, h5py.File(folder / "back.h5") as g:
        np.testing.assert_array_equal(f["active"][0], g["active"][0])
        np.testing.assert_allclose(f["pressure"][0], g["pressure"][0], rtol=1e-9)


def test_a_source_may_hold_anything_in_inactive_cells(mano, folder):
    k = np.ones((4, 5))
    source = np.full_like(k, 2.0)
    active = np.ones_like(k, "u1")
    active[1, 2], source[1, 2] = 0, np.nan
    with h5py.File(folder / "s.h5", "w") as f:
        f["permeability"], f["active"], f["source"] = k, active, source
    mano("solve", "--permeability", "s.h5", "--active", "active", "--source", "s.h5", "--left", "pressure=0", "-o", "so.h5", "--json", "so.json")
    assert json.loads((folder / "so.json").read_text())["outflow"]["left"] == pytest.approx(2.0 * 19 / 20, rel=1e-9)


def test_files_beside_the_rock_lie_where_it_lies(mano, folder):
    mano("solve", "--field", "two-phase", "--resolution", "8x6", "--problem", "drive", "-o", "here.vti")
    text = (folder / "here.vti").read_text()
    assert 'Origin="0 0 0"' in text
    (folder / "there.vti").write_text(text.replace('Origin="0 0 0"', 'Origin="10 20 0"'))
    err = mano("solve", "--permeability", "here.vti", "--source", "there.vti", "--source-keyword", "pressure", "-o", "x.h5", status=2).err
    assert "source there.vti lies elsewhere" in err and "(10, 20)" in err
    err = mano("solve", "--permeability", "here.vti", "--permeability-y", "there.vti", "-o", "x.h5", status=2).err
    assert "lies elsewhere" in err and not (folder / "x.h5").exists()


def test_a_model_predicts_among_them_at_unseen_resolutions(mano, folder):
    mano("evaluate", "--model", "model", "--data", "test.h5", "--data", "test-32x32.h5", "--json", "e.json")
    rows = json.loads((folder / "e.json").read_text())["results"]
    for row in rows:
        assert row["relative_l2"]["median"] < 0.15 and row["relative_h1"]["median"] < 0.25
    mano("predict", "--model", "model", "--data", "test-32x32.h5", "--correct", 20, "-o", "p.h5")
    with h5py.File(folder / "p.h5") as f, h5py.File(folder / "test-32x32.h5") as g:
        active = g["active"][()].astype(bool)
        np.testing.assert_array_equal(f["active"][()], g["active"][()])
        assert (np.isnan(f["pressure"][()]) == ~active).all()
        np.testing.assert_allclose(f["pressure"][()][active], g["pressure"][()][active], rtol=0, atol=1e-7)
    mano("predict", "--model", "model", "--field", "two-phase", "--resolution", "16x16", "-o", "all-active.h5")


def test_compare(mano, folder):
    mano("compare", "--model", "model", "--data", "test-32x32.h5", "--samples", 1, "-o", "c")
    c = json.loads((folder / "c/compare.json").read_text())
    sample = c["results"][0]["by_sample"][0]
    assert 0 < sample["relative_l2"] < 0.3 and 0.5 < sample["effectivity"] < 2 and list((folder / "c").glob("maps-*.png"))


def test_compare_of_a_model_without_refinement(mano, folder):
    mano("train", "--data", "train.h5", "-o", "alone", "--epochs", 1, "--refinement", "none", "--coarsening", 1)
    mano("compare", "--model", "alone", "--data", "test.h5", "--samples", 1, "-o", "c2")
    assert json.loads((folder / "c2/compare.json").read_text())["results"][0]["by_sample"][0]["relative_l2"] > 0


@pytest.mark.parametrize("arguments, told", [
    (("evaluate", "--model", "plain", "--data", "test.h5"), "trained on rock without"),
    (("predict", "--model", "plain", "--data", "test.h5", "-o", "x.h5"), "trained on rock without"),
    (("compare", "--model", "plain", "--data", "test.h5", "-o", "x"), "trained on rock without"),
    (("generate", "--field", "two-phase", "--inactive", "blobs:0.9", "--samples", "2", "--resolution", "8x8", "-o", "x.h5"), "blobs:F"),
    (("generate", "--field", "two-phase", "--inactive", "0.2", "--samples", "2", "--resolution", "8x8", "-o", "x.h5"), "blobs:F"),
    (("generate", "--field", "two-phase", "--inactive", "blobs:0.2", "--device", "threads", "--samples", "2", "--resolution", "8x8", "-o", "x.h5"),
     "--device threads"),
    (("solve", "--field", "two-phase", "--resolution", "8x8", "--active", "x", "-o", "x.h5"), "--inactive"),
    (("solve", "--permeability", "a.grdecl", "--problem", "drive", "--well", "0.1,0.9,rate=1", "-o", "x.h5"), "well in cell (0, 1), which is inactive"),
    (("merge", "test.h5", "plain.h5", "-o", "x.h5"), "differ in"),
])
def test_refusals(mano, folder, arguments, told):
    (folder / "a.grdecl").write_text(SMALL.format("1 2 3 0 5 6"))
    err = mano(*arguments, status=2).err
    assert told in err and err.count("\n") == 1
    assert not (folder / "x.h5").exists() and not (folder / "x").exists()


def test_an_island_is_named_or_dropped(mano, folder):
    (folder / "i.grdecl").write_text("SPECGRID\n4 3 1 1 F /\nPERMX\n12*1 /\nACTNUM\n1 1 0 1  1 1 1 0  1 1 1 1 /\n")
    arguments = ("solve", "--permeability", "i.grdecl", "--left", "pressure=1", "--top", "pressure=0", "-o", "i.h5")
    err = mano(*arguments, status=2).err
    assert "cell (3, 0)" in err and "--drop-islands" in err
    assert "3 of 12 cells are inactive" in mano(*arguments, "--drop-islands").out


@pytest.mark.parametrize("model", ["fno", "mat"])
def test_rivals_take_masks_too(mano, folder, model):
    mano("train", "--data", "train.h5", "--model", model, "-o", model, "--epochs", 1, "--refinement", "none", "--coarsening", 1)
    mano("evaluate", "--model", model, "--data", "test.h5", "--method", "direct")
