"""Files of other programs: read as they are meant, or refused in one line that says what to do. docs/readers.md tells where the cases come
from. The values are checked on fields that are neither square nor symmetric."""
import base64
import os
import struct
import zlib

import h5py
import numpy as np
import pytest

pytestmark = pytest.mark.needs("petsc")
NX, NY, N = 6, 4, 3
K = np.random.default_rng(1).uniform(1, 2, (N, NY, NX))
P = np.random.default_rng(2).uniform(0, 1, (N, NY, NX))


def written(path, name="permeability"):
    with h5py.File(path) as f:
        return f[name][()]


def refused(mano, *command, words, output="o.h5", folder=None):
    result = mano(*command, "-o", output, status=2)
    assert result.err.count("\n") == 1 and result.err.startswith("mano"), result.err
    for word in [words] if isinstance(words, str) else words:
        assert word in result.err, result.err
    assert not os.path.exists(os.path.join(folder, output)) if folder else True
    return result.err


def matlab(f, name, a, kind="double"):
    """As MATLAB writes an array that it shows as `a`."""
    d = f.create_dataset(name, data=a.transpose())
    d.attrs["MATLAB_class"] = np.bytes_(kind)


# GRDECL

def test_included_files_are_part_of_the_configuration(mano, tmp_path):
    (tmp_path / "props").mkdir()
    (tmp_path / "deck.grdecl").write_text("SPECGRID\n 3 2 1 1 F /\nINCLUDE\n 'props/perm.inc' /\n")
    seen = set()
    for values in ("1 2 3 4 5 6", "1 2 3 4 5 7"):
        (tmp_path / "props" / "perm.inc").write_text(f"PERMX\n {values} /\nACTNUM\n 1 1 1 1 1 1 /\n")
        mano("solve", "--permeability", "deck.grdecl", "-o", "o.h5")
        assert written(tmp_path / "o.h5").ravel().tolist() == [float(v) for v in values.split()]
        with h5py.File(tmp_path / "o.h5") as f:
            seen.add(f.attrs["configuration"])
    assert len(seen) == 2


def test_include_out_of_the_folder_needs_its_option(mano, tmp_path):
    (tmp_path / "perm.inc").write_text("PERMX\n 6*2 /\n")
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "deck.grdecl").write_text("SPECGRID\n 3 2 1 1 F /\nINCLUDE\n '../perm.inc' /\n")
    refused(mano, "solve", "--permeability", "case/deck.grdecl", words=["deck.grdecl, line 4", "../perm.inc", "--include-anywhere"])
    mano("solve", "--permeability", "case/deck.grdecl", "--include-anywhere", "-o", "o.h5")
    assert np.all(written(tmp_path / "o.h5") == 2)


def test_permeability_y_and_actnum_come_from_included_files_too(mano, tmp_path):
    (tmp_path / "deck.grdecl").write_text("SPECGRID\n 3 2 1 1 F /\nINCLUDE\n a.inc /\nINCLUDE\n b.inc /\n")
    (tmp_path / "a.inc").write_text("PERMX\n 1 2 3 4 5 6 /\n")
    (tmp_path / "b.inc").write_text("PERMY\n 6*9 /\nACTNUM\n 0 5*1 /\n")
    mano("solve", "--permeability", "deck.grdecl", "--permeability-y", "PERMY", "-o", "o.h5")
    assert np.all(written(tmp_path / "o.h5", "permeability_y") == 9)
    assert written(tmp_path / "o.h5", "active").ravel().tolist() == [0, 1, 1, 1, 1, 1]


def test_a_file_name_in_place_of_numbers(mano, tmp_path):
    (tmp_path / "deck.grdecl").write_text("SPECGRID\n 3 2 1 1 F /\nPERMX\nPERMX.dat /\n")
    refused(mano, "solve", "--permeability", "deck.grdecl", words=["line 4", "PERMX.dat", "INCLUDE"])


# Axes

