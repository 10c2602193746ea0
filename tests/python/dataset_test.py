"""Dataset, generate and Stream: what is made, read, resumed, streamed, and by whom."""
import copy
import json
import multiprocessing
import os
import pickle
import sys
import types

import h5py
import mano
import numpy as np
import pytest

ARGUMENTS = {"field": "lognormal", "seed": 3, "resolution": (20, 12), "size": (2, 1), "deviation": 1.5,
             "wells": (mano.Well(0.1, 0.1, rate=1), mano.Well(1.9, 0.9, bhp=0, radius=1e-3))}


def same(a, b):
    return np.array_equal(a.permeability, b.permeability) and np.array_equal(a.pressure, b.pressure, equal_nan=True)


def test_generate_makes_the_file_of_the_program(program, tmp_path):
    program("generate", "--device", "threads", "--field", "two-phase", "--phases", "2,9", "--seed", 6, "--samples", 5, "--resolution", "16x12", "--also", "8x6",
            "--problem", "drive", "-o", "p.h5")
    made = mano.generate(tmp_path / "m.h5", "two-phase", phases=(2, 9), seed=6, samples=5, resolution=(16, 12), also=[(8, 6)], setup="drive")
    for name in ("", "-8x6"):
        ours, theirs = mano.Dataset(tmp_path / f"m{name}.h5"), mano.Dataset(tmp_path / f"p{name}.h5")
        assert same(ours[:], theirs[:]) and ours.configuration == theirs.configuration and ours.setup == theirs.setup == "drive"
    assert repr(made).endswith("5 samples of two-phase at 16x12, set-up drive>")


def test_a_custom_set_up_has_the_name_that_the_program_gives(program, tmp_path):
    program("generate", "--field", "lognormal", "--deviation", 1.5, "--seed", 3, "--size", "2x1", "--samples", 2, "--resolution", "20x12", "--well", "0.1,0.1,rate=1",
            "--well", "1.9,0.9,bhp=0,radius=0.001", "-o", "p.h5")
    ours, theirs = mano.generate(tmp_path / "m.h5", samples=2, **ARGUMENTS), mano.Dataset(tmp_path / "p.h5")
    assert ours.setup == theirs.setup and ours.setup.startswith("custom-")
    assert np.array_equal(ours[:].permeability, theirs[:].permeability) and np.allclose(ours[:].pressure, theirs[:].pressure, rtol=1e-7)


@pytest.mark.parametrize("problem", [None, "displacement"])
def test_wells_of_each_samples_own(program, tmp_path, problem):
    wells = mano.RandomWells(injectors=1, producers=(1, 3), rate=2.5, pressure=4.0, radius=1e-3, distance=0.2)
    of_problem = {"problem": problem, "snapshots": 3} if problem else {}
    ours = mano.generate(tmp_path / "m.h5", "two-phase", seed=6, samples=4, resolution=(16, 16), random_wells=wells, **of_problem)
    program("generate", *(["--problem", problem, "--snapshots", 3] if problem else []), "--field", "two-phase", "--seed", 6, "--samples", 4, "--resolution", "16x16",
            "--random-wells", "injectors=1,producers=1:3,rate=2.5,bhp=4,radius=0.001,distance=0.2", "-o", "p.h5")
    theirs = mano.Dataset(tmp_path / "p.h5")
    assert ours.setup == theirs.setup and ours[:].wells.shape == (4, 4, 5) and ours[2].wells.shape == (4, 5)
    assert np.array_equal(ours[:].wells, theirs[:].wells, equal_nan=True)
    assert np.array_equal(ours[:].permeability, theirs[:].permeability) and np.allclose(ours[:].pressure, theirs[:].pressure, rtol=1e-7)
    assert ours.to_xarray()["wells"].dims == ("sample", "well", "number")
    x, y, rate = ours[1].wells[0, :3]
    assert rate == 2.5
    if problem is None:  # what the file says, solved again
        again = mano.solve(ours[1].permeability, wells=[mano.Well(x, y, rate=rate, radius=1e-3)] + [mano.Well(w[0], w[1], bhp=w[3], radius=w[4]) for w in ours[1].wells[1:] if w[0] == w[0]])
        np.testing.assert_allclose(again.pressure, ours[1].pressure, rtol=1e-8)
        assert ours[[0]].wells.shape == (1, 4, 5) and mano.generate(tmp_path / "n.h5", "two-phase", samples=1, resolution=(8, 8))[0].wells.shape == (0, 5)


