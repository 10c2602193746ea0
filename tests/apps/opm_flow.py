"""OPM Flow, the open reservoir simulator (opm-project.org; Debian's libopm-simulators-bin): one displacement as an Eclipse deck, and its results.

Flow is fully implicit: backward Euler for pressure and saturation at once, two-point fluxes with the harmonic mean of k and the mobility of
each fluid from the cell that it leaves. Its fluids are compressible by 1e-5 per bar, since it does not converge without. Metric units.
"""
import os
import pathlib
import shutil
import subprocess
import types

import numpy as np
import resfo

TIGHT = ["--linear-solver-reduction=1e-5", "--tolerance-cnv=1e-5", "--tolerance-mb=1e-9", "--tolerance-wells=1e-6"]

DECK = """RUNSPEC
DIMENS
 {nx} {ny} 1 /
OIL
WATER
METRIC
START
 1 JAN 2000 /
TABDIMS
 1 1 1000 20 /
WELLDIMS
 2 1 1 2 /
UNIFOUT
GRID
DX
 {cells}*{dx!r} /
DY
 {cells}*{dy!r} /
DZ
 {cells}*{thickness} /
TOPS
 {cells}*2000 /
PORO
 {cells}*{porosity} /
PERMX
 {permeability} /
COPY
 PERMX PERMY /
 PERMX PERMZ /
/
PROPS
PVTW
 {bhp} 1 1e-5 {viscosities[0]} 0 /
PVDO
 1 1.1 {viscosities[1]}
 10000 1 {viscosities[1]} /
ROCK
 {bhp} 1e-5 /
DENSITY
 1000 1000 1 /
SWOF
 {saturation_functions} /
SOLUTION
PRESSURE
 {cells}*{start} /
SWAT
 {cells}*0 /
SUMMARY
WWCT
 P /
WBHP
/
SCHEDULE
RPTRST
 BASIC=3 FREQ={steps} /
WELSPECS
 I G 1 1 1* WATER /
 P G {nx} {ny} 1* OIL /
/
COMPDAT
 I 1 1 1 1 OPEN 2* {diameter} /
 P {nx} {ny} 1 1 OPEN 2* {diameter} /
/
WCONINJE
 I WATER OPEN RATE {rate} /
/
WCONPROD
 P OPEN BHP 5* {bhp} /
/
TSTEP
 {steps}*{step!r} /
END
"""


def installed():
    return shutil.which("flow") is not None


def quarter_five_spot(permeability, viscosities=(0.5, 2.5), corey=(2, 2)):
    """Water injected in the first cell, the last one produces, to 0.4 pore volumes. permeability [ny, nx] in mD, size and thickness in m,
    viscosities in cP and exponents of water and oil, rate in m3/day, bhp in bar, radius in m."""
    case = types.SimpleNamespace(permeability=permeability, size=(640.0, 640.0), thickness=10.0, porosity=0.2, viscosities=viscosities, corey=corey,
                                 rate=100.0, bhp=100.0, radius=0.1)
    case.days = 0.4 * case.size[0] * case.size[1] * case.thickness * case.porosity / case.rate
    return case


def mano_options(case, folder):
    """The same for mano simulate and generate; rock.grdecl in the folder holds its permeability."""
    ny, nx = case.permeability.shape
    values = "\n".join(f"{k:.12g}" for k in case.permeability.ravel())
    (folder / "rock.grdecl").write_text(f"SPECGRID\n {nx} {ny} 1 1 F /\nPERMX\n{values} /\n")
    (lx, ly), x, y = case.size, case.size[0] / nx / 2, case.size[1] / ny / 2
    return ["--field", "file", "--permeability", "rock.grdecl", "--units", "metric", "--size", f"{lx}x{ly}", "--thickness", case.thickness, "--porosity",
            case.porosity, "--viscosity", case.viscosities[0], "--displaced-viscosity", case.viscosities[1], "--corey", f"{case.corey[0]},{case.corey[1]}",
            "--well", f"{x},{y},rate={case.rate},radius={case.radius}", "--well", f"{lx - x},{ly - y},bhp={case.bhp},radius={case.radius}", "--until", "0.4pv"]


def deck(case, steps):
    """Text of a deck that runs quarter_five_spot()."""
    ny, nx = case.permeability.shape
    s = np.linspace(0, 1, 1000)
    table = "\n ".join(f"{x:.12g} {x**case.corey[0]:.12g} {(1 - x)**case.corey[1]:.12g} 0" for x in s)
    return DECK.format(**vars(case) | {"permeability": "\n ".join(f"{k:.12g}" for k in case.permeability.ravel())}, nx=nx, ny=ny, cells=nx * ny,
                       dx=case.size[0] / nx, dy=case.size[1] / ny, saturation_functions=table, start=case.bhp + 5, diameter=2 * case.radius,
                       steps=steps, step=case.days / steps)


def run(case, steps, folder, options=()):
    """Saturation of water and pressure [ny, nx] at the end; days, water cut and the injector's pressure by step; seconds that Flow states."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "CASE.DATA").write_text(deck(case, steps))
    process = subprocess.run(["flow", "CASE.DATA", "--output-dir=.", "--threads-per-process=1", *options], cwd=folder, check=False, capture_output=True,
                             text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if process.returncode != 0:
        raise RuntimeError(process.stdout[-2000:] + process.stderr[-2000:])
    seconds = next(float(line.split(":")[1]) for line in process.stdout.splitlines() if line.startswith("Total time (seconds)"))
    shape = case.permeability.shape
    last = {name.strip(): values for name, values in resfo.read(folder / "CASE.UNRST")}
    specification = {name.strip(): values for name, values in resfo.read(folder / "CASE.SMSPEC")}
    columns = [(keyword.decode().strip(), well.decode().strip()) for keyword, well in zip(specification["KEYWORDS"], specification["WGNAMES"])]
    curves = np.array([values for name, values in resfo.read(folder / "CASE.UNSMRY") if name.strip() == "PARAMS"], dtype=float)
    column = lambda keyword, well: curves[:, columns.index((keyword, well))]
    days = curves[:, [keyword for keyword, _ in columns].index("TIME")]
    return types.SimpleNamespace(saturation=np.array(last["SWAT"], dtype=float).reshape(shape), pressure=np.array(last["PRESSURE"], dtype=float).reshape(shape),
                                 days=days, cut=column("WWCT", "P"), injection_pressure=column("WBHP", "I"), seconds=seconds)


def limit(case, steps, folder):
    """Saturation and pressure in the limit of small steps, and the finer of the two runs: backward Euler's error falls with the step, so twice
    the finer run less the coarser."""
    coarse, fine = (run(case, n, pathlib.Path(folder) / f"{n}", TIGHT) for n in (steps, 2 * steps))
    return types.SimpleNamespace(saturation=2 * fine.saturation - coarse.saturation, pressure=2 * fine.pressure - coarse.pressure, fine=fine)