@pytest.mark.parametrize("axes, moved", [
    ("", lambda a: a),
    ("x,y,n", lambda a: a.transpose(2, 1, 0)),
    ("n,x,y", lambda a: a.transpose(0, 2, 1)),
    ("y,n,x", lambda a: a.transpose(1, 0, 2)),
    ("", lambda a: a[:, None]),
    ("", lambda a: a[..., None]),  # channels last
    ("n,x,c,y", lambda a: a.transpose(0, 2, 1)[:, :, None]),
])
def test_axes(mano, tmp_path, axes, moved):
    with h5py.File(tmp_path / "in.h5", "w") as f:
        f["coeff"], f["sol"] = moved(K), moved(P)
    option = ["--axes", axes] if axes else []
    out = mano("import", "in.h5", *option, "-o", "d.h5").out
    assert np.array_equal(written(tmp_path / "d.h5"), K) and np.array_equal(written(tmp_path / "d.h5", "pressure"), P)
    assert str(list(moved(K).shape)) in out and f"values {K.min():.6g} to {K.max():.6g}" in out and f"axes {axes}" in out
    mano("solve", "--permeability", "in.h5", *option, "--sample", 2, "-o", "o.h5")
    assert np.array_equal(written(tmp_path / "o.h5")[0], K[2])


def test_matlab(mano, tmp_path):
    square = np.random.default_rng(3).uniform(1, 2, (5, NX, NX))
    with h5py.File(tmp_path / "square.h5", "w", userblock_size=512) as f:
        matlab(f, "coeff", square)  # [N, s, s] in MATLAB, as in the FNO benchmark: A(n, row, column)
        matlab(f, "sol", square)
        assert f["coeff"].shape == (NX, NX, 5)
    out = mano("import", "square.h5", "-o", "a.h5").out
    assert np.array_equal(written(tmp_path / "a.h5"), square) and "axes x,y,n" in out
    with h5py.File(tmp_path / "last.h5", "w") as f:
        matlab(f, "coeff", square.transpose(1, 2, 0))  # [s, s, N] in MATLAB: A(row, column, n)
        matlab(f, "sol", square.transpose(1, 2, 0))
    out = mano("import", "last.h5", "-o", "b.h5").out
    assert np.array_equal(written(tmp_path / "b.h5"), square) and "axes n,x,y" in out
    with h5py.File(tmp_path / "wide.h5", "w") as f:
        matlab(f, "coeff", K.transpose(1, 2, 0))  # ny x nx x N
        matlab(f, "one", K[0])
        matlab(f, "text", np.zeros((2, 2), np.uint16), "char")
        matlab(f, "none", np.array([0, 4, 4], np.uint64))
        f["none"].attrs["MATLAB_empty"] = 1
    refused(mano, "solve", "--permeability", "wide.h5", words=["[3, 6, 4]", "MATLAB", "--axes n,x,y", "--axes x,y,n"])
    mano("solve", "--permeability", "wide.h5", "--axes", "n,x,y", "--sample", 1, "-o", "o.h5")
    assert np.array_equal(written(tmp_path / "o.h5")[0], K[1])
    mano("solve", "--permeability", "wide.h5", "--keyword", "one", "-o", "o.h5")
    assert np.array_equal(written(tmp_path / "o.h5")[0], K[0])
    refused(mano, "solve", "--permeability", "wide.h5", "--keyword", "text", words="text of MATLAB")
    refused(mano, "solve", "--permeability", "wide.h5", "--keyword", "none", words="empty array of MATLAB")


