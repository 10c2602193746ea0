"""draw, solve, solve_many, upscale: exact solutions, arrays of any kind, threads and forks, errors."""
import multiprocessing
import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import h5py
import mano
import numpy as np
import pytest
from mano import _core

SOLVED = 1e-9  # of values, at the default tolerance of 1e-10 on the residual


def rock(n=1, resolution=(16, 12), **arguments):
    return mano.draw("lognormal", seed=3, samples=n, resolution=resolution, **arguments)


def hard_rock(setup="drive"):
    """Contrasts up to 1e12 without correlation: mano's multigrid alone does not solve it."""
    return 10 ** np.random.default_rng(0).uniform(-6, 6, (64, 64)), setup


def test_flow_through_layers_is_exact():
    k = np.ones((4, 10))
    k[2:] = 3.0
    r = mano.solve(k, setup="drive")
    x = (np.arange(10) + 0.5) / 10
    assert np.allclose(r.pressure, 1 - x, atol=SOLVED)
    assert np.allclose(r.flux.x, k[:, :1] * np.ones((4, 11)), atol=1e-8) and np.allclose(r.flux.y, 0, atol=1e-8)
    assert r.outflow == pytest.approx({"left": -2, "right": 2, "bottom": 0, "top": 0}, abs=1e-8)
    up = mano.upscale(k)
    assert up.x.effective == pytest.approx(2.0) and up.y.effective == pytest.approx(1.5)
    assert up.x[1:] == pytest.approx((1.5, 3**0.5, 2.0))


def test_draw_gives_the_fields_of_the_program(program, tmp_path):
    program("generate", "--field", "channels", "--contrast", 50, "--size", "2x1", "--seed", 4, "--samples", 3, "--resolution", "20x8", "-o", "d.h5")
    with h5py.File(tmp_path / "d.h5") as f:
        stored = f["permeability"][()]
    drawn = mano.draw("channels", contrast=50, size=(2, 1), seed=4, samples=3, resolution=(20, 8))
    assert drawn.shape == (3, 8, 20) and np.array_equal(drawn, stored)
    assert np.array_equal(mano.draw("channels", contrast=50, size=(2, 1), seed=4, sample=2, resolution="20x8"), stored[2])
    k, active = mano.draw("two-phase", inactive=0.2, resolution=(24, 24))
    assert active.dtype == bool and 0.05 < 1 - active.mean() < 0.4 and k.shape == active.shape


def test_solve_gives_the_pressure_of_the_program(program, tmp_path):
    program("solve", "--field", "two-phase", "--seed", 5, "--resolution", "24x16", "--problem", "drive", "--well", "0.5,0.5,rate=1,name=A", "--well",
            "0.2,0.8,bhp=0.3,radius=0.001", "-o", "s.h5")
    with h5py.File(tmp_path / "s.h5") as f:
        stored = f["pressure"][0]
    r = mano.solve(mano.draw("two-phase", seed=5, resolution=(24, 16)), setup="drive",
                   wells=[mano.Well(0.5, 0.5, rate=1, name="A"), mano.Well(0.2, 0.8, bhp=0.3, radius=1e-3)])
    assert np.allclose(r.pressure, stored, atol=1e-8 * abs(stored).max())
    assert [(w.name, w.cell) for w in r.wells] == [("A", (12, 8)), ("W2", (4, 12))]
    assert r.wells[0].rate == pytest.approx(1) and np.isnan(r.wells[0].pressure) and r.wells[1].pressure == pytest.approx(0.3)
    assert sum(r.outflow.values()) == pytest.approx(sum(w.rate for w in r.wells)) and r.mass_balance_error < 1e-8
    assert 0 < r.residual <= 1e-10 and r.iterations > 2 and r.method == "multigrid"


def test_arrays_of_any_kind_are_the_same_problem():
    k = rock(3, (12, 10))
    expected = mano.solve_many(k, setup="drive").pressure
    big = np.zeros((6, 20, 36))
    big[::2, ::2, ::3] = k
    for other in (np.asfortranarray(k), big[::2, ::2, ::3], k[::-1][::-1], k.byteswap().view(k.dtype.newbyteorder())):
        assert np.array_equal(mano.solve_many(other, setup="drive").pressure, expected)
    single = mano.solve_many(k.astype(np.float32), setup="drive")
    assert single.pressure.dtype == np.float64 and np.allclose(single.pressure, expected, atol=1e-6)
    assert np.array_equal(mano.solve_many(k, setup="drive", dtype=np.float32).pressure, expected.astype(np.float32))
    whole = mano.solve([[1, 2], [3, 4]])
    assert np.array_equal(whole.pressure, mano.solve(np.array([[1.0, 2], [3, 4]])).pressure)


def test_many_are_as_one_by_one_for_any_number_of_threads():
    k, wells = rock(7), [mano.Well(0.1, 0.1, rate=2.0), mano.Well(0.9, 0.9, rate=-2.0)]
    one = [mano.solve(field, wells=wells) for field in k]
    for threads in (1, 3):
        many = mano.solve_many(k, wells=wells, threads=threads)
        assert all(np.array_equal(p, r.pressure) for p, r in zip(many.pressure, one))
        assert many.iterations.tolist() == [r.iterations for r in one] and many.residual.tolist() == [r.residual for r in one]


