"""MANO and its rivals at resolutions that training never saw, from nothing: the table and picture of docs/resolutions.md.

    scripts/study-resolutions [--quick] [--data two-phase,lognormal] [--models mano,fno] [--presets small] [--seeds 3]
                              [--seconds 240] [--rates 4e-3,8e-3] [--coarsening N] [-o build/study]

Every model gets the same samples, loss, optimiser and seconds of training on this machine (a quarter of them for the network, the rest
for its refinement; with --coarsening 1 the other way round), and the best of the same learning rates, chosen by the held-out part of the
training data in runs of a quarter of that time. Test fields come from seeds that training has not seen and are solved anew at every resolution.
Results go to OUTPUT/study.json after every model; a study that was stopped goes on where it was.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import subprocess

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
MANO = pathlib.Path(os.environ.get("MANO_PROGRAM", ROOT / "build/release/mano"))
RATES = (4e-3, 8e-3, 2e-3)
MODELS = "mano,fno,vit,swin,unet,xcit,qna,shunted,hlg,reguformer,mat,lit,transdepth"
COLORS = ["#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c564b", "#7f7f7f", "#bcbd22", "#9467bd", "#2ca02c", "#d62728", "#999933"]

TICS = [f"{first * 10.0**power:.{-power}f}" for power in range(-5, 0) for first in (1, 2, 5)] + ["1"]

PROBLEMS = {
    "two-phase": {"field": ["--field", "two-phase"], "train": "32x32", "test": ["48x48", "64x64", "128x128", "100x37"]},
    "lognormal": {"field": ["--field", "lognormal"], "train": "32x32",
                  "test": ["48x48", "64x64", "128x128", "100x37"]},
    "drive": {"field": ["--field", "two-phase", "--problem", "drive"], "train": "32x32", "test": ["48x48", "64x64", "128x128"]},
    "wide": {"field": ["--field", "two-phase", "--size", "3x1"], "train": "96x32", "test": ["144x48", "192x64", "384x128"]},
    "inactive": {"field": ["--field", "two-phase", "--inactive", "blobs:0.2"], "train": "32x32", "test": ["64x64"]},
    "real": {"train": "16x16", "test": []},
}


def mano(*arguments):
    subprocess.run([MANO, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def processor():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def make_data(name, problem, folder, samples, tests):
    """Training file, and test files by resolution."""
    train, test = folder / f"{name}-train.h5", folder / f"{name}-test.h5"
    resolutions = [problem["train"], *problem["test"]]
    if name == "real":
        for path in (train, test):
            part = path.stem.split("-")[1]
            if not path.exists():
                mano("import", ROOT / f"data/neuraloperator_darcy_16_{part}.h5", "--phases", "3,12", "--location", "node", "-o", path)
    else:  # what is complete stays, what differs is refused
        mano("generate", *problem["field"], "--seed", 101, "--samples", samples, "--resolution", problem["train"], "-o", train)
        mano("generate", *problem["field"], "--seed", 202, "--samples", tests, "--resolution", problem["train"], "--also",
             ",".join(problem["test"]), "-o", test)
    return train, {r: test if r == problem["train"] else folder / f"{name}-test-{r}.h5" for r in resolutions}


def discretisation_floor(files, base):
    """Relative L2 of the true solution at the training resolution against block means of the finer true one."""
    floors = {}
    with h5py.File(files[base]) as coarse:
        p = coarse["pressure"][()]
        for r, path in files.items():
            width, height = map(int, r.split("x"))
            if r == base or height % p.shape[1] or width % p.shape[2]:
                continue
            with h5py.File(path) as fine:
                q = fine["pressure"][()]
            q = q.reshape(len(p), p.shape[1], height // p.shape[1], p.shape[2], width // p.shape[2]).mean((2, 4))
            floors[r] = float(np.mean(np.linalg.norm((p - q).reshape(len(p), -1), axis=1) / np.linalg.norm(q.reshape(len(q), -1), axis=1)))
    return floors


def train(model, preset, data, run, options, seconds, rate, seed):
    """Held-out relative L2, parameters, epochs."""
    shutil.rmtree(run, ignore_errors=True)
    result = run.with_suffix(".json")
    mano("train", "--model", model, "--preset", preset, "--data", data, "-o", run, "--seed", seed, "--learning-rate", rate, "--epochs", 1000,
         "--refine-epochs", 1000, "--max-seconds", seconds, *(["--coarsening", options.coarsening] if options.coarsening else []),
         "--json", result)
    return json.loads(result.read_text())


def network_alone(run):
    """Relative L2 of the network on its own grid, before any refinement, on the held-out part; and the epochs that its time allowed."""
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    errors = [row["validation_relative_l2"] for row in rows if row["stage"] == "base"]
    return {"l2": min(errors), "epochs": len(errors)}


def divides(model, resolution):
    return model not in ("vit", "swin") or all(int(n) % 2 == 0 for n in resolution.split("x"))


def evaluate(model, run, files, method):
    usable = [path for r, path in files.items() if method != "direct" or divides(model, r)]
    result = run.with_suffix(f".{method}.json")
    mano("evaluate", "--model", run, *[a for path in usable for a in ("--data", path)], "--method", method, "--json", result)
    rows = {}
    for row in json.loads(result.read_text())["results"]:
        rows["x".join(map(str, row["resolution"]))] = {
            "l2": row["relative_l2"]["mean"], "interpolated": row["interpolated_relative_l2"]["mean"], "seconds": row["seconds_per_sample"]}
    return rows


def study_one(name, problem, model, preset, options, folder):
    data, files = make_data(name, problem, folder, options.samples, options.tests)
    tag = f"{name}-{model}-{preset}"
    tuning = {}
    if len(options.rates) > 1:
        for rate in options.rates:
            try:
                tuning[rate] = train(model, preset, data, folder / f"{tag}-tune", options, options.seconds / 4, rate, 99)["best"]["relative_l2"]
            except subprocess.CalledProcessError:  # it diverged: the other rate is there for that
                tuning[rate] = float("inf")
    rate = min(tuning, key=tuning.get) if tuning else options.rates[0]
    seeds = []
    for seed in range(options.seeds):
        run = folder / f"{tag}-{seed}"
        trained = train(model, preset, data, run, options, options.seconds, rate, seed)
        # The network on the grid as it is: on the training grid it means something where the network was trained there.
        methods = ["multigrid"] + (["direct"] if options.coarsening == 1 or name == "real" else [])
        if model == "mano" and name != "real" and trained["refinement_parameters"] > 0:
            methods += ["jacobi", "zero-start", "exact-start"]
        seeds.append({"seed": seed, "parameters": trained["parameters"], "refinement_parameters": trained["refinement_parameters"],
                      "seconds": trained["seconds"], "epochs": trained["epochs"], "held_out": trained["best"]["relative_l2"],
                      "network": network_alone(run), **{m: evaluate(model, run, files, m) for m in methods}})
    row = {"data": name, "model": model, "preset": preset, "learning_rate": rate, "tuning": {str(r): v for r, v in tuning.items()},
           "seeds": seeds, "commit": options.commit}
    if name != "real":
        row["discretisation_floor"] = discretisation_floor(files, problem["train"])
    return row


def mean_and_spread(seeds, *path):
    values = []
    for seed in seeds:
        value = seed
        for key in path:
            value = value.get(key) if value is not None else None
        if value is not None:
            values.append(value)
    return (float(np.mean(values)), float(np.max(values) - np.min(values)) / 2) if values else (None, None)


def text(seeds, *path):
    mean, spread = mean_and_spread(seeds, *path)
    if mean is None:
        return ""
    digits = 5 if mean < 0.01 else 4
    return f"{mean:.{digits}f}" + (f" ±{spread:.{digits}f}" if len(seeds) > 1 else "")


def parameters(seed, method):
    return seed["parameters"] + (0 if method == "direct" else seed["refinement_parameters"])


def tables(study):
    lines = []
    for name in dict.fromkeys(row["data"] for row in study["rows"]):
        rows = [row for row in study["rows"] if row["data"] == name]
        resolutions = list(rows[0]["seeds"][0]["multigrid"])
        lines += ["", f"### {name}, trained at {resolutions[0]}", "",
                  "| model | parameters | method | " + " | ".join(resolutions) + " |", "|---|---|---|" + "---|" * len(resolutions)]
        for row in rows:
            for method, path in (("multigrid", ("multigrid", "l2")), ("interpolated", ("multigrid", "interpolated")), ("direct", ("direct", "l2"))):
                if path[0] not in row["seeds"][0]:
                    continue
                cells = [text(row["seeds"], path[0], r, path[1]) for r in resolutions]
                lines.append(f"| {row['model']} {row['preset']} | {parameters(row['seeds'][0], method):,} | {method} | " + " | ".join(cells) + " |")
            for method, label in (("jacobi", "16 Jacobi steps a grid instead (solver's work)"), ("zero-start", "refinement alone, from zero"),
                                  ("exact-start", "refinement alone, exact start")):
                if all(method in seed for seed in row["seeds"]):
                    lines.append(f"| {row['model']} {row['preset']} | | {label} | " +
                                 " | ".join(text(row["seeds"], method, r, "l2") for r in resolutions) + " |")
                if method == "exact-start" and all(method in seed for seed in row["seeds"]):
                    lines.append(f"| | | exact start, interpolated | " +
                                 " | ".join(text(row["seeds"], method, r, "interpolated") for r in resolutions) + " |")
        floor = rows[0].get("discretisation_floor", {})
        if floor:
            lines.append("| the training grid's true solution against the finer one's means | | | " +
                         " | ".join(f"{floor[r]:.4f}" if r in floor else "" for r in resolutions) + " |")
    return "\n".join(lines) + "\n"


def networks_table(study):
    """The networks on their own grid, without the refinement that they share: here they differ."""
    lines = ["", "| data | model | parameters | epochs | relative L2 on its grid, held out |", "|---|---|---|---|---|"]
    for row in study["rows"]:
        epochs = [seed["network"]["epochs"] for seed in row["seeds"]]
        lines.append(f"| {row['data']} | {row['model']} {row['preset']} | {row['seeds'][0]['parameters']:,} | "
                     f"{np.mean(epochs):.0f} | {text(row['seeds'], 'network', 'l2')} |")
    return "\n".join(lines) + "\n"


def draw(study, path, name, preset):
    """Error by resolution, a line a model: solid by multigrid, dashed direct where that was asked for, else interpolated."""
    rows = [row for row in study["rows"] if row["data"] == name and row["preset"] == preset]
    if not rows or shutil.which("gnuplot") is None:
        return
    base = list(rows[0]["seeds"][0]["multigrid"])[0]
    aspect = [int(n) for n in base.split("x")]
    rival = ("direct", "l2") if "direct" in rows[0]["seeds"][0] else ("multigrid", "interpolated")
    dashes = f": solid by multigrid, dashed {'direct' if rival[0] == 'direct' else 'interpolated from there'}"
    curves, blocks = [], []
    for color, row in zip(COLORS, rows):
        for (method, value_of), dash in ((("multigrid", "l2"), 1), (rival, 2)):
            points = []
            for r in row["seeds"][0]["multigrid"]:
                nx, ny = map(int, r.split("x"))
                value, _ = mean_and_spread(row["seeds"], method, r, value_of)
                if nx * aspect[1] == ny * aspect[0] and value is not None:
                    points.append((nx, value))
            blocks.append(f"$d{len(blocks)} << EOD\n" + "\n".join(f"{x} {y}" for x, y in sorted(points)) + "\nEOD")
            title = f"title '{row['model']}'" if dash == 1 else "notitle"
            curves.append(f"$d{len(blocks) - 1} with linespoints lc rgb '{color}' dt {dash} lw 2 pt 7 ps 0.8 {title}")
    script = "\n".join([
        "set terminal pngcairo size 900,600 font 'DejaVu Sans,11'", f"set output '{path}'", "set logscale xy",
        f"set title '{name}, trained at {base}, {preset}{dashes}'", "set xlabel 'cells in x'",
        "set ylabel 'mean relative L2 error'", "set key outside right top", "set xtics (16,32,48,64,96,128,192,256,384)",
        "set border 3", "set tics nomirror", "set grid lc rgb '#dddddd'",
        "set xrange [*:*] noextend", "set offsets graph 0.03, graph 0.03, 0, 0",
        f"set ytics ({', '.join(repr(tic) + ' ' + tic for tic in TICS)})", *blocks, "plot " + ", ".join(curves)])
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small form: minutes, numbers of no worth")
    parser.add_argument("--data", default="two-phase,lognormal,drive,wide,real")
    parser.add_argument("--models", default=MODELS)
    parser.add_argument("--presets", default="small,large")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--tests", type=int, default=50)
    parser.add_argument("--rates", type=lambda text: tuple(map(float, text.split(","))), default=RATES)
    parser.add_argument("--coarsening", type=int, help="of the network's grid [the program's own choice]")
    parser.add_argument("-o", "--output", help="folder [build/study, build/study-quick]")
    options = parser.parse_args()
    if options.quick:
        options.data, options.presets, options.seeds, options.seconds, options.samples, options.tests = "two-phase", "small", 1, 4, 40, 4
        options.rates = RATES[:1]
    folder = pathlib.Path(options.output or ("build/study-quick" if options.quick else "build/study"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.json"
    options.commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    study = json.loads(path.read_text()) if path.exists() else {"rows": []}
    settings = {"seconds_of_training": options.seconds, "samples": options.samples, "test_samples": options.tests, "seeds": options.seeds,
                "rates": list(options.rates), "coarsening": options.coarsening}
    if study["rows"] and study["settings"] != settings:
        parser.error(f"{path} was made with {study['settings']}, not {settings}: choose another folder")
    study.update(settings=settings, date=datetime.date.today().isoformat(), commit=options.commit,
                 machine=f"{processor()}, {len(os.sched_getaffinity(0))} core(s)")
    done = {(row["data"], row["model"], row["preset"]) for row in study["rows"]}
    for name in options.data.split(","):
        for preset in options.presets.split(","):
            for model in options.models.split(","):
                if (name, model, preset) in done:
                    continue
                print(f"{datetime.datetime.now():%H:%M:%S} {name} {model} {preset}", flush=True)
                study["rows"].append(study_one(name, PROBLEMS[name], model, preset, options, folder))
                temporary = path.with_suffix(".tmp")
                temporary.write_text(json.dumps(study, indent=1))
                temporary.rename(path)
    report = tables(study) + networks_table(study)
    (folder / "tables.md").write_text(report)
    for name in dict.fromkeys(row["data"] for row in study["rows"]):
        for preset in dict.fromkeys(row["preset"] for row in study["rows"]):
            draw(study, folder / f"{name}-{preset}.png", name, preset)
    print(report)


if __name__ == "__main__":
    main()