def test_reading(tmp_path):
    data = mano.generate(tmp_path / "d.h5", samples=6, **ARGUMENTS)
    with h5py.File(tmp_path / "d.h5") as f:
        k, p = f["permeability"][()], f["pressure"][()]
    assert len(data) == 6 and data.resolution == (20, 12) and data.size == (2, 1)
    assert np.allclose(data.x, (np.arange(20) + 0.5) / 10) and np.allclose(data.y, (np.arange(12) + 0.5) / 12)
    assert np.array_equal(data[2].permeability, k[2]) and data[-1].sample == 5 and data[2].seed == 3 and data[2].residual < 1e-10
    assert np.array_equal(data[1:6:2].pressure, p[1:6:2]) and np.array_equal(data[[4, -6]].pressure, p[[4, 0]])
    assert np.array_equal(data[np.arange(6) > 3].pressure, p[4:]) and data[6:].pressure.shape == (0, 12, 20)
    assert [s.sample for s in data] == list(range(6)) and data[0].solver == "multigrid" and data[0].active is None
    for bad in (6, -7, [0, 6]):
        with pytest.raises(IndexError, match="holds 6 samples"):
            data[bad]
    table = data.to_xarray()
    assert table.permeability.dims == ("sample", "y", "x") and np.array_equal(table.pressure.sel(sample=4), p[4]) and table.attrs["setup"] == data.setup
    assert same(pickle.loads(pickle.dumps(data))[3], data[3])


def read_in_worker(data):
    return data[3].pressure


def test_forked_workers_read_an_open_dataset(tmp_path):
    data = mano.generate(tmp_path / "d.h5", samples=6, **ARGUMENTS)
    expected = data[3].pressure
    worker = []
    with multiprocessing.get_context("fork").Pool(2, initializer=worker.append, initargs=(data,)) as pool:
        assert all(np.array_equal(p, expected) for p in pool.map(read_in_worker, [data] * 6))
    pid = os.fork()
    if pid == 0:
        os._exit(0 if np.array_equal(data[3].pressure, expected) and data._process == os.getpid() else 1)
    assert os.waitpid(pid, 0)[1] == 0


def test_files_that_are_none(tmp_path):
    (tmp_path / "none.h5").write_text("no")
    for name in ("none.h5", "absent.h5"):
        with pytest.raises(mano.InputError, match=name):
            mano.Dataset(tmp_path / name)


class Stopped(Exception):
    pass


def test_an_interrupted_generation_goes_on(tmp_path, monkeypatch):
    whole = mano.generate(tmp_path / "whole.h5", samples=600, field="two-phase", resolution=(6, 6))
    shown = []

    class Bar:  # as tqdm's
        def __init__(self, total, **_):
            self.n = 0

        def update(self, by):
            self.n += by
            shown.append(self.n)
            if self.n >= 300 and len(shown) < 10**6:
                shown.extend([None] * 10**6)
                raise Stopped

        def close(self):
            pass

    monkeypatch.setitem(sys.modules, "tqdm.auto", types.SimpleNamespace(tqdm=Bar))
    request = {"samples": 600, "field": "two-phase", "resolution": (6, 6), "progress": True}
    with pytest.raises(Stopped):
        mano.generate(tmp_path / "d.h5", **request)
    assert not (tmp_path / "d.h5").exists() and (tmp_path / "d.h5.part").exists()
    with pytest.raises(mano.InputError, match="other options"):
        mano.generate(tmp_path / "d.h5", **{**request, "seed": 1})
    kept = os.stat(next((tmp_path / "d.h5.part").glob("shard-000000-*"))).st_mtime_ns
    times = []
    with monkeypatch.context() as watched:  # the finished shard is not made again
        watched.setattr(mano._dataset, "_bar", lambda total, show: ((lambda done: times.append(os.stat(tmp_path / "d.h5.part" / "shard-000000-6x6.h5").st_mtime_ns)), lambda: None))
        assert same(mano.generate(tmp_path / "d.h5", **request)[:], whole[:]) and set(times) == {kept}
    assert len(mano.generate(tmp_path / "d.h5", **request)) == 600  # complete: opened as it is
    with pytest.raises(mano.InputError, match="exists"):
        mano.generate(tmp_path / "d.h5", samples=5, field="two-phase", resolution=(6, 6))
    assert len(mano.generate(tmp_path / "d.h5", samples=5, field="two-phase", resolution=(6, 6), overwrite=True, dtype=np.float32)) == 5
    assert mano.Dataset(tmp_path / "d.h5")[0].pressure.dtype == np.float32


