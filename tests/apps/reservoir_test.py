"""Decks as reservoirs have them, solved whole by mano and by a sparse factorisation (direct_solve.py): one built as Norne's, one like SPE10's."""
import json

import h5py
import numpy as np
import pytest

import direct_solve
from units_test import BARREL, DARCY, FOOT, PSI
from volume_test import read_vti, relative

pytestmark = pytest.mark.needs("petsc", "vtk")


def numbers(values):
    """As Eclipse's files have them: repeated values as N*V, some to a line."""
    flat = np.ravel(values)
    ends = np.append(np.flatnonzero(np.diff(flat)) + 1, flat.size).tolist()
    flat = flat.tolist()
    words = [repr(flat[b]) if e - b == 1 else f"{e - b}*{flat[b]!r}" for b, e in zip([0] + ends, ends)]
    return "\n".join(" ".join(words[i:i + 8]) for i in range(0, len(words), 8)) + " /\n"


def smooth(shape, seed, times=3):
    """A rough Gaussian field of variance 1, averaged over neighbours along x and y."""
    g = np.random.default_rng(seed).normal(size=shape)
    for _ in range(times):
        for axis in (1, 2):
            g = (np.roll(g, 1, axis) + 2 * g + np.roll(g, -1, axis)) / 4
    return g / g.std()


def cell_fluxes(permeabilities, size, p, active):
    """Darcy's flux at cell centres, the mean of opposite faces; all sides closed."""
    fluxes = []
    for d, k in enumerate(permeabilities):
        h, axis = size[d] / p.shape[2 - d], 2 - d
        k, q, a = (np.moveaxis(np.where(active, v, 0.0), axis, 0) for v in (k, p, active.astype(float)))
        faces = np.zeros((len(k) + 1, *k.shape[1:]))
        both = (a[:-1] * a[1:]) > 0
        faces[1:-1][both] = (2 / (1 / k[:-1][both] + 1 / k[1:][both]) * (q[:-1] - q[1:])[both] / h)
        fluxes.append(np.moveaxis((faces[:-1] + faces[1:]) / 2, 0, axis))
    return np.stack(fluxes, axis=-1)


def check_solution(tmp_path, permeabilities, size, wells, active, conductance, pressure_unit, velocity_unit, velocity):
    """The pressure and the fluxes of o.vti, and the rates of o.json, to 1e-6."""
    arrays, _ = read_vti(tmp_path / "o.vti")
    result = json.loads((tmp_path / "o.json").read_text())
    active = arrays["vtkGhostType"] == 0 if "vtkGhostType" in arrays else active
    in_units = [conductance * k for k in permeabilities]
    p, states = direct_solve.solve_volume(in_units, size, {}, 0.0, wells, active)
    assert relative(arrays[f"pressure [{pressure_unit}]"], p) < 1e-6
    flux = velocity * cell_fluxes(in_units, size, p, active)
    for d in range(3):
        difference = (arrays[f"flux [{velocity_unit}]"][..., d] - flux[..., d])[active]
        assert np.linalg.norm(difference) < 1e-6 * np.linalg.norm(flux[..., d][active]), d
    for well, (pressure, rates) in zip(result["wells"], states):
        assert well["pressure"] == pytest.approx(pressure, rel=1e-6)
        assert [layer["rate"] for layer in well["layers"]] == pytest.approx(rates, rel=1e-6, abs=1e-6 * np.abs(rates).max())
    assert result["mass_balance_error"] < 1e-10 and result["method"] in ("multigrid", "multigrid-double")
    return result, active


NORNE = (11, 56, 23)  # nz, ny, nx: half of Norne's in each direction
LAYERS = [0.2, 0.04, 0.25, 0.0, 0.13, 0.09, 0.64, 0.016, 0.004, 1.0, 1.0]  # kz / kx; layer 4 is inactive