def test_a_time_axis_needs_a_step(mano, tmp_path):
    series = np.stack([P, P + 1, P + 2], axis=1)
    with h5py.File(tmp_path / "in.h5", "w") as f:
        f["coeff"], f["sol"], f["last"] = K, series[:, :2], np.moveaxis(series[:, :2], 1, 3)
    refused(mano, "import", "in.h5", words=["[3, 2, 4, 6]", "--time-step"])
    refused(mano, "import", "in.h5", "--time-step", 2, words="0 to 1")
    out = mano("import", "in.h5", "--time-step", 1, "-o", "d.h5").out
    assert np.array_equal(written(tmp_path / "d.h5", "pressure"), P + 1) and "n,t,y,x, time step 1" in out
    mano("import", "in.h5", "--time-step", 1, "--axes", "n,y,x,t", "--solution", "last", "-o", "e.h5")
    assert np.array_equal(written(tmp_path / "e.h5", "pressure"), P + 1)
    refused(mano, "import", "in.h5", "--time-step", 0, "--solution", "coeff", words="no time axis")
    refused(mano, "solve", "--permeability", "in.h5", "--time-step", 0, words="no time axis")
    with h5py.File(tmp_path / "square.h5", "w") as f:
        f["coeff"] = np.ones((2, 5, 5, 3))
    refused(mano, "solve", "--permeability", "square.h5", "--time-step", 0, words="n,y,x,t")


def test_axes_that_do_not_fit(mano, tmp_path):
    with h5py.File(tmp_path / "in.h5", "w") as f:
        f["coeff"], f["thin"], f["five"] = K, np.ones((5, 5, 1)), np.ones((1, 1, 1, 2, 2))
    for axes, words in (("x,y", "names 2"), ("x,y,w", "'x,y,w'"), ("n,x,x", "n,x,x"), ("nyx", "'nyx'"), ("c,y,x", "channel")):
        refused(mano, "solve", "--permeability", "in.h5", "--axes", axes, words=words)
    refused(mano, "solve", "--permeability", "in.h5", "--keyword", "thin", words=["[5, 5, 1]", "--axes"])
    refused(mano, "solve", "--permeability", "in.h5", "--keyword", "five", words=["[1, 1, 1, 2, 2]", "--axes"])
    mano("solve", "--permeability", "in.h5", "--keyword", "five", "--axes", "n,c,t,y,x", "--time-step", 0, "-o", "o.h5")
    mano("solve", "--field", "two-phase", "--resolution", "4x4", "-o", "ours.h5")
    refused(mano, "solve", "--permeability", "ours.h5", "--axes", "x,y,n", words="mano dataset")
    refused(mano, "solve", "--permeability", "deck.grdecl", "--axes", "x,y,n", words="deck.grdecl")


# HDF5: how it is stored

def test_a_filter_that_is_not_there_is_named(mano, tmp_path):
    with h5py.File(tmp_path / "in.h5", "w") as f:
        f.create_dataset("coeff", data=np.ones((N, NY, NX)), compression="lzf")
        f.create_dataset("stored", data=K, compression="lzf")  # h5py leaves the filter out where it gains nothing
        f["sol"] = P
        for name, number in (("zstd", 32015), ("blosc", 32001), ("odd", 32999)):
            properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            properties.set_chunk(K.shape)
            properties.set_filter(number, h5py.h5z.FLAG_OPTIONAL, ())
            h5py.h5d.create(f.id, name.encode(), h5py.h5t.NATIVE_DOUBLE, h5py.h5s.create_simple(K.shape), properties)
    for name, words in (("coeff", "lzf (HDF5 filter 32000)"), ("zstd", "zstd (HDF5 filter 32015)"), ("blosc", "blosc (HDF5 filter 32001)"),
                        ("odd", "filter 32999")):
        refused(mano, "import", "in.h5", "--coefficient", name, words=[words, "gzip", "HDF5_PLUGIN_PATH"])
        refused(mano, "solve", "--permeability", "in.h5", "--keyword", name, words=words)
    mano("import", "in.h5", "--coefficient", "stored", "-o", "d.h5")
    assert np.array_equal(written(tmp_path / "d.h5"), K)


