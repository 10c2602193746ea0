#!/usr/bin/env python3
"""How mano ensemble keeps what it says: coverage of its intervals, rates, cost against plain Monte Carlo. Writes docs/ensembles.json.

    bench/ensemble_study.py coverage --runs 200 [--model RUN]    in how many of 200 runs do the 95 % intervals hold the truth?
    bench/ensemble_study.py rates                                alpha, beta, gamma and cost by tolerance, exponential and smooth rock
    bench/ensemble_study.py speed [--fraction 0.25]              processor time beside plain Monte Carlo's, both run

The program is build/release/mano, or $MANO_PROGRAM."""
import argparse
import json
import os
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.environ.get("MANO_PROGRAM", os.path.join(HERE, "..", "build", "release", "mano"))
OUTPUT = os.path.join(HERE, "..", "docs", "ensembles.json")


def ensemble(folder, *options):
    """The JSON of one run."""
    path = os.path.join(folder, "e.json")
    shutil.rmtree(os.path.join(folder, "e"), ignore_errors=True)
    subprocess.run([PROGRAM, "ensemble", *map(str, options), "-o", "e", "--json", path], cwd=folder, check=True, capture_output=True)
    with open(path) as f:
        return json.load(f)


def keep(name, result):
    """Into the file of all results."""
    results = {}
    if os.path.exists(OUTPUT):
        with open(OUTPUT) as f:
            results = json.load(f)
    results[name] = result
    with open(OUTPUT, "w") as f:
        json.dump(results, f, indent=1)
        f.write("\n")


def coverage(a, folder):
    rock = ["--field", "lognormal", "--deviation", a.deviation, "--correlation-length", 0.2, "--smoothness", 2.5, "--problem", "drive", "--resolution", "16x16",
            "--quantity", "effective-permeability", "--quantity", "mean-pressure"]
    tolerances = [0.03, 0.01]
    truth = ensemble(folder, *rock, "--seed", 10**6, "--tolerance", ",".join(str(t / 10) for t in tolerances))
    truth = {q["name"]: q for q in truth["quantities"]}
    held = {name: {"mean": 0, "variance": 0} for name in truth}
    for run in range(a.runs):
        options = ["--seed", a.first_seed + run, "--tolerance", ",".join(map(str, tolerances))]
        if a.model:
            options += ["--model", os.path.abspath(a.model), "--always-model", "--cycles", a.cycles]
        for q in ensemble(folder, *rock, *options)["quantities"]:
            for key in ("mean", "variance"):
                low, high = q[key + "_interval"]
                held[q["name"]][key] += low <= truth[q["name"]][key] <= high
        print(run + 1, held, flush=True)
    name = f"coverage, deviation {a.deviation}" + (f", {a.name or a.model} below the solver" if a.model else "")
    keep(name, {"runs": a.runs, "held": held})


def rates(a, folder):
    for smoothness in (0.5, 2.5):
        rock = ["--field", "lognormal", "--correlation-length", 0.1, "--smoothness", smoothness, "--problem", "drive", "--resolution",
                "256x256", "--quantity", "effective-permeability", "--quantity", "pressure@0.3,0.4"]
        for tolerance in (0.02, 0.01, 0.005, 0.0025):
            e = ensemble(folder, *rock, "--tolerance", f"{tolerance},{0.4 * tolerance}")
            result = {"seconds": e["seconds"], "seconds_plain_monte_carlo": e["seconds_plain_monte_carlo"], "gamma": e["gamma"],
                      "quantities": [{k: q[k] for k in ("name", "alpha", "beta", "mean", "standard_error")} for q in e["quantities"]],
                      "levels": [{"resolution": l["resolution"], "samples": l["samples"], "seconds_per_sample": l["seconds_per_sample"],
                                  "quantities": l["quantities"]} for l in e["levels"]]}
            print(smoothness, tolerance, json.dumps({k: result[k] for k in ("seconds", "seconds_plain_monte_carlo", "gamma", "quantities")}),
                  flush=True)
            keep(f"rates, smoothness {smoothness}, tolerance {tolerance}", result)


def speed(a, folder):
    for deviation, tolerances in ((1, (0.002, 0.0008)), (2, (0.006, 0.0012))):
        tolerances = [t / a.fraction**0.5 for t in tolerances]
        e = ensemble(folder, "--field", "lognormal", "--deviation", deviation, "--correlation-length", 0.1, "--problem", "drive",
                     "--resolution", "256x256", "--quantity", "effective-permeability", "--quantity", "pressure@0.3,0.4", "--tolerance",
                     ",".join(map(str, tolerances)), "--compare-plain")
        plain = e["plain_monte_carlo"]
        result = {"seconds": e["seconds"], "plain_seconds": plain["seconds"], "ratio": plain["seconds"] / e["seconds"],
                  "quantities": [{"name": q["name"], "mean": q["mean"], "mean_interval": q["mean_interval"], "plain_mean": p["mean"],
                                  "plain_interval": p["mean_interval"]} for q, p in zip(e["quantities"], plain["quantities"])]}
        print(deviation, json.dumps(result), flush=True)
        keep(f"speed, deviation {deviation}", result)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=["coverage", "rates", "speed"])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--deviation", type=float, default=1.0)
    parser.add_argument("--model")
    parser.add_argument("--name", help="of the model, for the file of results")
    parser.add_argument("--cycles", type=int, default=0)
    parser.add_argument("--fraction", type=float, default=1.0, help="of plain Monte Carlo's 20 minutes")
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        {"coverage": coverage, "rates": rates, "speed": speed}[a.study](a, folder)


if __name__ == "__main__":
    main()