def norne(folder, **replaced):
    """A deck in Norne's order: corner-point geometry, ACTNUM, faults and rock in files of their own. Returns kx, kz, active."""
    nz, ny, nx = NORNE
    j, i = np.mgrid[0:ny, 0:nx]
    outline = ((i - 11) / 11.5) ** 2 + ((j - 28) / 28.5) ** 2 < 1.0 + 0.3 * np.sin(0.5 * j)
    active = np.broadcast_to(outline, NORNE).copy()
    active[3] = False
    active &= np.random.default_rng(5).random(NORNE) > 0.03
    active[np.arange(nz) != 3, 28, 11] = active[np.arange(nz) != 3, 12, 8] = active[np.arange(nz) != 3, 44, 14] = True  # wells
    k = np.round(np.exp(4 + 2 * smooth(NORNE, 6) + np.random.default_rng(7).normal(size=(nz, 1, 1))), 4)
    k[~active] = 0.0
    pillars = [f"{100 * x} {80 * y} 2500 {100 * x + 10} {80 * y} 2700" for y in range(ny + 1) for x in range(nx + 1)]
    parts = {
        "INCLUDE/GRID/IRAP.GRDECL": f"SPECGRID\n {nx} {ny} {nz} 1 F /\nCOORD\n" + "\n".join(pillars) + " /\nZCORN\n"
        + "\n".join(f"{4 * nx * ny}*{2500 + 8 * (layer + bottom)}" for layer in range(nz) for bottom in (0, 1)) + " /\n",
        "INCLUDE/GRID/ACTNUM.prop": "ACTNUM\n" + numbers(active.astype(int)),
        "INCLUDE/FAULT/FAULT.INC": "FAULTS\n 'E_01' 5 5 3 20 1 11 'X' /\n/\n",
        "INCLUDE/FAULT/MULT.INC": "MULTFLT\n 'E_01' 0.01 /\n/\n",
        "INCLUDE/PETRO/PORO.prop": f"PORO\n{nx * ny * nz}*0.25 /\n",
        "INCLUDE/PETRO/NTG.prop": f"NTG\n{nx * ny * nz}*0.9 /\n",
        "INCLUDE/PETRO/PERM.prop": "-- mD\nPERMX\n" + numbers(k),
        "INCLUDE/PETRO/MULTZ.INC": f"EQUALS\n 'MULTZ' 0.5 3 9 4 30 5 5 /\n/\n",
    }
    multiply = "".join(f"   'PERMZ' {ratio}    1 {nx} 1 {ny}  {layer} {layer} /    Garn 3\n" for layer, ratio in enumerate(LAYERS, 1))
    parts["NORNE.DATA"] = f"""
RUNSPEC
DIMENS
{nx} {ny} {nz}   /
METRIC
START
 06  'NOV' 1997 /
GRID
NEWTRAN
GRIDFILE
  0  1 /
MAPAXES
 0.  100.  0.  0.  100.  0.  /
MESSAGES
 8*10000  20000 10000 1000 1* /
PINCH
 0.001 GAP  1* TOPBOT TOP/
NOECHO
INCLUDE
 './INCLUDE/GRID/IRAP.GRDECL' /
INCLUDE
 './INCLUDE/GRID/ACTNUM.prop' /
INCLUDE
 './INCLUDE/FAULT/FAULT.INC' /
INCLUDE
 './INCLUDE/FAULT/MULT.INC' /
INCLUDE
 './INCLUDE/PETRO/PORO.prop' /
INCLUDE
 './INCLUDE/PETRO/NTG.prop' /
INCLUDE
 './INCLUDE/PETRO/PERM.prop' /
COPY
   PERMX PERMY /
   PERMX PERMZ /
/
MULTIPLY
{multiply}/
INCLUDE
 './INCLUDE/PETRO/MULTZ.INC' /
EQUALS
  'MULTZ'    0.05     1  {nx}  1 {ny}  7  7  / Tofte 2.1.1 - Tofte 1.2.2
/
MINPV
  500 /
EDIT
PROPS
INCLUDE
 'absent/PVT.INC' /
EQUALS
SWL 0.04 1 46 1 112 1  1   /
/
COPY
 'SWL'  'ISWL'   1 46 1 112  5  22 /
 /
RPTSOL
FIP=3  SWAT /
SCHEDULE
WELSPECS
 'D-1H' 'MANI-D2' 22 22 1* 'OIL' /
/
"""
    parts.update(replaced)
    for name, text in parts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return k, k * np.array(LAYERS)[:, None, None], active


