"""How well a model knows its own error: the figures of docs/trust.md from nothing, in some ten minutes.

    .venv/bin/python bench/trust_study.py [--seconds 180] [-o build/trust]

Two models, trained at 32x32 on two-phase and on lognormal rock; then, on fields that neither has seen: effectivity of the estimate, coverage of
the interval, alarms on rock like that of training and unlike it, and what the surrogate is worth as an initial guess.
"""
import argparse
import json
import os
import pathlib
import subprocess

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
MANO = pathlib.Path(os.environ.get("MANO_PROGRAM", ROOT / "build/release/mano"))
SPE10 = ["--permeability", ROOT / "data/spe10_model1_permx.grdecl", "--grid", "100x1x20", "--section", 1]
ROCK = {"two-phase": ["--field", "two-phase"], "lognormal": ["--field", "lognormal"]}
UNLIKE = {
    "lognormal": ROCK["lognormal"],
    "two-phase": ROCK["two-phase"],
    "two-phase 1,100": ["--field", "two-phase", "--phases", "1,100"],
    "two-phase 3,12 of a finer pattern": None,
    "lognormal, deviation 2": ["--field", "lognormal", "--deviation", 2],
    "lognormal, correlation length 0.3": ["--field", "lognormal", "--correlation-length", 0.3],
    "channels": ["--field", "channels"],
}


def mano(*arguments):
    subprocess.run([MANO, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def norms(fields):
    return np.linalg.norm(fields.reshape(len(fields), -1), axis=1)


def effectivity_and_coverage(run, data, folder):
    mano("predict", "--model", run, "--data", data, "--estimate", "-o", folder / "p.h5")
    with h5py.File(folder / "p.h5") as p, h5py.File(data) as truth:
        error = p["pressure"][()] - truth["pressure"][()]
        ratio = norms(p["error_estimate"][()]) / norms(error)
        covered = np.abs(error) <= p["interval_half_width"][()][:, None, None]
        return {"relative_l2": float(np.mean(norms(error) / norms(truth["pressure"][()]))), "effectivity_least": float(ratio.min()),
                "effectivity_mean": float(ratio.mean()), "effectivity_most": float(ratio.max()),
                "within": float(np.mean((ratio > 0.7) & (ratio < 1.3))), "covered": float(covered.mean()),
                "alarms": float(p["unlike_training"][()].mean())}


def initial_guess(run, field, folder):
    """Cycles to an error of 1e-8 from each start, between cycles by the logarithm, and what `mano compare` says."""
    out = folder / "compare"
    mano("compare", "--model", run, *field, "--seed", 505, "--samples", 20, "--resolution", "32x32,64x64,128x128", "-o", out, "--overwrite")
    comparison = json.loads((out / "compare.json").read_text())
    rows = {"headline": comparison["headline"]}
    for r in comparison["results"]:
        cycles = {}
        for curve in r["work_precision"][1:]:
            errors = np.array([p["relative_l2"] for p in curve["points"]])
            c = int(np.argmax(errors <= 1e-8))
            cycles[curve["name"]] = float(c - 1 + np.log(errors[c - 1] / 1e-8) / np.log(errors[c - 1] / errors[c]))
        rows["x".join(map(str, r["resolution"]))] = {"relative_l2": r["relative_l2"]["mean"], "cycles": cycles}
    return rows


def alarms(run, options, resolution, samples, folder):
    mano("predict", "--model", run, *options, *([] if "--permeability" in options else ["--samples", samples, "--seed", 303, "--resolution", resolution]),
         "--force", "-o", folder / "p.h5")
    with h5py.File(folder / "p.h5") as p:
        return float(p["unlike_training"][()].mean())


def finer_pattern(folder, samples):
    """Two-phase fields of half the size, mirrored into the domain: the same two permeabilities, interfaces twice as dense."""
    source, target = folder / "pattern.h5", folder / "finer.h5"
    if not target.exists():
        mano("generate", *ROCK["two-phase"], "--seed", 404, "--samples", samples, "--resolution", "16x16", "-o", source)
        with h5py.File(source) as f:
            k = f["permeability"][()]
        k = np.concatenate([k, k[:, ::-1]], 1)
        with h5py.File(target, "w") as f:
            f["permeability"] = np.concatenate([k, k[:, :, ::-1]], 2)
    return ["--permeability", target]


def study(kind, options, folder):
    run, train = folder / f"run-{kind}", folder / f"{kind}.h5"
    mano("generate", *ROCK[kind], "--seed", 101, "--samples", 1000, "--resolution", "32x32", "-o", train)
    mano("generate", *ROCK[kind], "--seed", 202, "--samples", options.samples, "--resolution", "32x32", "--also", "64x64,100x37", "-o", folder / f"{kind}-new.h5")
    if not run.with_suffix(".json").exists():  # written when the training has ended
        mano("train", "--data", train, "-o", run, "--overwrite", "--epochs", 1000, "--refine-epochs", 1000, "--max-seconds", options.seconds,
             "--json", run.with_suffix(".json"))
    result = {}
    for resolution in ("32x32", "64x64", "100x37"):
        data = folder / (f"{kind}-new.h5" if resolution == "32x32" else f"{kind}-new-{resolution}.h5")
        result[resolution] = effectivity_and_coverage(run, data, folder)
    result["initial_guess"] = initial_guess(run, ROCK[kind], folder)
    result["hits"] = {}
    for name, field in UNLIKE.items():
        if name == kind:
            continue
        if field is None:
            count = 40
            rates = []
            for sample in range(count):
                rates.append(alarms(run, [*finer_pattern(folder, count), "--sample", sample], "32x32", 1, folder))
            result["hits"][name] = float(np.mean(rates))
        else:
            result["hits"][name] = alarms(run, field, "32x32", options.samples, folder)
    result["hits"]["SPE10 section"] = alarms(run, SPE10, "", 1, folder)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("build/trust"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    results = {kind: study(kind, options, options.output) for kind in ROCK}
    (options.output / "trust.json").write_text(json.dumps(results, indent=1))
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