@pytest.mark.parametrize("more", [{}, {"inactive": 0.1, "drop_islands": True, "wells": (), "setup": "five-spot"}])
def test_a_stream_is_the_dataset_that_is_not_stored(tmp_path, more):
    arguments = {**ARGUMENTS, **more}
    data = mano.generate(tmp_path / "d.h5", samples=9, first=4, **arguments)
    stream = mano.Stream(samples=9, first=4, block=2, **arguments)
    for i, (k, p, *active) in enumerate(stream):
        assert np.array_equal(k, data[i].permeability) and np.array_equal(p, data[i].pressure, equal_nan=True)
        assert len(active) == ("inactive" in more) and all(np.array_equal(a, data[i].active) for a in active)
    assert i == 8 and np.array_equal(stream[7][1], data[7].pressure, equal_nan=True)
    assert np.array_equal(pickle.loads(pickle.dumps(stream))[7][1], data[7].pressure, equal_nan=True)
    with pytest.raises(IndexError):
        stream[9]


def test_blocks_of_workers_are_disjoint_and_together_the_stream():
    stream = mano.Stream("two-phase", resolution=(8, 8), samples=23, block=4)
    whole = np.stack([k for k, _ in stream])
    for workers in (1, 2, 3):
        blocks = [b for w in range(workers) for b in stream.blocks(w, workers)]
        numbers = [b.first + i for b in blocks for i in range(len(b.permeability))]
        assert sorted(numbers) == list(range(23))
        assert np.array_equal(np.concatenate([b.permeability for b in blocks])[np.argsort(numbers)], whole)


def test_a_stream_without_end_and_of_float32():
    stream = mano.Stream("layered", resolution=(6, 5), dtype=np.float32, block=3, threads=2)
    pairs = [pair for pair, _ in zip(stream, range(7))]
    assert pairs[6][1].dtype == np.float32 and pairs[6][0].shape == (5, 6)
    assert np.array_equal(pairs[6][1], mano.solve(mano.draw("layered", sample=6, resolution=(6, 5))).pressure.astype(np.float32))
    batch = stream.batch(5, 2)
    assert np.array_equal(batch.permeability[1], pairs[6][0]) and (batch.residual <= 1e-10).all()


@pytest.mark.parametrize("change, message", [({"field": "granite"}, "granite"), ({"samples": 0}, "samples is 0"), ({"setup": "drvie"}, "drvie"),
                                             ({"wells": [mano.Well(3, 0.5, rate=1)]}, "outside"), ({"tolerance": 2}, "tolerance is 2"), ({"first": -1}, "first is -1")])
def test_a_stream_that_fits_no_sample_is_refused_at_once(change, message):
    with pytest.raises(mano.InputError, match=message):
        mano.Stream(**{**ARGUMENTS, **change})


def test_unknown_arguments_are_named():
    with pytest.raises(TypeError, match="corelation_length"):
        mano.Stream("lognormal", resolution=(4, 4), corelation_length=0.2)


def test_configurations_are_what_the_program_understands(tmp_path):
    data = mano.generate(tmp_path / "d.h5", samples=2, **ARGUMENTS)
    assert data.configuration["flow"]["wells"] == ["0.1,0.1,rate=1", "1.9,0.9,bhp=0,radius=0.001"]
    assert json.loads(data._info["configuration"]) == copy.deepcopy(data.configuration)
