"""pyamg on the problem of volume_bench, on one core: Ruge-Stueben and smoothed aggregation, both with conjugate gradients, to a true relative
residual of 1e-8; the benchmark set-up. Prints one line of JSON a method, with processor time: assembly, set-up and iterations.

    volume_bench 64x64x64 two-phase 1 PERMEABILITY && python bench/volume_pyamg.py PERMEABILITY 64x64x64 1
"""
import json
import sys
import time

import numpy as np
import pyamg
import scipy.sparse as sparse


def assemble(kx, kz, hx, hz):
    """[nz, ny, nx] and the sizes of cells, square in plan; p = 0 on all sides, f = 1."""
    n = kx.size
    diagonals, offsets, main = [], [], np.zeros(kx.shape)
    for axis, k, t in ((2, kx, hz), (1, kx, hz), (0, kz, hx * hx / hz)):
        last = k.shape[axis] - 1
        a, b = np.take(k, range(last), axis), np.take(k, range(1, last + 1), axis)
        face = np.zeros(k.shape)
        inner = [slice(None)] * 3
        inner[axis] = slice(0, last)
        face[tuple(inner)] = t * 2 * a * b / (a + b)
        main += face
        shifted = [slice(None)] * 3
        shifted[axis] = slice(1, None)
        main[tuple(shifted)] += face[tuple(inner)]
        for end in (0, last):
            at = [slice(None)] * 3
            at[axis] = end
            main[tuple(at)] += 2 * t * k[tuple(at)]
        offset = int(np.prod(k.shape[axis + 1:]))
        if last > 0:
            diagonals += [-face.ravel()[:n - offset]] * 2
            offsets += [offset, -offset]
    matrix = sparse.diags([main.ravel(), *diagonals], [0, *offsets], format="csr")
    return matrix, np.full(n, hx * hx * hz)


def pressure(kx, kz, hx, aspect):
    """To a relative residual of 1e-11."""
    matrix, b = assemble(kx, kz, hx, hx / aspect)
    return pyamg.ruge_stuben_solver(matrix).solve(b, tol=1e-11, accel="cg", maxiter=300)


def main():
    nx, ny, nz = (int(part) for part in sys.argv[2].split("x"))
    aspect = float(sys.argv[3])
    kx, kz = np.fromfile(sys.argv[1]).reshape(2, nz, ny, nx)
    hx = 1 / nx
    for name, setup in (("pyamg Ruge-Stueben", pyamg.ruge_stuben_solver), ("pyamg smoothed aggregation", pyamg.smoothed_aggregation_solver)):
        best, residual = float("inf"), 1.0
        for _ in range(2):
            start = time.process_time()
            matrix, b = assemble(kx, kz, hx, hx / aspect)
            residuals = []
            p = setup(matrix).solve(b, tol=1e-8, accel="cg", maxiter=300, residuals=residuals)
            best = min(best, time.process_time() - start)
            residual = np.linalg.norm(b - matrix @ p) / np.linalg.norm(b)
        print(json.dumps({"method": name, "seconds": round(best, 4), "iterations": len(residuals) - 1, "residual": residual,
                          "right": bool(residual < 1.01e-8), "mean": p.mean()}), flush=True)


if __name__ == "__main__":
    main()
