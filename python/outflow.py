"""Distribution of the flow through the right side over the samples of datasets of the set-up 'drive'.

    outflow.py FILE.h5 [MORE.h5 ...]              each file by itself
    outflow.py --control FEW.h5 SURROGATE.h5      the surrogate's many samples, corrected by the solver's few of the same draws

A mean is followed by its standard error. With --control the solver's first samples must be the surrogate's first: what the
surrogate is off by on them, on average, is added to its mean over all (a control variate), and likewise to its distribution
function, which is then inverted for the quantiles.
"""
import argparse

import h5py
import numpy as np


def outflow(path):
    """q = sum over faces of T (difference of pressure)^2, the power that flow with a unit drop of pressure dissipates. [N]

    For the solution that is the flow through the right side. For a prediction that is off by e it is off by the square of e in the
    energy norm alone (Dirichlet's principle), where the flux through one side would be off by e itself.
    """
    with h5py.File(path) as f:
        if f.attrs["setup"] != "drive":
            raise SystemExit(f"outflow: error: {path}: problem is '{f.attrs['setup']}', expected 'drive'")
        if f["pressure"].ndim != 3:
            raise SystemExit(f"outflow: error: {path}: holds volumes of the shape {f['pressure'].shape[1:]}, expected flat fields; mano.solve(...).outflow has theirs")
        if "active" in f:
            raise SystemExit(f"outflow: error: {path}: has inactive cells, expected none; mano.solve(...).outflow takes them")
        k, p = f["permeability"][()], f["pressure"][()]
        aspect = (f.attrs["size_y"] / p.shape[1]) / (f.attrs["size_x"] / p.shape[2])  # hy / hx
    harmonic = lambda a, b: 2 * a * b / (a + b)
    power = (harmonic(k[:, :, 1:], k[:, :, :-1]) * np.diff(p, axis=2) ** 2).sum((1, 2)) * aspect
    power += (harmonic(k[:, 1:], k[:, :-1]) * np.diff(p, axis=1) ** 2).sum((1, 2)) / aspect
    return power + 2 * aspect * (k[:, :, 0] * (1 - p[:, :, 0]) ** 2 + k[:, :, -1] * p[:, :, -1] ** 2).sum(1)


def check_same_draws(few, many):
    with h5py.File(few) as a, h5py.File(many) as b:
        n = len(a["seed"])
        if n > len(b["seed"]) or any(not np.array_equal(a[name][()], b[name][:n]) for name in ("seed", "sample")):
            raise SystemExit(f"outflow: error: {few} does not hold the first draws of {many}: take the same --seed")


def report(name, mean, error, quantiles):
    print(f"{name:<28} mean {mean:.4f} +- {error:.4f}   5 %, 50 %, 95 %: " + ", ".join(f"{q:.3f}" for q in quantiles))


def controlled(few, surrogate):
    """Mean, standard error and quantiles from few solved samples and many predicted ones, of which they are the first."""
    n, many = len(few), len(surrogate)
    difference = few - surrogate[:n]
    mean = surrogate.mean() + difference.mean()
    # Of the mean over n of the difference about that over many, and of the solver's mean over many about the expectation; the latter
    # from the surrogate's spread, itself controlled.
    spread = surrogate.var(ddof=1) + few.var(ddof=1) - surrogate[:n].var(ddof=1)
    error = np.sqrt(difference.var(ddof=1) * (1 / n - 1 / many) + max(0.0, spread) / many)
    levels = np.sort(np.concatenate([few, surrogate]))
    below = lambda values: np.searchsorted(np.sort(values), levels, side="right") / len(values)
    function = np.maximum.accumulate(below(surrogate) + below(few) - below(surrogate[: len(few)]))
    quantiles = [levels[min(np.searchsorted(function, p), len(levels) - 1)] for p in (0.05, 0.5, 0.95)]
    return mean, error, quantiles


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--control", metavar="FEW.h5", help="solved samples, the first of the surrogate's")
    options = parser.parse_args()
    for path in options.files:
        q = outflow(path)
        if options.control:
            check_same_draws(options.control, path)
            few = outflow(options.control)
            report(f"{path}, controlled by {len(few)}", *controlled(few, q))
        else:
            report(f"{path} ({len(q)})", q.mean(), q.std(ddof=1) / np.sqrt(len(q)), np.quantile(q, (0.05, 0.5, 0.95)))


if __name__ == "__main__":
    main()
