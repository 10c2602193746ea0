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


def deck(case, steps):
    """Text of a deck; water is injected in the first cell, the last one produces. `case`: permeability [ny, nx] in mD, size and thickness in m,
    porosity, viscosities in cP of water and oil, corey exponents of both, rate in m3/day, bhp in bar, radius in m, days."""
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
    columns = [(bytes(k).decode().strip() if isinstance(k, bytes) else str(k).strip(), bytes(w).decode().strip() if isinstance(w, bytes) else str(w).strip())
               for k, w in zip(specification["KEYWORDS"], specification["WGNAMES"])]
    curves = np.array([values for name, values in resfo.read(folder / "CASE.UNSMRY") if name.strip() == "PARAMS"], dtype=float)
    column = lambda keyword, well: curves[:, columns.index((keyword, well))]
    days = curves[:, [keyword for keyword, _ in columns].index("TIME")]
    return types.SimpleNamespace(saturation=np.array(last["SWAT"], dtype=float).reshape(shape), pressure=np.array(last["PRESSURE"], dtype=float).reshape(shape),
                                 days=days, cut=column("WWCT", "P"), injection_pressure=column("WBHP", "I"), seconds=seconds)