def test_ways_of_storing_numbers(mano, tmp_path):
    values = np.round(K * 8) / 8  # exact in half precision
    with h5py.File(tmp_path / "in.h5", "w") as f:
        f["big"] = values.astype(">f8")
        f["half"] = values.astype("f2")
        f["whole"] = np.ceil(values).astype(">i4")
        f["rock/gzip"] = h5py.SoftLink("/chunked")
        f.create_dataset("chunked", data=values, chunks=(2, 3, 4), compression="gzip", shuffle=True, fletcher32=True)
        f.create_dataset("filled", data=np.where(values > 1.9, 9.96921e36, values)).attrs["_FillValue"] = np.array([9.96921e36])
        f.create_dataset("packed", data=values).attrs["scale_factor"] = 2.0
        f.create_dataset("records", data=values + 1j)
        f.create_dataset("sparse", (N, NY, NX), chunks=(1, NY, NX))[0] = 1.0
        f.create_dataset("unwritten", (N, NY, NX))
        f["dangling"] = h5py.SoftLink("/nowhere")
        f["elsewhere"] = h5py.ExternalLink("absent.h5", "/coeff")
        f["scalar"], f["empty"] = 1.0, np.ones((0, 4, 4))
        f["names"] = np.array([[b"a", b"b"]])
        f.create_dataset("cells", data=np.full((2, 2), f["big"].ref), dtype=h5py.ref_dtype)
        layout = h5py.VirtualLayout((N, NY, NX), float)
        layout[:] = h5py.VirtualSource("missing.h5", "k", shape=(N, NY, NX))
        f.create_virtual_dataset("view", layout)
    for name in ("big", "half", "rock/gzip"):
        mano("solve", "--permeability", "in.h5", "--keyword", name, "--sample", 1, "-o", "o.h5")
        assert np.array_equal(written(tmp_path / "o.h5")[0], values[1]), name
    mano("solve", "--permeability", "in.h5", "--keyword", "whole", "--sample", 1, "-o", "o.h5")
    assert np.array_equal(written(tmp_path / "o.h5")[0], np.ceil(values[1]))
    sample = int(np.argmax((values > 1.9).sum(axis=(1, 2))))
    refused(mano, "solve", "--permeability", "in.h5", "--keyword", "filled", "--sample", sample, words="permeability is nan")
    mano("solve", "--permeability", "in.h5", "--keyword", "filled", "--sample", sample, "--nan-is-inactive", "--drop-islands", "-o", "o.h5")
    for name, words in (("packed", "scale_factor"), ("records", "complex"), ("sparse", "2 of 3 chunks"), ("unwritten", "never written"),
                        ("dangling", "leads nowhere"), ("elsewhere", "leads nowhere"), ("scalar", "shape []"), ("empty", "[0, 4, 4]"),
                        ("names", "text"), ("cells", "references"), ("view", "missing.h5"), ("rock", "group")):
        refused(mano, "solve", "--permeability", "in.h5", "--keyword", name, words=words)


# Indicators, inactive cells

def test_indicators(mano, tmp_path):
    indicator = K > 1.5
    with h5py.File(tmp_path / "in.h5", "w") as f:
        f["coeff"], f["numbers"], f["sol"] = indicator, indicator.astype("u1"), P
    for name in ("coeff", "numbers"):
        refused(mano, "import", "in.h5", "--coefficient", name, words=["permeability is 0 in cell", "--phases LOW,HIGH"])
        refused(mano, "solve", "--permeability", "in.h5", "--keyword", name, words=["permeability is 0 in cell", "--phases LOW,HIGH"])
        mano("import", "in.h5", "--coefficient", name, "--phases", "3,12", "-o", f"{name}.h5")
        assert np.array_equal(written(tmp_path / f"{name}.h5"), np.where(indicator, 12.0, 3.0))
    mano("solve", "--permeability", "in.h5", "--phases", "3,12", "-o", "o.h5")
    assert np.array_equal(written(tmp_path / "o.h5")[0], np.where(indicator[0], 12.0, 3.0))


