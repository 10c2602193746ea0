"""Displacements against OPM Flow, a simulator that the field knows (opm_flow.py)."""
import types

import h5py
import numpy as np
import pytest

import opm_flow

pytestmark = pytest.mark.needs("petsc")
N = 16  # cells a side


def test_flow_is_installed():
    assert opm_flow.installed(), "displacements are compared with OPM Flow: scripts/bootstrap --tests installs it"


def case_of(mano, tmp_path, *fluids):
    mano("solve", "--field", "two-phase", "--seed", 1, "--phases", "300,1200", "--resolution", f"{N}x{N}", "-o", "rock.h5")
    with h5py.File(tmp_path / "rock.h5") as f:
        return opm_flow.quarter_five_spot(f["permeability"][()].reshape(N, N), *fluids)


def ours(mano, tmp_path, case):
    """With small steps; at the end, and the water cut over time."""
    mano("generate", "--problem", "displacement", *opm_flow.mano_options(case, tmp_path), "--samples", 1, "--snapshots", 20, "--step-tolerance", 0.005,
         "-o", "one.h5")
    with h5py.File(tmp_path / "one.h5") as f:
        return types.SimpleNamespace(saturation=f["saturation"][0, -1], pressure=f["pressure"][0, -1], cut=f["water_cut"][0], days=f["elapsed_time"][0])


def relative(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def test_one_marked_fluid_is_where_flow_has_it(mano, tmp_path):
    """At one viscosity both discretisations are the same."""
    case = case_of(mano, tmp_path, (0.5, 0.5), (1, 1))
    a, b = ours(mano, tmp_path, case), opm_flow.limit(case, 100, tmp_path)
    assert relative(a.saturation, b.saturation) < 1e-3
    assert relative(a.pressure - case.bhp, b.pressure - case.bhp) < 1e-4  # the fluids of Flow are compressible


def test_water_drives_out_oil_as_in_flow(mano, tmp_path):
    """Between two cells Flow has the mobility of the one that a fluid leaves, mano the harmonic mean: an error of the grid, 16x16 here."""
    case = case_of(mano, tmp_path, (0.5, 2.5), (2, 2))
    a, b = ours(mano, tmp_path, case), opm_flow.limit(case, 100, tmp_path)
    assert relative(a.saturation, b.saturation) < 0.015
    assert relative(a.pressure - case.bhp, b.pressure - case.bhp) < 0.01
    np.testing.assert_allclose(np.interp(a.days, b.fine.days, b.fine.cut), a.cut, atol=0.01)
