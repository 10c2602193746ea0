"""mano generate against what people use today, side by side in one run; answers are checked before a time is printed.

    scripts/bench [--quick]      writes the table of docs/performance.md to build/solver_comparison.md and .json

One core unless said otherwise; two-phase permeability, benchmark set-up, relative tolerance 1e-8 on the true residual. Rivals are
given the permeability and stop at the pressure; mano is timed as a whole program: start, fields, solves, checks, writing.
"""
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np
import pyamg
import scipy
import scipy.sparse as sparse
import scipy.sparse.linalg

ROOT = pathlib.Path(__file__).resolve().parent.parent
MANO = ROOT / "build/release/mano"
RIVALS = ROOT / "build/release/bench/petsc_rivals"
ONE_CORE = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1",
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def assemble(k):
    """Vectorised, as a careful user of SciPy would write it."""
    ny, nx = k.shape
    tx = np.zeros((ny, nx + 1))
    ty = np.zeros((ny + 1, nx))
    tx[:, 1:-1] = 2 * k[:, :-1] * k[:, 1:] / (k[:, :-1] + k[:, 1:]) * nx / ny
    ty[1:-1] = 2 * k[:-1] * k[1:] / (k[:-1] + k[1:]) * ny / nx
    tx[:, 0], tx[:, -1] = 2 * k[:, 0] * nx / ny, 2 * k[:, -1] * nx / ny
    ty[0], ty[-1] = 2 * k[0] * ny / nx, 2 * k[-1] * ny / nx
    east, north = tx[:, 1:].copy(), ty[1:].ravel()
    east[:, -1] = 0
    main = (tx[:, :-1] + tx[:, 1:] + ty[:-1] + ty[1:]).ravel()
    east = east.ravel()
    matrix = sparse.diags([-north[:-nx], -east[:-1], main, -east[:-1], -north[:-nx]], [-nx, -1, 0, 1, nx], format="csr")
    return matrix, np.full(nx * ny, 1.0 / (nx * ny))


def spsolve(k):
    matrix, b = assemble(k)
    return sparse.linalg.spsolve(matrix.tocsc(), b)


def ruge_stueben(k):
    matrix, b = assemble(k)
    return pyamg.ruge_stuben_solver(matrix).solve(b, tol=1e-8, accel="cg")


def timed(function, fields, truths):
    seconds = []
    for k, truth in zip(fields, truths):
        start = time.perf_counter()
        p = function(k)
        seconds.append(time.perf_counter() - start)
        error = np.linalg.norm(p - truth.ravel()) / np.linalg.norm(truth)
        assert error < 1e-6, f"{function.__name__}: error {error}"
    return float(np.median(seconds))


def seconds_of(command, ranks):
    """By the clock, of a whole program."""
    command = list(map(str, command))
    if ranks > 1:
        command = ["mpiexec", "--oversubscribe", "-n", str(ranks), *command]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=ONE_CORE)
    return time.perf_counter() - start


def generate(folder, n, samples, name, ranks=1):
    path = folder / name
    command = [str(MANO), "generate", "--field", "two-phase", "--seed", "1", "--samples", str(samples), "--resolution", f"{n}x{n}",
               "--tolerance", "1e-8", "-o", str(path)]
    return path, seconds_of(command, ranks)


def compare(folder, n, samples, checked):
    path, wall = generate(folder, n, samples, f"{n}.h5")
    two_path, two = generate(folder, n, samples, f"{n}-two.h5", ranks=2)
    small, _ = generate(folder, n, checked + 1, f"{n}-small.h5")
    with h5py.File(path) as one, h5py.File(two_path) as both:
        fields = one["permeability"][:checked]
        pressures = one["pressure"][:checked]
        assert np.array_equal(one["pressure"][-1], both["pressure"][-1]), "two ranks differ from one"
        size = os.path.getsize(path) / samples
    truths = [spsolve(k) for k in fields]
    for p, truth in zip(pressures, truths):
        error = np.linalg.norm(p.ravel() - truth) / np.linalg.norm(truth)
        assert error < 1e-6, f"mano: error {error}"
    rows = {"mano generate": wall / samples, "mano generate, 2 ranks": two / samples}
    if n <= 512:
        rows["SciPy spsolve"] = timed(spsolve, fields, truths)
    rows["pyamg Ruge-Stueben + CG"] = timed(ruge_stueben, fields, truths)
    out = subprocess.run([str(RIVALS), str(small)], check=True, capture_output=True, text=True, env=ONE_CORE).stdout
    for line in out.splitlines():
        result = json.loads(line)
        assert result["error"] < 1e-6, result
        rows[result["method"] + " + CG"] = result["seconds"]
    return {"resolution": n, "samples": samples, "bytes_a_sample": size, "seconds_a_sample": rows}


def processor():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def main():
    quick = "--quick" in sys.argv
    cases = [(256, 40, 2)] if quick else [(256, 1000, 4), (512, 200, 2), (1024, 40, 1)]
    with tempfile.TemporaryDirectory() as name:
        results = [compare(pathlib.Path(name), *case) for case in cases]
    methods = list(results[0]["seconds_a_sample"])
    lines = [f"{processor()}, {os.cpu_count()} cores; SciPy {scipy.__version__}, pyamg {pyamg.__version__}.", "",
             "| milliseconds a sample (times mano's) | " + " | ".join(f"{r['resolution']}x{r['resolution']}" for r in results) + " |",
             "|---|" + "---|" * len(results)]
    for method in methods:
        cells = []
        for r in results:
            seconds = r["seconds_a_sample"].get(method)
            ratio = None if seconds is None else seconds / r["seconds_a_sample"]["mano generate"]
            cells.append("" if seconds is None else f"{1e3 * seconds:.3g} ({ratio:.2g}x)")
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    table = "\n".join(lines)
    print(table)
    (ROOT / "build/solver_comparison.md").write_text(table + "\n")
    (ROOT / "build/solver_comparison.json").write_text(json.dumps({"machine": processor(), "results": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
