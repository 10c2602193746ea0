"""mano generate of volumes against what people use today, side by side in one run; answers are checked before a time is printed.

    scripts/bench --volumes [--quick]      writes a table of docs/performance.md to build/volume_comparison.md and .json

One core unless said otherwise; two-phase permeability, benchmark set-up, relative tolerance 1e-8 on the true residual. mano generate is timed
as a whole program: start, fields, solves, checks, writing. Its first field is then solved by mano alone and by all rivals (volume_bench,
volume_pyamg.py): set-up and solution, without drawing and writing, in processor time. mano generate is timed by the clock: leave both cores free.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy as np

from solver_comparison import MANO, ONE_CORE, ROOT, processor, seconds_of
from volume_pyamg import pressure

BENCH = ROOT / "build/release/bench/volume_bench"
# Cells; width over height of a cell; samples.
CASES = [((32, 32, 32), 1, 200), ((64, 64, 64), 1, 40), ((128, 128, 128), 1, 5), ((128, 128, 32), 100, 30)]


def generate(path, cells, aspect, samples, ranks):
    nx, ny, nz = cells
    command = [MANO, "generate", "--field", "two-phase", "--seed", "1", "--samples", samples, "--resolution", f"{nx}x{ny}x{nz}", "--size",
               f"1x{ny / nx:.17g}x{nz / nx / aspect:.17g}", "--tolerance", "1e-8", "-o", path, *(["--anisotropy-z", "0.1"] if aspect > 1 else [])]
    return seconds_of(command, ranks) / samples


def rivals(folder, path, cells, aspect):
    """Seconds by method, of the first field of the dataset at `path`; those that a wrong answer or a failure leaves out are None."""
    with h5py.File(path) as file:
        k, p = (np.asarray(file[name][0], np.float64) for name in ("permeability", "pressure"))
    rock, name = folder / "rock.bin", "x".join(map(str, cells))
    np.concatenate([k, k / 10 if aspect > 1 else k]).tofile(rock)
    truth = pressure(k, k / 10 if aspect > 1 else k, 1 / cells[0], aspect)
    error = np.linalg.norm(p.ravel() - truth) / np.linalg.norm(truth)
    assert error < 1e-6, f"mano generate at {name}: error {error}"
    rows = {}
    for command in ([BENCH, name, rock, aspect], [sys.executable, ROOT / "bench/volume_pyamg.py", rock, name, aspect]):
        out = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True, env=ONE_CORE).stdout
        for row in map(json.loads, out.splitlines()):
            if "method" in row:
                rows[row["method"]] = row["seconds"] if row.get("right") else None
    return rows


def compare(folder, cells, aspect, samples):
    paths = {ranks: folder / f"{ranks}.h5" for ranks in (1, 2)}
    whole = {1: float("inf"), 2: float("inf")}
    for _ in range(2):
        for ranks, path in paths.items():
            path.unlink(missing_ok=True)
            whole[ranks] = min(whole[ranks], generate(path, cells, aspect, samples, ranks))
    with h5py.File(paths[1]) as one, h5py.File(paths[2]) as two:
        assert np.array_equal(one["pressure"][-1], two["pressure"][-1]), "two ranks differ from one"
    alone = rivals(folder, paths[1], cells, aspect)
    rows = {"mano generate": whole[1], "mano generate, 2 ranks": whole[2], "mano, the solution alone": alone.pop("mano"), **alone}
    return {"cells": "x".join(map(str, cells)), "aspect": aspect, "samples": samples, "seconds_a_sample": rows}


def least(rows, start):
    """Of the methods whose names start so."""
    return min((seconds for name, seconds in rows.items() if name.startswith(start) and seconds is not None), default=None)


def table(results):
    """Markdown: our own rows by name, of each rival its fastest form."""
    own = ["mano generate", "mano generate, 2 ranks", "mano, the solution alone"]
    rows = [(name, lambda r, name=name: r[name]) for name in own]
    rows += [(f"{name}, its best form", lambda r, name=name: least(r, name)) for name in ("hypre", "PETSc GAMG", "PETSc geometric", "pyamg")]
    lines = [f"{processor()}.", "", "| milliseconds a sample (times mano generate's) | "
             + " | ".join(r["cells"] + (f", aspect {r['aspect']}" if r["aspect"] > 1 else "") for r in results) + " |", "|---|" + "---|" * len(results)]
    for name, of in rows:
        cells = []
        for r in results:
            seconds = of(r["seconds_a_sample"])
            ratio = (seconds or 0) / r["seconds_a_sample"]["mano generate"]
            cells.append("failed" if seconds is None else f"{1e3 * seconds:.3g} ({ratio:.2g}x)")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    cases = [((32, 32, 32), 1, 10)] if "--quick" in sys.argv else CASES
    results = []
    for case in cases:
        with tempfile.TemporaryDirectory() as name:
            results.append(compare(pathlib.Path(name), *case))
    print(table(results))
    (ROOT / "build/volume_comparison.md").write_text(table(results) + "\n")
    (ROOT / "build/volume_comparison.json").write_text(json.dumps({"machine": processor(), "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