def test_a_deck_built_as_nornes(mano, tmp_path):
    k, kz, active = norne(tmp_path)
    size = (23 * 100.0, 56 * 80.0, 11 * 8.0)
    out = mano("solve", "--permeability", "NORNE.DATA", "--size", "2300x4480x88", "--permeability-z", "PERMZ", "--drop-islands", "--well",
               "1150,2280,rate=800,radius=0.1", "--well", "850,1000,bhp=200,radius=0.1", "--well", "1450,3560,bhp=210,radius=0.1,layers=5:11",
               "-o", "o.vti", "--json", "o.json").out
    wells = [{"i": 11, "j": 28, "layers": (0, 10), "rate": 800, "radius": 0.1}, {"i": 8, "j": 12, "layers": (0, 10), "bhp": 200, "radius": 0.1},
             {"i": 14, "j": 44, "layers": (4, 10), "bhp": 210, "radius": 0.1}]
    conductance = 1e-3 * DARCY / 1e-3 * 1e5 * 86400  # of mD and cP, in m, bar and days
    result, used = check_solution(tmp_path, (k, k, kz), size, wells, active, conductance, "bar", "m/day", 1.0)
    assert not used[~active].any() and used.sum() > 0.98 * active.sum()  # islands
    assert sum(well["rate"] for well in result["wells"]) == pytest.approx(0, abs=1e-6)
    # What is not taken over is said, a line each.
    notes = [line for line in out.splitlines() if line.startswith("note")]
    assert len(notes) == 2
    assert "COORD, ZCORN of NORNE.DATA are not read" in notes[0] and "equal boxes" in notes[0]
    assert "NTG, FAULTS, MULTFLT, MULTZ, PINCH, MINPV of NORNE.DATA are not applied" in notes[1]
    # Without an option kz is PERMZ, and with --anisotropy-z 1 it is PERMX; the PERMY of this deck is its PERMX.
    rock = ["solve", "--permeability", "NORNE.DATA", "--drop-islands", "-o", "o.vti", "--json"]
    out = mano(*rock, "deck.json").out
    assert "without it lengths are 1" in out and "permeability along z is PERMZ of NORNE.DATA" in out and "PERMY" not in out
    mano(*rock, "given.json", "--permeability-z", "PERMZ")
    assert "PERMZ" not in mano(*rock, "equal.json", "--anisotropy-z", 1).out
    flows = [json.loads((tmp_path / f"{name}.json").read_text())["outflow"] for name in ("deck", "given", "equal")]
    assert flows[0] == flows[1] and abs(flows[2]["top"] - flows[0]["top"]) > 0.01 * abs(flows[0]["top"])
    section = ["solve", "--permeability", "NORNE.DATA", "--section", 28, "--drop-islands", "-o", "s.vti"]
    assert "--permeability-y PERMZ takes it" in mano(*section).out
    assert "takes it" not in mano(*section, "--permeability-y", "PERMZ").out
    dataset = ["generate", "--permeability", "NORNE.DATA", "--size", "2300x4480x88", "--drop-islands", "--well", "1150,2280,bhp=200,radius=0.1", "--well",
               "850,1000,rate=100,radius=0.1", "-o", "o.h5"]
    assert "PERMZ of NORNE.DATA is not used: a dataset holds one permeability a cell, --anisotropy-z gives" in mano(*dataset).out
    assert "--permeability-z: a dataset holds one permeability a cell" in mano(*dataset, "--permeability-z", "PERMZ", status=2).err


