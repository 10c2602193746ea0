"""Volumes [nz, ny, nx] from Python, against the program and exact solutions."""
import json

import mano
import numpy as np
import pytest

SIZE = (2.0, 1.0, 0.25)
FIELD = {"resolution": (8, 6, 4), "size": SIZE, "correlation_length": (0.5, 0.4, 0.1)}


def rock(**more):
    return mano.draw("lognormal", seed=3, **FIELD, **more)


def test_draw_dataset_and_stream_are_those_of_the_program(program, tmp_path):
    program("generate", "--field", "lognormal", "--seed", 3, "--samples", 3, "--resolution", "8x6x4", "--size", "2x1x0.25", "--correlation-length", "0.5x0.4x0.1", "--problem",
            "drive", "-o", "p.h5")
    stored = mano.Dataset(tmp_path / "p.h5")
    assert stored.resolution == (8, 6, 4) and stored.size == SIZE and np.allclose(stored.z, 0.25 * (np.arange(4) + 0.5) / 4) and "8x6x4" in repr(stored)
    assert stored[0].pressure.shape == (4, 6, 8) and stored[:2].permeability.shape == (2, 4, 6, 8)
    assert np.array_equal(rock(samples=3), stored[:].permeability) and np.array_equal(rock(sample=2), stored[2].permeability)
    for i, (k, p) in enumerate(mano.Stream("lognormal", seed=3, samples=3, setup="drive", **FIELD)):
        assert np.array_equal(k, stored[i].permeability) and np.allclose(p, stored[i].pressure, atol=1e-8)
    data = mano.generate(tmp_path / "q.h5", "lognormal", seed=3, samples=3, setup="drive", **FIELD)
    assert np.allclose(data[:].pressure, stored[:].pressure, atol=1e-8)
    k, active = rock(inactive=0.2)
    assert k.shape == active.shape == (4, 6, 8) and not active.all()
    with pytest.raises(mano.InputError, match="correlation"):
        mano.draw("lognormal", resolution=(8, 6, 4), correlation_length=(0.5, 0.4))
    pytest.importorskip("xarray")
    table = data.to_xarray()
    assert table.pressure.dims == ("sample", "z", "y", "x") and np.array_equal(table.z, data.z)


def test_solve_gives_wells_fluxes_and_layers(program, tmp_path):
    well = mano.Well(0.5, 0.5, rate=0.3, radius=1e-3, layers=(2, 3), name="P")
    r = mano.solve(rock(), size=SIZE, setup="closed", wells=[well], top=mano.Pressure(1), bottom=mano.Pressure(0), anisotropy=0.5, anisotropy_z=0.1, front=mano.Flux(0.1))
    program("solve", "--field", "lognormal", "--seed", 3, "--resolution", "8x6x4", "--size", "2x1x0.25", "--correlation-length", "0.5x0.4x0.1", "--well", well, "--top", "pressure=1",
            "--bottom", "pressure=0", "--front", "flux=0.1", "--anisotropy", 0.5, "--anisotropy-z", 0.1, "--report", "--json", "r.json", "-o", "r.vti")
    told = json.loads((tmp_path / "r.json").read_text())
    told = told.get("report", told)
    (state,), (of_program,) = r.wells, told["wells"]
    assert state.pressure == pytest.approx(of_program["pressure"], rel=1e-8) and [n for n, _ in state.layers] == [2, 3] == [layer["layer"] for layer in of_program["layers"]]
    assert [q for _, q in state.layers] == pytest.approx([layer["rate"] for layer in of_program["layers"]], rel=1e-7) and sum(q for _, q in state.layers) == pytest.approx(0.3)
    assert [u.shape for u in r.flux] == [(4, 6, 9), (4, 7, 8), (5, 6, 8)] and r.pressure.shape == r.active.shape == (4, 6, 8)
    cell = 2 / 8 * 1 / 6
    assert r.flux.z[-1].sum() * cell == pytest.approx(r.outflow["bottom"]) and -r.flux.z[0].sum() * cell == pytest.approx(r.outflow["top"])
    assert r.outflow["front"] == pytest.approx(0.1 * 2 * 0.25) and sum(r.outflow.values()) == pytest.approx(0.3, rel=1e-7)