def test_sides_sources_and_anisotropy():
    k = np.full((6, 8), 2.0)
    r = mano.solve(k, left=mano.Flux([-1, -1, -1, 0, 0, 0]), right=mano.Pressure(0))
    assert np.allclose(r.flux.x[:, 0], [1, 1, 1, 0, 0, 0], atol=1e-9) and r.outflow["right"] == pytest.approx(0.5)
    uniform, array = mano.solve(k, setup="benchmark", source=3.0), mano.solve(k, setup="benchmark", source=np.full((6, 8), 3.0))
    assert np.array_equal(uniform.pressure, array.pressure) and sum(uniform.outflow.values()) == pytest.approx(3.0)
    field = rock()[0]
    ratio, both = mano.solve(field, anisotropy=0.25), mano.solve(field, permeability_y=0.25 * field)
    assert np.allclose(ratio.pressure, both.pressure, rtol=1e-8) and not np.allclose(ratio.pressure, mano.solve(field).pressure, rtol=1e-2)


def test_units_are_those_of_the_program():
    k = 100 * rock(resolution=(10, 10))[0]
    r = mano.solve(k, setup="drive", size=(500, 300), units="metric", viscosity=0.5, thickness=10)
    plain = mano.solve(k, setup="drive", size=(500, 300))
    factor = 0.00852702 * 10 / 0.5
    assert np.allclose(r.pressure, plain.pressure, atol=1e-8)
    assert r.outflow["right"] == pytest.approx(factor * plain.outflow["right"], rel=1e-5)
    assert np.allclose(r.flux.x, plain.flux.x * factor / 10, rtol=1e-5, atol=1e-9)


def test_inactive_cells_have_no_pressure():
    k, active = rock()[0], np.ones((12, 16), bool)
    active[3:6, 4:8] = False
    k[~active] = np.nan
    r = mano.solve(k, setup="drive", active=active)
    assert np.array_equal(np.isnan(r.pressure), ~active) and np.array_equal(r.active, active)
    assert np.all(r.flux.x[3:6, 5:8] == 0)
    active[0, :], active[1, :] = True, False  # a row by itself, which the sides still hold
    island = active.copy()
    island[:, :2], island[8, 0] = False, True
    with pytest.raises(mano.InputError, match="island|cut off|nothing|pressure"):
        mano.solve(rock()[0], left=mano.Flux(0), right=mano.Pressure(1), active=island)
    dropped = mano.solve(rock()[0], left=mano.Flux(0), right=mano.Pressure(1), active=island, drop_islands=True)
    assert not dropped.active[8, 0]


