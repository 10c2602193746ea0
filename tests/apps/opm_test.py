"""Displacements against OPM Flow, a simulator that the field knows (opm_flow.py)."""
import types

import h5py
import numpy as np
import pytest

import opm_flow

pytestmark = pytest.mark.needs("petsc")
N, SIZE = 16, 640.0  # cells a side, m


def test_flow_is_installed():
    assert opm_flow.installed(), "displacements are compared with OPM Flow: scripts/bootstrap --tests installs it"


def case_of(mano, tmp_path, viscosities, corey):
    mano("solve", "--field", "two-phase", "--seed", 1, "--phases", "300,1200", "--resolution", f"{N}x{N}", "-o", "rock.h5")
    with h5py.File(tmp_path / "rock.h5") as f:
        permeability = f["permeability"][()].reshape(N, N)
    days = 0.4 * SIZE**2 * 10 * 0.2 / 100  # 0.4 pore volumes
    return types.SimpleNamespace(permeability=permeability, size=(SIZE, SIZE), thickness=10.0, porosity=0.2, viscosities=viscosities, corey=corey,
                                 rate=100.0, bhp=100.0, radius=0.1, days=days)


def ours(mano, tmp_path, case):
    """With small steps; at the end, and the water cut over time."""
    (tmp_path / "rock.grdecl").write_text(f"SPECGRID\n {N} {N} 1 1 F /\nPERMX\n" + "\n".join(f"{k:.12g}" for k in case.permeability.ravel()) + " /\n")
    first, last = SIZE / N / 2, SIZE - SIZE / N / 2
    mano("generate", "--problem", "displacement", "--field", "file", "--permeability", "rock.grdecl", "--samples", 1, "--units", "metric", "--size",
         f"{SIZE}x{SIZE}", "--thickness", case.thickness, "--porosity", case.porosity, "--viscosity", case.viscosities[0], "--displaced-viscosity",
         case.viscosities[1], "--corey", f"{case.corey[0]},{case.corey[1]}", "--well", f"{first},{first},rate={case.rate},radius={case.radius}", "--well",
         f"{last},{last},bhp={case.bhp},radius={case.radius}", "--until", "0.4pv", "--snapshots", 20, "--step-tolerance", 0.005, "-o", "one.h5")
    with h5py.File(tmp_path / "one.h5") as f:
        return types.SimpleNamespace(saturation=f["saturation"][0, -1], pressure=f["pressure"][0, -1], cut=f["water_cut"][0], days=f["elapsed_time"][0])


def flow(tmp_path, case):
    """The limit of small steps: backward Euler's error falls with the step, so twice the finer run less the coarser."""
    coarse, fine = (opm_flow.run(case, steps, tmp_path / f"{steps}", opm_flow.TIGHT) for steps in (100, 200))
    limit = {name: 2 * getattr(fine, name) - getattr(coarse, name) for name in ("saturation", "pressure")}
    return types.SimpleNamespace(**limit, fine=fine)


def relative(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def test_one_marked_fluid_is_where_flow_has_it(mano, tmp_path):
    """At one viscosity both discretisations are the same."""
    case = case_of(mano, tmp_path, (0.5, 0.5), (1, 1))
    a, b = ours(mano, tmp_path, case), flow(tmp_path, case)
    assert relative(a.saturation, b.saturation) < 1e-3
    assert relative(a.pressure - case.bhp, b.pressure - case.bhp) < 1e-4  # the fluids of Flow are compressible


def test_water_drives_out_oil_as_in_flow(mano, tmp_path):
    """Between two cells Flow has the mobility of the one that a fluid leaves, mano the harmonic mean: an error of the grid, 16x16 here."""
    case = case_of(mano, tmp_path, (0.5, 2.5), (2, 2))
    a, b = ours(mano, tmp_path, case), flow(tmp_path, case)
    assert relative(a.saturation, b.saturation) < 0.015
    assert relative(a.pressure - case.bhp, b.pressure - case.bhp) < 0.01
    np.testing.assert_allclose(np.interp(a.days, b.fine.days, b.fine.cut), a.cut, atol=0.01)