def test_import_of_inactive_cells(mano, tmp_path):
    active = np.ones((N, NY, NX), "u1")
    active[0, 1, 2] = active[2, 0, 0] = 0
    with h5py.File(tmp_path / "in.h5", "w") as f:
        f["coeff"] = np.where(active, K, np.nan)
        f["sol"] = np.where(active, P, np.nan)
        f["whole"], f["mask"], f["one"], f["bad"] = K, active, active[0], active * 2
    refused(mano, "import", "in.h5", words="nan")
    out = mano("import", "in.h5", "--nan-is-inactive", "-o", "a.h5").out
    assert np.array_equal(written(tmp_path / "a.h5", "active"), active) and "2 of 72 cells are inactive" in out
    assert np.array_equal(written(tmp_path / "a.h5", "pressure"), np.where(active, P, np.nan), equal_nan=True)
    mano("import", "in.h5", "--coefficient", "whole", "--active", "mask", "-o", "b.h5")
    assert np.array_equal(written(tmp_path / "b.h5", "active"), active)
    refused(mano, "import", "in.h5", "--coefficient", "whole", "--active", "one", words=["'sol', sample 2", "nan"])
    with h5py.File(tmp_path / "in.h5", "a") as f:
        f["u"] = P
    mano("import", "in.h5", "--coefficient", "whole", "--active", "one", "--solution", "u", "-o", "c.h5")
    assert np.array_equal(written(tmp_path / "c.h5", "active"), np.repeat(active[:1], N, axis=0))
    refused(mano, "import", "in.h5", "--coefficient", "whole", "--active", "bad", words="value 2")
    mano("import", "in.h5", "--coefficient", "whole", "--solution", "u", "--nan-is-inactive", "-o", "d.h5")
    with h5py.File(tmp_path / "d.h5") as f:
        assert "active" not in f
    mano("info", "a.h5")


# VTK image data

def vti(path, values, where="CellData", origin=(0, 0, 0), spacing=(1, 1, 1), direction="", start=(0, 0), body=None, head="", piece=None,
        extra=""):
    """values [ny, nx] in ASCII, or `body` in place of the array."""
    ny, nx = values.shape
    more = 1 if where == "CellData" else 0
    extent = f"{start[0]} {start[0] + nx - 1 + more} {start[1]} {start[1] + ny - 1 + more} 0 0"
    numbers = " ".join(repr(float(v)) for v in values.ravel())
    body = body or f'<DataArray type="Float64" Name="permeability" format="ascii">{numbers}</DataArray>'
    text = " ".join(map(str, origin))
    path.write_text(f'<VTKFile type="ImageData" version="1.0" {head or "byte_order=" + chr(34) + "LittleEndian" + chr(34)}>'
                    f'<ImageData WholeExtent="{extent}" Origin="{text}" Spacing="{" ".join(map(str, spacing))}" {direction}>'
                    f'<Piece Extent="{piece or extent}"><{where}>{body}</{where}></Piece></ImageData>{extra}</VTKFile>')


def origin_of(path):
    with h5py.File(path) as f:
        return f["x-coordinate"][0], f["y-coordinate"][0]


@pytest.mark.needs("vtk")
def test_origin_is_kept(mano, tmp_path):
    vti(tmp_path / "in.vti", K[0], origin=(10, 20, 0), spacing=(0.5, 0.25, 1))
    mano("solve", "--permeability", "in.vti", "-o", "o.h5")
    with h5py.File(tmp_path / "o.h5") as f:
        assert np.allclose(f["x-coordinate"], 10 + 0.5 * (np.arange(NX) + 0.5)) and f.attrs["origin_y"] == 20
    mano("solve", "--permeability", "in.vti", "-o", "o.vti")
    assert 'Origin="10 20 0"' in (tmp_path / "o.vti").read_text(errors="replace")
    for again in ("o.h5", "o.vti"):  # and goes on
        mano("solve", "--permeability", again, "-o", "p.h5")
        assert origin_of(tmp_path / "p.h5") == (10.25, 20.125) and np.array_equal(written(tmp_path / "p.h5")[0], K[0])
    mano("generate", "--field", "file", "--permeability", "in.vti", "-o", "g.h5")
    assert origin_of(tmp_path / "g.h5") == (10.25, 20.125)
    out = mano("solve", "--permeability", "in.vti", "--well", "11.2,20.6,rate=1", "--left", "pressure=0", "-o", "w.h5").out
    assert "in cell (2, 2)" in out
    refused(mano, "solve", "--permeability", "in.vti", "--well", "1.2,0.6,rate=1", "--left", "pressure=0",
            words=["(1.2, 0.6)", "x from 10 to 13", "y from 20 to 21"])
    assert "corner at (10, 20)" in mano("info", "o.h5").out
    vti(tmp_path / "zero.vti", K[0])
    mano("solve", "--permeability", "zero.vti", "-o", "z.h5")
    with h5py.File(tmp_path / "z.h5") as f:
        assert "origin_x" not in f.attrs and "origin" not in f.attrs["mano"].decode()


