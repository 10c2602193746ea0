"""All networks as classifiers of rock: which generator drew a field. The table and picture of docs/models.md.

    .venv/bin/python bench/classification_study.py [--models mano,fno,...] [--epochs 3] [--seeds 1] [--samples 1000] [-o build/classification]

1,000 fields of 32x32 of each kind to train on, 200 others of each for the test, on one core, the same epochs and the better of two rates by the
held-out part. Results go to OUTPUT/study.json after every training; a study that was stopped goes on where it was.
"""
import argparse
import concurrent.futures
import json
import pathlib
import subprocess

import numpy as np

from network_study import LOCK, mano
from resolution_study import MODELS, ROOT, processor

KINDS = ("two-phase", "lognormal", "layered", "channels")


def train_and_test(options, folder, model, rate, seed):
    run = folder / f"{model}-{seed}-{rate:g}"
    data = [a for kind in KINDS for a in ("--data", folder / f"train-{kind}.h5")]
    test = [a for kind in KINDS for a in ("--data", folder / f"test-{kind}.h5")]
    mano("train", "--task", "classify", "--model", model, *data, "--epochs", options.epochs, "--seed", seed, "--learning-rate", rate, "-o", run,
         "--overwrite", "--json", run.with_suffix(".json"))
    mano("classify", "--model", run, *test, "--json", run.with_suffix(".test.json"), "--picture", folder / f"{model}.png")
    trained, tested = (json.loads(run.with_suffix(suffix).read_text()) for suffix in (".json", ".test.json"))
    return {"model": model, "rate": rate, "seed": seed, "parameters": trained["parameters"], "seconds": trained["seconds"],
            "held_out_cross_entropy": trained["best"]["cross_entropy"], "held_out": trained["best"]["accuracy"], "accuracy": tested["accuracy"],
            "classes": tested["classes"], "confusion": tested["confusion"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=MODELS)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--rates", type=lambda text: tuple(map(float, text.split(","))), default=(1e-3, 4e-3))
    parser.add_argument("-o", "--output", default="build/classification")
    options = parser.parse_args()
    folder = pathlib.Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        for name, seed, samples in (("train", 301, options.samples), ("test", 302, 200)):
            mano("generate", "--field", kind, "--seed", seed, "--samples", samples, "--resolution", "32x32", "-o", folder / f"{name}-{kind}.h5")
    path = folder / "study.json"
    rows = json.loads(path.read_text())["rows"] if path.exists() else []
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()

    def study(model):
        for seed in range(options.seeds):
            if any((row["model"], row["seed"]) == (model, seed) for row in rows):
                continue
            tried = [train_and_test(options, folder, model, rate, seed) for rate in options.rates]
            best = min(tried, key=lambda row: row["held_out_cross_entropy"])
            with LOCK:
                rows.append(best)
                path.write_text(json.dumps({"epochs": options.epochs, "samples_a_kind": options.samples, "rates": options.rates, "commit": commit,
                                            "machine": f"{processor()}, one core each, 2 at a time", "rows": rows}, indent=1))
            print(f"{model} seed {seed}: {100 * best['accuracy']:.1f} %", flush=True)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(study, options.models.split(",")))
    print("| network | accuracy on 800 new fields | rate | seconds |\n|---|---|---|---|")
    groups = {model: [row for row in rows if row["model"] == model] for model in options.models.split(",")}
    for model, group in sorted(groups.items(), key=lambda item: -np.mean([row["accuracy"] for row in item[1]])):
        print(f"| `{model}` | {100 * np.mean([row['accuracy'] for row in group]):.1f} % | {group[0]['rate']:g} | "
              f"{np.mean([row['seconds'] for row in group]):.0f} |")


if __name__ == "__main__":
    main()