BAD = [(lambda: mano.solve(-np.ones((3, 3))), r"permeability is -1 in cell \(0, 0\)"),
       (lambda: mano.solve(np.ones(3)), r"permeability is an array of float64 of the shape \[3\]"),
       (lambda: mano.solve(np.ones((2, 3, 3))), "solve takes one field"),
       (lambda: mano.solve(np.array([["a"]])), "expected numbers"),
       (lambda: mano.solve(np.ones((2, 2), complex)), "expected numbers"),
       (lambda: mano.solve(np.full((3, 3), np.nan)), "nan"),
       (lambda: mano.solve(np.ones((3, 3)), setup="drve"), "drve"),
       (lambda: mano.solve(np.ones((3, 3)), wells=[mano.Well(2, 0.5, rate=1)]), r"\(2, 0.5\) lies outside"),
       (lambda: mano.solve(np.ones((3, 3)), wells=[mano.Well(0.5, 0.5, bhp=1)]), "radius"),
       (lambda: mano.solve(np.ones((3, 3)), wells=[mano.Well(0.5, 0.5)]), "0.5,0.5"),
       (lambda: mano.solve(np.ones((3, 3)), wells=[mano.Well(0.5, 0.5, rate=1)]), "lets? (it )?out|balance|inflow"),
       (lambda: mano.solve(np.ones((3, 3)), left=mano.Flux([1, 2])), "left|values|face"),
       (lambda: mano.solve(np.ones((3, 3)), tolerance=0), "tolerance is 0"),
       (lambda: mano.solve(np.ones((3, 3)), size=(0, 1)), r"size is \(0, 1\)"),
       (lambda: mano.solve(np.ones((3, 3)), active=np.ones((2, 2))), r"active has the shape \[1, 2, 2\]"),
       (lambda: mano.solve(np.ones((3, 3)), active=np.full((3, 3), 2)), "active holds 2"),
       (lambda: mano.solve(np.ones((3, 3)), source=np.ones((3, 2))), "source has the shape"),
       (lambda: mano.solve(np.ones((3, 3)), viscosity=2.0), "viscosity is 2"),
       (lambda: mano.solve_many(np.ones((2, 3, 3)) * np.array([1, -1])[:, None, None]), "problem 1: .* -1"),
       (lambda: mano.solve_many(np.ones((2, 3, 3)), threads=0), "threads is 0"),
       (lambda: mano.solve_many(np.ones((2, 3, 3)), dtype=int), "dtype is int64"),
       (lambda: mano.draw("granite", resolution=(4, 4)), "granite"),
       (lambda: mano.draw("two-phase", resolution=4), "resolution is 4"),
       (lambda: mano.draw("two-phase", resolution=(0, 4)), "0x4"),
       (lambda: mano.draw("two-phase", resolution=(4, 4), phases=(0, 3)), "0"),
       (lambda: mano.draw("two-phase", resolution=(4, 4), size=(1, 1, 1)), "size '1x1x1' has 3 lengths, but the grid is 4x4"),
       (lambda: mano.draw("two-phase", resolution=(4, 4, 2), size=(2, 1)), "size '2x1'"),
       (lambda: mano.draw("two-phase", resolution=(4, 4), size=(2, 1, 1, 1)), r"size is \(2, 1, 1, 1\), expected"),
       (lambda: mano.draw("two-phase", resolution=(4, 4, 2, 2)), r"resolution is \(4, 4, 2, 2\), expected"),
       (lambda: mano.solve(np.ones((3, 4, 5))), r"the shape \[3, 4, 5\]: solve takes one field \[ny, nx\], or with size=\(lx, ly, lz\) one volume"),
       (lambda: mano.solve(np.ones((4, 5)), size=(1, 1, 1)), "expected numbers .nz, ny, nx. or"),
       (lambda: mano.solve(np.ones((1, 4, 5)), size=(1, 1, 1)), "a volume of one layer is a flat grid"),
       (lambda: mano.solve(np.ones((3, 4, 5)), size=(1, 1, 1), units="metric", thickness=2), "thickness"),
       (lambda: mano.draw("two-phase", resolution=(4, 4), seed=-1), "seed is -1"),
       (lambda: mano.draw("two-phase", resolution=(4, 4, 4.5)), r"resolution is \(4, 4, 4.5\), expected"),
       (lambda: mano.draw("two-phase", resolution=(4, 4), inactive="blobs:0.2"), "inactive is 'blobs:0.2', expected the part"),
       (lambda: mano.draw("lognormal", resolution=(4, 4), correlation_length=9.0), "9")]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_input_is_one_line_that_names_it(number):
    call, message = BAD[number]
    with pytest.raises(mano.InputError) as caught:
        call()
    assert re.search(message, str(caught.value)) and "\n" not in str(caught.value)
    assert isinstance(caught.value, (mano.Error, ValueError))


def test_threads_of_python_solve_at_once():
    fields = rock(24)
    expected = mano.solve_many(fields).pressure
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda k: mano.solve(k).pressure, fields))
    assert np.array_equal(results, expected)


def test_python_goes_on_while_a_problem_is_solved():
    k = np.ones((700, 700))
    thread = threading.Thread(target=lambda: mano.solve(k))
    ticks = 0
    thread.start()
    while thread.is_alive():
        time.sleep(0.001)
        ticks += 1
    assert ticks >= 10  # one or two with the GIL held


def child_solves(field):
    return mano.solve(field, setup="drive").pressure


def test_forked_workers_solve():
    fields = rock(8)
    mano.solve(fields[0])
    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = pool.map(child_solves, fields)
    assert np.array_equal(results, mano.solve_many(fields, setup="drive").pressure)


# In a process of its own: PETSc, once started, stays for the life of a process.
PETSC = """
import os, sys
import mano, numpy as np
from mano import _core
k = 10 ** np.random.default_rng(0).uniform(-6, 6, (64, 64))
easy = mano.draw("two-phase", resolution=(8, 8))
mano.solve(easy)
assert not _core.petsc_is_running()

def child(work):
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(work())
        except BaseException as error:
            print(error, flush=True)
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def hard():
    r = mano.solve(k, setup="drive")
    return 0 if r.residual < 1e-10 and r.method not in ("multigrid", "none") else 1

assert child(hard) == 0            # a worker starts its own
assert not _core.petsc_is_running()
assert hard() == 0 and hard() == 0  # twice, started once
assert _core.petsc_is_running()

def refused():
    try:
        mano.solve(k, setup="drive")
    except mano.RunError as error:
        return 7 if "forked" in str(error) and "\\n" not in str(error) else 1
    return 2

assert child(refused) == 7
assert child(lambda: 0 if mano.solve(easy).residual < 1e-10 else 1) == 0  # mano's own multigrid goes on
print("done")
"""


def test_petsc_starts_when_it_is_needed_once_and_not_after_a_fork():
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMPI_")}
    result = subprocess.run([sys.executable, "-c", PETSC], capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert result.returncode == 0 and result.stdout.strip() == "done", result.stdout + result.stderr


def test_versions():
    assert re.fullmatch(r"\d+\.\d+\.\d+", mano.__version__) and _core.version == mano.__version__