@pytest.mark.needs("vtk")
@pytest.mark.parametrize("matrix, stored, corner", [
    ("-1 0 0 0 1 0 0 0 1", lambda a: a[:, ::-1], (-3, 0)),
    ("1 0 0 0 -1 0 0 0 1", lambda a: a[::-1], (0, -1)),
    ("-1 0 0 0 -1 0 0 0 1", lambda a: a[::-1, ::-1], (-3, -1)),
    ("1 0 0 0 -1 0 0 0 -1", lambda a: a[::-1], (0, -1)),  # turned about x
    ("0 1 0 1 0 0 0 0 1", lambda a: a.T, (0, 0)),
    ("0 -1 0 1 0 0 0 0 1", lambda a: a[:, ::-1].T, (-3, 0)),  # by 90 degrees: the first axis points north
    ("0 1 0 -1 0 0 0 0 1", lambda a: a[::-1].T, (0, -1)),
])
def test_directions(mano, tmp_path, matrix, stored, corner):
    spacing = (0.25, 0.5, 1) if matrix.startswith("0") else (0.5, 0.25, 1)
    vti(tmp_path / "in.vti", stored(K[0]), spacing=spacing, direction=f'Direction="{matrix}"')
    mano("solve", "--permeability", "in.vti", "-o", "o.h5")
    assert np.array_equal(written(tmp_path / "o.h5")[0], K[0])
    x, y = origin_of(tmp_path / "o.h5")
    assert (x - 0.25, y - 0.125) == pytest.approx(corner)


@pytest.mark.needs("vtk")
def test_images_that_are_refused(mano, tmp_path):
    vti(tmp_path / "turned.vti", K[0], direction='Direction="0.8 -0.6 0 0.6 0.8 0 0 0 1"')
    refused(mano, "solve", "--permeability", "turned.vti", words=["turned.vti", "0.8 -0.6", "90 degrees"])
    vti(tmp_path / "spaced.vti", K[0], spacing=(0, 1, 1))
    refused(mano, "solve", "--permeability", "spaced.vti", words="size 0")
    vti(tmp_path / "hole.vti", K[0], piece="0 3 0 4 0 0", body='<DataArray type="Float64" Name="permeability" format="ascii">'
        + "1 " * 12 + "</DataArray>")
    refused(mano, "solve", "--permeability", "hole.vti", words="hole.vti")
    vti(tmp_path / "short.vti", K[0], body='<DataArray type="Float64" Name="permeability" format="ascii">1 2 3</DataArray>')
    whole = (tmp_path / "spaced.vti").read_bytes()
    damaged = {"cut": whole[:300], "tags": whole.replace(b"</CellData>", b""), "text": b"<VTKFile", "none": b"",
               "numbers": whole.replace(b'format="ascii">1', b'format="ascii">x')}
    for name, content in damaged.items():
        (tmp_path / f"{name}.vti").write_bytes(content)
    raw = '<DataArray type="Float64" Name="permeability" format="appended" offset="0"/>'
    vti(tmp_path / "raw.vti", K[0], head='byte_order="LittleEndian" header_type="UInt32"', body=raw,
        extra='<AppendedData encoding="raw">_@</AppendedData>')
    whole = (tmp_path / "raw.vti").read_bytes().replace(b"@", encoded(K[0], "f8", raw=True))
    (tmp_path / "raw.vti").write_bytes(whole)
    mano("solve", "--permeability", "raw.vti", "-o", "good.h5")
    assert np.array_equal(written(tmp_path / "good.h5")[0], K[0])
    (tmp_path / "lost.vti").write_bytes(whole[:-40])  # VTK takes what is missing as the memory happened to be
    damaged_base64 = encoded(K[0], "f8")
    for name, text in (("star", damaged_base64.replace(damaged_base64[100], "*")), ("less", damaged_base64[:100] + damaged_base64[108:])):
        vti(tmp_path / f"{name}.vti", K[0], head='byte_order="LittleEndian" header_type="UInt32"',
            body=f'<DataArray type="Float64" Name="permeability" format="binary">{text}</DataArray>')
    for name in [*damaged, "short", "lost", "star", "less"]:
        refused(mano, "solve", "--permeability", f"{name}.vti", words=f"{name}.vti")
        assert mano("info", f"{name}.vti", status=None).err.count("\n") <= 1