def test_layers_in_series_and_in_parallel():
    layers = np.array([1.0, 4.0, 0.5])
    k = layers[:, None, None] * np.ones((3, 4, 5))
    found = mano.upscale(k, size=(1, 1, 0.3))
    assert found.z.effective == pytest.approx(3 / (1 / layers).sum(), rel=1e-8) and (found.x.effective, found.y.effective) == pytest.approx((layers.mean(),) * 2, rel=1e-8)
    assert mano.upscale(k[0]).z is None
    for less in ({"permeability_z": 0.2 * k}, {"anisotropy_z": 0.2}):
        assert mano.upscale(k, size=(1, 1, 0.3), **less).z.effective == pytest.approx(0.2 * found.z.effective, rel=1e-8)
    p = mano.solve(k, size=(1, 1, 0.3), top=mano.Pressure(1), bottom=mano.Pressure(0)).pressure
    drops = 1 / layers / (1 / layers).sum()
    assert np.allclose(p, (1 - np.cumsum(drops) + drops / 2)[:, None, None], atol=1e-9)


def test_many_volumes_at_once_and_arrays_of_sources():
    k = rock(samples=3)
    source = np.random.default_rng(0).uniform(0, 1, (4, 6, 8))
    many = mano.solve_many(k, size=SIZE, setup="drive", source=source, threads=2, dtype=np.float32)
    assert many.pressure.shape == k.shape and many.pressure.dtype == np.float32
    for pressure, one in zip(many.pressure, k):
        assert np.allclose(pressure, mano.solve(one, size=SIZE, setup="drive", source=source).pressure, rtol=1e-5)
    with pytest.raises(mano.InputError, match=r"source has the shape \[1, 3, 6, 8\], the permeability \[3, 4, 6, 8\]"):
        mano.solve_many(k, size=SIZE, source=source[1:])
    with pytest.raises(mano.InputError, match="permeability_z is for volumes, the grid is 8x6"):
        mano.solve(k[0, 0], permeability_z=k[0, 0])
    with pytest.raises(mano.InputError, match="layers are those of a volume"):
        mano.solve(k[0, 0], wells=mano.Well(0.5, 0.5, rate=1, layers=(1, 1)), setup="drive")


@pytest.mark.parametrize("side, shape, faces", [("top", (8, 6), r"\[6, 8\]"), ("bottom", (4, 6), r"\[6, 8\]"), ("left", (6, 4), r"\[4, 6\]"),
                                                ("back", (6, 8), r"\[4, 8\]"), ("front", (31,), r"\[4, 8\]")])
def test_values_of_a_side_have_its_shape(side, shape, faces):
    with pytest.raises(mano.InputError, match=f"side {side} has values of the shape .*one a face {faces}"):
        mano.solve(rock(), size=SIZE, **{side: mano.Pressure(np.ones(shape))})


def test_values_of_a_side_lie_where_they_are_given():
    values = np.random.default_rng(3).uniform(0, 1, (6, 8))
    r = mano.solve(rock(), size=SIZE, top=mano.Pressure(values), bottom=mano.Pressure(0.5))
    assert np.array_equal(r.pressure, mano.solve(rock(), size=SIZE, top=mano.Pressure(values.ravel()), bottom=mano.Pressure(0.5)).pressure)
    assert np.array_equal(r.flux.z[0] > 0, values > r.pressure[0])
    with pytest.raises(mano.InputError, match=r"side bottom has values of the shape \[2, 4\], expected one number, or one a face \[8\]"):
        mano.solve(rock()[0], bottom=mano.Pressure(np.ones((2, 4))))


def test_a_permeability_and_its_ratio_exclude_each_other():
    k = rock()
    for axis, ratio in (("y", "anisotropy"), ("z", "anisotropy_z")):
        for call in (mano.solve, mano.solve_many, mano.upscale):
            with pytest.raises(mano.InputError, match=f"permeability_{axis} and {ratio} exclude each other"):
                call(k, size=SIZE, **{f"permeability_{axis}": k, ratio: 0.5})


def test_a_well_is_open_in_one_layer_or_from_a_first_to_a_last():
    one, pair = (mano.solve(rock(), size=SIZE, wells=mano.Well(1.0, 1.0, bhp=1, radius=0.01, layers=layers), left=mano.Pressure(0)).pressure for layers in (2, (2, 2)))
    assert np.array_equal(one, pair)
    for layers in ((1,), (1, 2, 3), "1:2", 1.5):
        with pytest.raises(mano.InputError, match="layers of a well is"):
            mano.Well(1.0, 1.0, rate=1, layers=layers)