@pytest.mark.parametrize("name, text, words", [
    ("INCLUDE/PETRO/PERM.prop", "PERMX\n 3*5 /\n", "PERM.prop, line 1: PERMX has only 3 values, a grid of 23x56x11 needs 14168"),
    ("INCLUDE/PETRO/PERM.prop", "PERMX\n14168*5 /\nMULTIREG\n PERMX 2 1 /\n/\n", "line 4: MULTIREG changes PERMX, and is not carried out"),
    ("INCLUDE/PETRO/MULTZ.INC", "MULTIPLY\n PERMZ 2 1 24 /\n/\n", "MULTZ.INC, line 2: MULTIPLY: a box from 1 to 24 in I, the grid has 1 to 23"),
    ("INCLUDE/PETRO/PERM.prop", "PERMX\n14168*0 /\n", "permeability"),
])
def test_what_is_wrong_in_a_deck_is_one_line(mano, tmp_path, name, text, words):
    norne(tmp_path, **{name: text})
    err = mano("solve", "--permeability", "NORNE.DATA", "--permeability-z", "PERMZ", "--size", "2300x4480x88", "-o", "o.vti", status=2).err
    assert words in err and err.count("\n") == 1 and not (tmp_path / "o.vti").exists()


def test_a_model_like_spe10(mano, tmp_path):
    # Smooth lognormal layers above, winding channels in tight rock below; cells of 20 x 10 x 2 ft, five wells through all layers.
    shape = (10, 44, 20)
    k = np.exp(3 + 1.5 * smooth(shape, 8) + np.random.default_rng(9).normal(size=(10, 1, 1)))
    j, i = np.mgrid[0:44, 0:20]
    sand = np.zeros(shape, bool)
    for layer in range(5, 10):
        for start in (3, 9, 15):
            sand[layer] |= np.abs(i - start - 3 * np.sin(0.2 * j + start + layer // 2)) < 1.5
    k[5:] = np.where(sand[5:], 2000 * np.exp(0.5 * smooth(shape, 10)[5:]), 0.002 * np.exp(0.5 * smooth(shape, 11)[5:]))
    kz = np.where(sand, 0.3, 1e-3) * k
    kz[:5] = 0.1 * k[:5]
    assert k.max() / kz.min() > 1e7
    (tmp_path / "spe10.grdecl").write_text("FIELD\nDIMENS\n20 44 10 /\nPERMX\n" + numbers(k) + "PERMY\n" + numbers(k) + "PERMZ\n" + numbers(kz))
    cells = [(10, 22), (0, 0), (19, 0), (0, 43), (19, 43)]
    given = ["rate=500"] + ["bhp=4000"] * 4
    options = [text for (i, j), what in zip(cells, given) for text in ("--well", f"{20 * (i + 0.5)},{10 * (j + 0.5)},{what},radius=0.25")]
    out = mano("solve", "--permeability", "spe10.grdecl", "--size", "400x440x20", "--permeability-z", "PERMZ", "--viscosity", 0.3, *options,
               "-o", "o.vti", "--json", "o.json").out
    assert "note" not in out
    wells = [{"i": i, "j": j, "layers": (0, 9), "radius": 0.25, **({"bhp": 4000} if n else {"rate": 500})} for n, (i, j) in enumerate(cells)]
    conductance = 1e-3 * DARCY / (0.3e-3) * PSI * 86400 * FOOT / BARREL
    velocity = BARREL / FOOT**3  # of barrels a day and square foot
    check_solution(tmp_path, (k, k, kz), (400.0, 440.0, 20.0), wells, np.ones(shape, bool), conductance, "psi", "ft/day", velocity)


def test_a_layer_takes_the_permeability_along_y_of_its_deck(mano, tmp_path):
    kx, ky = np.random.default_rng(0).uniform(1, 9, (2, 2, 3, 4))
    (tmp_path / "deck.grdecl").write_text("METRIC\nDIMENS\n4 3 2 /\nPERMX\n" + numbers(kx) + "PERMY\n" + numbers(ky) + "PERMZ\n" + numbers(ky))
    layer = ["--permeability", "deck.grdecl", "--layer", 2, "--size", "400x300"]
    flow = ["--bottom", "pressure=1", "--top", "pressure=0"]
    out = mano("solve", *layer, *flow, "-o", "a.h5").out
    assert "permeability along y is PERMY of deck.grdecl" in out and "PERMZ" not in out
    mano("solve", *layer, *flow, "--permeability-y", "PERMY", "-o", "b.h5")
    with h5py.File(tmp_path / "a.h5") as a, h5py.File(tmp_path / "b.h5") as b:
        assert np.array_equal(a["permeability_y"][0], b["permeability_y"][0]) and np.array_equal(a["pressure"], b["pressure"])
        assert np.allclose(a["permeability_y"][0], ky[1], rtol=1e-6)
    assert "PERMY" not in mano("solve", *layer, *flow, "--anisotropy", 1, "-o", "c.h5").out
    assert "PERMY of deck.grdecl is not used: a dataset holds one" in mano("generate", *layer, "-o", "d.h5").out
    (tmp_path / "one.grdecl").write_text("DIMENS\n4 3 1 /\nPERMX\n" + numbers(kx[0]) + "PERMY\n 12*50 /\n")
    mano("upscale", "--permeability", "one.grdecl", "--json", "u.json")
    assert json.loads((tmp_path / "u.json").read_text())["ky"]["effective"] == pytest.approx(50)


@pytest.mark.needs("torch")
def test_a_surrogate_refuses_what_it_does_not_read(mano, tmp_path):
    """A permeability along y of its own, and other units; with --force it says so."""
    mano("generate", "--field", "two-phase", "--samples", 8, "--resolution", "16x16", "-o", "d.h5")
    mano("train", "--data", "d.h5", "-o", "run", "--depth", 1, "--epochs", 1, "--refinement", "none")
    (tmp_path / "y.grdecl").write_text("DIMENS\n16 16 1 /\nPERMX\n 256*5 /\nPERMY\n 256*50 /\n")
    (tmp_path / "unit.grdecl").write_text("FIELD\nDIMENS\n16 16 1 /\nPERMX\n 256*5 /\n")
    for deck, words in (("y", "PERMY of y.grdecl differs from the permeability along x"), ("unit", "unit.grdecl is in field units")):
        for command in ("predict", "compare"):
            rock = [command, "--model", "run", "--permeability", f"{deck}.grdecl", "-o", f"{deck}-{command}" + (".vti" if command == "predict" else "")]
            err = mano(*rock, status=2).err
            assert words in err and "--force" in err and err.count("\n") == 1
            assert f"note: {words}" in mano(*rock, "--force").out
    (tmp_path / "same.grdecl").write_text("DIMENS\n16 16 1 /\nPERMX\n 256*5 /\nPERMY\n 256*5 /\n")
    mano("predict", "--model", "run", "--permeability", "same.grdecl", "-o", "same.vti")


def test_a_permeability_along_y_that_cannot_be_read_is_refused_where_it_is_taken(mano, tmp_path):
    (tmp_path / "part.grdecl").write_text("DIMENS\n 2 2 2 /\nPERMX\n 8*5 /\nBOX\n 1 2 1 2 1 1 /\nPERMY\n 4*7 /\nENDBOX\n")
    err = mano("solve", "--permeability", "part.grdecl", "-o", "o.vti", status=2).err
    assert "PERMY" in err and err.count("\n") == 1 and not (tmp_path / "o.vti").exists()
    mano("solve", "--permeability", "part.grdecl", "--anisotropy", 1, "-o", "o.vti")
    assert "PERMY of part.grdecl is not used: a dataset holds one" in mano("generate", "--permeability", "part.grdecl", "-o", "o.h5").out
