"""Programs of others read a dataset as it is, or what scripts/export makes of it; axes are checked on a sample that is neither square
nor symmetric: flow from left to right, so that pressure falls along x."""
import json
import os
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

from conftest import PROGRAM

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
pytestmark = pytest.mark.needs("petsc")


@pytest.fixture
def data(mano, tmp_path):
    mano("generate", "--field", "layered", "--deviation", 2, "--seed", 4, "--samples", 5, "--resolution", "20x12", "--size", "2x1",
         "--problem", "drive", "-o", "d.h5")
    return tmp_path / "d.h5"


def check(k, p):
    """k [N, ny, nx] in horizontal layers, p falling from left to right."""
    assert k.shape == p.shape == (5, 12, 20)
    assert np.all(k == k[:, :, :1]) and np.ptp(k[0, :, 0]) > 0
    assert np.all(np.diff(p, axis=2) < 0)


def test_orientation_in_h5py(data):
    with h5py.File(data) as f:
        check(f["permeability"][()], f["pressure"][()])
        assert np.allclose(f["x-coordinate"], (np.arange(20) + 0.5) / 10) and np.allclose(f["y-coordinate"], (np.arange(12) + 0.5) / 12)
        assert f.attrs["setup"] == "drive"  # text, not bytes


def test_names_that_pdebench_and_neural_solver_library_read(data):
    with h5py.File(data) as f:
        nu = np.array(f["nu"], dtype=np.float32)
        tensor = np.array(f["tensor"], dtype=np.float32)
        assert nu.shape == (5, 12, 20) and tensor.shape == (5, 1, 12, 20)
        check(nu, tensor[:, 0])
        assert np.array(f["x-coordinate"]).shape == (20,)


def test_names_of_the_fno_benchmark(data):
    with h5py.File(data) as f:
        check(f["coeff"][()], f["sol"][()])


def test_neuraloperators_hdf5_loader(data):
    # Its H5pyDataset reads f["x"][index, ::step, ::step] and f["y"] likewise, and counts f["x"].shape[0] samples.
    with h5py.File(data) as f:
        assert f["x"].shape[0] == 5
        k = np.stack([f["x"][s, ::1, ::1] for s in range(5)])
        p = np.stack([f["y"][s, ::1, ::1] for s in range(5)])
        check(k, p)


def test_xarray(data):
    xarray = pytest.importorskip("xarray")
    with xarray.open_dataset(data, engine="h5netcdf", phony_dims="sort") as d:
        check(d["permeability"].values, d["pressure"].values)
        assert d.attrs["setup"] == "drive"


def export(source, target):
    subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "export.py"), str(source), str(target)], check=True)


def test_export_to_npz_and_mat(data, tmp_path):
    import scipy.io

    export(data, tmp_path / "d.npz")
    with np.load(tmp_path / "d.npz") as f, h5py.File(data) as h:
        check(f["permeability"], f["pressure"])
        assert np.array_equal(f["pressure"], h["pressure"])
    export(data, tmp_path / "d.mat")
    f = scipy.io.loadmat(tmp_path / "d.mat")
    check(f["coeff"], f["sol"])


def test_export_keeps_active_cells_and_units(mano, tmp_path):
    import scipy.io

    mano("generate", "--field", "two-phase", "--samples", 3, "--resolution", "12x10", "--inactive", "blobs:0.3", "--units", "field", "-o", "i.h5")
    for name in ("i.npz", "i.mat", "i.pt"):
        export(tmp_path / "i.h5", tmp_path / name)
    with h5py.File(tmp_path / "i.h5") as h:
        active = h["active"][()]
    assert 0 < active.sum() < active.size
    with np.load(tmp_path / "i.npz") as f:
        assert np.array_equal(f["active"], active) and json.loads(str(f["units"]))["pressure"] == "psi"
    f = scipy.io.loadmat(tmp_path / "i.mat")
    assert np.array_equal(f["active"], active) and json.loads(f["units"].item())["system"] == "field"
    with zipfile.ZipFile(tmp_path / "i.pt") as z:
        assert np.array_equal(np.frombuffer(z.read("archive/data/2"), "<f4").reshape(active.shape), active)


def test_export_keeps_wells_of_each_samples_own(mano, tmp_path):
    import scipy.io

    mano("generate", "--field", "two-phase", "--samples", 3, "--resolution", "12x10", "--random-wells", "injectors=1,producers=1:2", "-o", "w.h5")
    for name in ("w.npz", "w.mat"):
        export(tmp_path / "w.h5", tmp_path / name)
    with h5py.File(tmp_path / "w.h5") as h, np.load(tmp_path / "w.npz") as f:
        assert np.array_equal(f["wells"], h["wells"][()], equal_nan=True) and f["wells"].shape == (3, 3, 5)
        assert np.array_equal(scipy.io.loadmat(tmp_path / "w.mat")["wells"], f["wells"], equal_nan=True)


@pytest.mark.needs("torch")
def test_export_to_pt_is_read_by_pytorch(data, tmp_path):
    export(data, tmp_path / "d.pt")
    reader = os.path.join(os.path.dirname(PROGRAM), "tests", "read_pt")
    out = subprocess.run([reader, str(tmp_path / "d.pt")], check=True, capture_output=True, text=True).stdout.split("\n")
    with h5py.File(data) as f:
        for line, name in zip(out, ("permeability", "pressure")):
            shape, total, corner = line.split()
            assert shape == "5x12x20"
            assert float(total) == pytest.approx(f[name][()].sum(), rel=1e-5)
            assert float(corner) == pytest.approx(f[name][1, 11, 0], rel=1e-6)  # north-west


def test_export_refuses_what_is_no_dataset(tmp_path):
    (tmp_path / "x.h5").write_bytes(b"no")
    result = subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "export.py"), str(tmp_path / "y.h5"), "z.npz"],
                            capture_output=True, text=True, check=False)
    assert result.returncode == 1 and result.stderr.count("\n") == 1 and "y.h5" in result.stderr