def encoded(values, kind, order="<", compress=False, raw=False):
    data = values.astype(order + kind).tobytes()
    if not compress:
        return struct.pack(order + "I", len(data)) + data if raw else base64.b64encode(struct.pack(order + "I", len(data)) + data).decode()
    block = zlib.compress(data)
    return base64.b64encode(struct.pack(order + "4I", 1, len(data), 0, len(block))).decode() + base64.b64encode(block).decode()


@pytest.mark.needs("vtk")
def test_ways_of_storing_images(mano, tmp_path):
    k = np.ceil(K[0] * 8)
    array = '<DataArray type="{}" Name="permeability" format="{}" {}>{}</DataArray>'
    little, big = 'byte_order="LittleEndian" header_type="UInt32"', 'byte_order="BigEndian" header_type="UInt32"'
    cases = {
        "ascii": dict(),
        "points": dict(where="PointData"),
        "base64": dict(head=little, body=array.format("Float64", "binary", "", encoded(k, "f8"))),
        "big": dict(head=big, body=array.format("Float32", "binary", "", encoded(k, "f4", ">"))),
        "integers": dict(head=little, body=array.format("Int16", "binary", "", encoded(k, "i2"))),
        "zlib": dict(head=little + ' compressor="vtkZLibDataCompressor"', body=array.format("Float64", "binary", "", encoded(k, "f8", compress=True))),
        "appended": dict(head=little, body=array.format("Float64", "appended", 'offset="0"', ""),
                         extra=f'<AppendedData encoding="base64">_{encoded(k, "f8")}</AppendedData>'),
        "apart": dict(head=little, body=array.format("Float64", "binary", "", base64.b64encode(struct.pack("<I", k.size * 8)).decode()
                                                     + base64.b64encode(k.astype("<f8").tobytes()).decode())),  # header by itself
        "extent": dict(start=(7, 3), origin=(-7, -3, 0)),
    }
    for name, options in cases.items():
        vti(tmp_path / f"{name}.vti", k, **options)
        mano("solve", "--permeability", f"{name}.vti", "-o", "o.h5")
        assert np.array_equal(written(tmp_path / "o.h5")[0], k), name
        # A point is the centre of its cell.
        assert origin_of(tmp_path / "o.h5") == ((0, 0) if name == "points" else (0.5, 0.5)), name


def test_geometry_that_is_not_read_is_noted(mano, tmp_path):
    (tmp_path / "a.grdecl").write_text("SPECGRID\n3 2 1 1 F /\nDX\n6*10 /\nPERMX\n1 2 3 4 5 6 /\n")
    assert "note: DX of a.grdecl is not read" in mano("solve", "--permeability", "a.grdecl", "-o", "o.h5").out
    (tmp_path / "b.grdecl").write_text("SPECGRID\n3 2 1 1 F /\nPERMX\n1 2 3 4 5 6 /\n")
    assert "note" not in mano("solve", "--permeability", "b.grdecl", "-o", "o.h5").out
