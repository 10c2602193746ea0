"""mano simulate beside OPM Flow (Debian's libopm-simulators-bin): the table of docs/displacement.md.

    .venv/bin/python bench/opm_comparison.py [--seeds 3] [-o docs/displacement-opm.json]

A quarter five-spot in two-phase rock, oil five times as viscous as water, 0.4 pore volumes, 640x640 m, one core. First the grids: how far
apart the two are, each in its limit of small steps. Then, at 64x64, seconds and the error of steps of both, each against its own limit.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy as np

from resolution_study import MANO, ROOT, processor

sys.path.insert(0, str(ROOT / "tests" / "apps"))
import opm_flow  # noqa: E402


def mano(folder, *arguments):
    subprocess.run([MANO, *map(str, arguments)], cwd=folder, check=True, capture_output=True, env={"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"})


def rock(folder, n, seed):
    mano(folder, "solve", "--field", "two-phase", "--seed", seed, "--phases", "300,1200", "--resolution", f"{n}x{n}", "-o", "rock.h5")
    with h5py.File(folder / "rock.h5") as f:
        permeability = f["permeability"][()].reshape(n, n)
    return opm_flow.quarter_five_spot(permeability)


def ours(folder, case, tolerance):
    """Saturation at the end, and the fewest seconds of five runs."""
    options = opm_flow.mano_options(case, folder)
    mano(folder, "generate", "--problem", "displacement", *options, "--samples", 1, "--snapshots", 1, "--step-tolerance", tolerance, "-o", "one.h5",
         "--overwrite")
    with h5py.File(folder / "one.h5") as f:
        saturation = f["saturation"][0, -1]
    seconds = []
    for _ in range(5):
        mano(folder, "simulate", *options, "--snapshots", 1, "--step-tolerance", tolerance, "--no-estimate", "-o", "m.pvd", "--json", "m.json")
        seconds.append(json.loads((folder / "m.json").read_text())["seconds"])
    return saturation, min(seconds)


def relative(a, b):
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def compare_grids(folder, seeds):
    rows = []
    for n in (16, 32, 64):
        apart = []
        for seed in range(1, seeds + 1):
            case = rock(folder, n, seed)
            apart.append(relative(opm_flow.limit(case, 10 * n, folder).saturation, ours(folder, case, 0.005)[0]))
        rows.append({"resolution": [n, n], "apart": apart})
        print(f"{n}x{n}: apart {np.mean(apart):.4f}", flush=True)
    return rows


def compare_times(folder, seeds, n=64):
    rows = {}
    for seed in range(1, seeds + 1):
        case = rock(folder, n, seed)
        limits = {"mano": ours(folder, case, 0.005)[0], "flow": opm_flow.limit(case, 10 * n, folder).saturation}
        for tolerance in (2.0, 1.0, 0.5, 0.2, 0.1):
            saturation, seconds = ours(folder, case, tolerance)
            rows.setdefault(f"mano --step-tolerance {tolerance:g}", []).append([seconds, relative(saturation, limits["mano"])])
        for steps in (5, 10, 20, 40, 80, 160, 320):
            runs = [opm_flow.run(case, steps, folder / "flow", ["--linear-solver-reduction=1e-3"]) for _ in range(3)]  # more than its default, which fails here
            rows.setdefault(f"flow, {steps} steps", []).append([min(run.seconds for run in runs), relative(runs[0].saturation, limits["flow"])])
        print(*(f"{name}: {1e3 * np.mean([s for s, _ in row]):.0f} ms, {np.mean([e for _, e in row]):.4f}" for name, row in rows.items()), sep="\n", flush=True)
    return [{"run": name, "seconds": [s for s, _ in row], "error": [e for _, e in row]} for name, row in rows.items()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("-o", "--output", type=pathlib.Path, default=ROOT / "build" / "displacement-opm.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = {"machine": f"{processor()}, one core", "flow": subprocess.run(["flow", "--version"], capture_output=True, text=True, check=True).stdout.strip(),
                  "grids": compare_grids(pathlib.Path(folder), options.seeds), "times_at_64x64": compare_times(pathlib.Path(folder), options.seeds)}
    options.output.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
