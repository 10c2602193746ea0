"""The networks alone, on the data's own grid, without equation and refinement: the tables and pictures of docs/models.md.

    scripts/study-networks [--quick] [--data two-phase,...] [--models mano,fno,...] [--presets small,large] [--seeds 3]
                           [--seconds 120 | --epochs 40] [--rates 4e-3,1e-2] [--jobs 2] [-o build/networks]
                           [--rates-of STUDY] [--variant 'name: OPTIONS OF mano train']...

Every network gets the same samples, loss, optimiser, and seconds or epochs, on one core, and the best of the same learning rates, chosen by
the held-out part of the training data (seed 99, a quarter of the time); beyond the first and last while one of them is the best, or those
that another study found best. Seconds are those of a quiet machine: an epoch of each network is timed first, all in one go (the least of
two rounds), and the seconds are given as so many epochs. So nothing else may run in the first minutes; later the load does not matter. A
variant is a network with other options; with variants alone named, --models may be empty. Results go to OUTPUT/study.json after every
training; a study that was stopped goes on where it was.
"""
import argparse
import concurrent.futures
import datetime
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import threading

import numpy as np

from resolution_study import COLORS, MANO, MODELS, PROBLEMS, ROOT, make_data, processor

DATA = {"two-phase": ["64x64"], "lognormal": ["64x64"], "drive": ["64x64"], "inactive": ["64x64"], "real": []}  # and unseen resolutions
LOCK = threading.Lock()


def mano(*arguments):
    """Runs on one core; its peak memory in bytes."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    process = subprocess.Popen([MANO, *map(str, arguments)], stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return usage.ru_maxrss * 1024


def beyond(tuned):
    """Twice the largest or half of the smallest rate where that is the best so far."""
    best = min(tuned, key=tuned.get)
    return [2 * best] if best == max(tuned) else [best / 2] if best == min(tuned) else []


def alone(data, options):
    """The network on the data's own grid; of the real set, whose makers do not record its problem, x and y may be exchanged (docs/models.md)."""
    return [*options, "--coarsening", 1, "--refinement", "none", *(["--exchange"] if data == "real" else [])]


class Study:
    def __init__(self, options):
        self.options = options
        self.folder = pathlib.Path(options.output)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / "study.json"
        before = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.rows, self.pace = before.get("rows", []), before.get("pace", {})
        self.tuned = json.loads(pathlib.Path(options.rates_of).read_text())["rows"] if options.rates_of else []
        self.settings = {"budget": {"seconds": options.seconds} if options.epochs is None else {"epochs": options.epochs}, "samples": options.samples,
                         "test_samples": options.tests, "rates": list(options.rates)}
        if before and before["settings"] != self.settings:
            raise SystemExit(f"{self.path} was made with other settings: choose another folder")

    def write(self):
        text = {"settings": self.settings, "date": datetime.date.today().isoformat(), "commit": self.options.commit,
                "machine": f"{processor()}, one core", "pace": self.pace, "rows": self.rows}
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(text, indent=1))
        temporary.rename(self.path)

    def save(self, row):
        with LOCK:
            self.rows.append(row)
            self.write()
            print(f"{datetime.datetime.now():%H:%M:%S} {row['data']} {row['name']} seed {row['seed']} rate {row['rate']}: "
                  f"{row['held_out']:.5f} held out, {row['epochs']} epochs, {row['seconds']:.0f} s", flush=True)

    def time_epochs(self, tasks):
        """Seconds of an epoch and of a prediction of each network, by the training grid: the least of two rounds, one at a time."""
        first = {f"{name} at {PROBLEMS[data]['train']}": (data, name, options) for data, name, options in reversed(tasks)}
        wanted = {key: task for key, task in first.items() if key not in self.pace}
        for _ in range(2):
            for key, (data, _, options) in wanted.items():
                run = self.folder / "pace"
                mano("train", *alone(data, options), "--data", self.folder / f"{data}-train.h5", "-o", run, "--overwrite", "--epochs", 2, "--json",
                     run.with_suffix(".json"))
                log = [json.loads(line)["seconds"] for line in (run / "log.jsonl").read_text().splitlines()]
                mano("evaluate", "--model", run, "--data", self.folder / f"{data}-test.h5", "--method", "direct", "--json", run.with_suffix(".json"))
                measured = {"seconds_per_epoch": log[1] - log[0],
                            "seconds_per_field": json.loads(run.with_suffix(".json").read_text())["results"][0]["seconds_per_sample"]}
                before = self.pace.get(key, measured)
                self.pace[key] = {what: min(value, before[what]) for what, value in measured.items()}
        self.write()

    def train(self, data, name, options, seed, rate, share):
        """A row without evaluations, and its run."""
        run = self.folder / f"{data}-{name}-{seed}-{rate:g}"
        shutil.rmtree(run, ignore_errors=True)
        result = run.with_suffix(".json")
        pace = self.pace[f"{name} at {PROBLEMS[data]['train']}"]
        whole = self.options.epochs or self.options.seconds / pace["seconds_per_epoch"]
        try:
            peak = mano("train", *alone(data, options), "--data", self.folder / f"{data}-train.h5", "-o", run, "--seed", seed,
                        "--learning-rate", rate, "--epochs", max(1, round(whole * share)), "--json", result)
        except subprocess.CalledProcessError:  # it diverged
            return None, None
        trained = json.loads(result.read_text())
        log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
        curve = [[round(row["epoch"] * pace["seconds_per_epoch"], 2), row["validation_relative_l2"]] for row in log]
        return {"data": data, "name": name, "options": " ".join(map(str, options)), "seed": seed, "rate": rate, "parameters": trained["parameters"],
                "seconds": trained["epochs"] * pace["seconds_per_epoch"], "epochs": trained["epochs"], "held_out": trained["best"]["relative_l2"], "peak_bytes": peak,
                "curve": curve, "commit": self.options.commit}, run

    def evaluate(self, data, run, row):
        """Errors on test fields: on the training grid, and at an unseen resolution by each way that goes without an equation."""
        files = [self.folder / f"{data}-test.h5", *(self.folder / f"{data}-test-{r}.h5" for r in DATA[data])]
        row["test"] = {}
        for method in ("direct", "interleaved", "interpolation"):
            result = run.with_suffix(f".{method}.json")
            mano("evaluate", "--model", run, *[a for path in files for a in ("--data", path)], "--method", method, "--json", result)
            for entry in json.loads(result.read_text())["results"]:
                at = "x".join(map(str, entry["resolution"]))
                row["test"].setdefault(at, {})[method] = {"l2": entry["relative_l2"]["mean"]}

    def rows_of(self, data, name):
        return [row for row in self.rows if (row["data"], row["name"]) == (data, name)]

    def rate_of(self, data, name, options):
        """The best rate, and the errors on the held-out part by rate, beyond the first and last while they are the best; an earlier seed's count."""
        known = [row for row in self.tuned if (row["data"], row["name"]) == (data, name)]
        if known:
            return known[0]["rate"], known[0]["tuning"]
        tuned = next(({float(rate): error for rate, error in row["tuning"].items()} for row in self.rows_of(data, name) if "tuning" in row), {})
        rates = self.options.rates
        if len(rates) == 1:
            return rates[0], {}
        wanted = [rate for rate in rates if rate not in tuned] or beyond(tuned)
        while wanted:
            for rate in wanted:
                row, run = self.train(data, name, options, 99, rate, 0.25)
                tuned[rate] = row["held_out"] if row else float("inf")
                if run:
                    shutil.rmtree(run)
            wanted = beyond(tuned)
        return min(tuned, key=tuned.get), {f"{rate:g}": error for rate, error in sorted(tuned.items())}

    def study_one(self, data, name, options):
        rate, tuning = self.rate_of(data, name, options)
        with LOCK:  # a wider range may have another best
            outdated = [row for row in self.rows_of(data, name) if row["rate"] != rate]
            self.rows = [row for row in self.rows if row not in outdated]
        done = self.rows_of(data, name)
        for row in done:
            row["tuning"] = tuning
        for seed in sorted(set(range(self.options.seeds)) - {row["seed"] for row in done}):
            row, run = self.train(data, name, options, seed, rate, 1.0)
            if row is None:
                print(f"{data} {name} seed {seed}: failed", flush=True)
                continue
            row["tuning"] = tuning
            self.evaluate(data, run, row)
            self.save(row)


def spread(values):
    if not values:
        return ""
    return f"{np.mean(values):.4f}" + (f" ±{(max(values) - min(values)) / 2:.4f}" if len(values) > 1 else "")


def table(rows, pace, data):
    """Markdown; best first."""
    unseen = DATA[data][0] if DATA[data] else None
    lines = ["", f"### {data}", "", "| network | parameters | rate | epochs | seconds | relative L2 | "
             + (f"{unseen}: direct | interleaved | interpolated | " if unseen else "") + "ms a field | peak MB |"]
    lines.append("|---" * (lines[-1].count("|") - 1) + "|")
    groups = {}
    for row in rows:
        if row["data"] == data:
            groups.setdefault(row["name"], []).append(row)
    own = PROBLEMS[data]["train"]

    def error(group, at, method):
        return [row["test"][at][method]["l2"] for row in group]

    for name, group in sorted(groups.items(), key=lambda item: np.mean(error(item[1], own, "direct"))):
        first = group[0]
        cells = [name, f"{first['parameters']:,}", f"{first['rate']:g}", f"{np.mean([r['epochs'] for r in group]):.0f}",
                 f"{np.mean([r['seconds'] for r in group]):.0f}", spread(error(group, own, "direct"))]
        if unseen:
            cells += [spread(error(group, unseen, method)) for method in ("direct", "interleaved", "interpolation")]
        cells += [f"{1e3 * pace[f'{name} at {own}']['seconds_per_field']:.1f}", f"{max(r['peak_bytes'] for r in group) / 1e6:.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def draw(rows, beside, data, path):
    """Error on the held-out part over the seconds of training, a line a network, its first seed; dashed, that of another study."""
    first = [row for row in rows if row["data"] == data and row["seed"] == 0]
    if not first or shutil.which("gnuplot") is None:
        return
    first.sort(key=lambda row: row["curve"][-1][1])
    blocks, curves = [], []
    for i, row in enumerate(first):
        twins = [other for other in beside if (other["data"], other["name"], other["seed"]) == (data, row["name"], 0)]
        for drawn, dashes in ((row, ""), *((twin, "dt 2 ") for twin in twins)):
            seconds, errors = zip(*drawn["curve"])
            points = [f"{s} {best}" for s, best in zip(seconds, np.minimum.accumulate(errors))]
            block = f"$d{len(blocks)}"
            blocks.append(f"{block} << EOD\n" + "\n".join(points) + "\nEOD")
            title = "notitle" if dashes else f"title '{row['name']}'"
            curves.append(f"{block} with lines lw {3 if row['name'].startswith('mano') else 1.5} {dashes}lc rgb '{COLORS[i % len(COLORS)]}' {title}")
    script = "\n".join(["set terminal pngcairo size 900,600 font 'DejaVu Sans,11'", f"set output '{path}'", "set logscale xy", "set autoscale xfix", "set autoscale yfix",
                        f"set title '{data}: networks alone, on one core'", "set xlabel 'seconds of training'",
                        "set ylabel 'relative L2 on the held-out part, best so far'", "set key outside right top", "set border 3", "set tics nomirror",
                        "set grid lc rgb '#dddddd'", *blocks, "plot " + ", ".join(curves)])
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small form: two minutes, numbers of no worth")
    parser.add_argument("--data", default="two-phase,lognormal,drive,real", help="and inactive: two-phase, a fifth of the domain inactive")
    parser.add_argument("--models", default=MODELS)
    parser.add_argument("--presets", default="small")
    parser.add_argument("--variant", action="append", default=[])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--tests", type=int, default=100)
    parser.add_argument("--rates", type=lambda text: tuple(map(float, text.split(","))), default=(4e-3, 1e-2))
    parser.add_argument("--rates-of", help="study.json of another study: its best rates for what it has trained")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, one core each")
    parser.add_argument("--beside", help="study.json of another study, whose curves are drawn dashed")
    parser.add_argument("-o", "--output")
    options = parser.parse_args()
    if options.quick:
        options.data, options.seeds, options.epochs, options.samples, options.tests, options.rates = "two-phase", 1, 1, 40, 4, (4e-3,)
    options.output = options.output or ("build/networks-quick" if options.quick else "build/networks")
    options.commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    return options


def main():
    options = parse()
    study = Study(options)
    candidates = [(model if preset == "small" else f"{model}-{preset}", ["--model", model, "--preset", preset])
                  for preset in options.presets.split(",") for model in options.models.split(",") if model]
    for variant in options.variant:
        name, arguments = variant.split(":", 1)
        candidates.append((name.strip(), shlex.split(arguments)))
    tasks = []
    for data in options.data.split(","):
        problem = {**PROBLEMS[data], "test": DATA[data]}
        make_data(data, problem, study.folder, options.samples, options.tests)
        tasks += [(data, name, arguments) for name, arguments in candidates]
    study.time_epochs(tasks)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for future in [pool.submit(study.study_one, *task) for task in tasks]:
            future.result()
    lines = []
    beside = json.loads(pathlib.Path(options.beside).read_text())["rows"] if options.beside else []
    for data in options.data.split(","):
        lines += table(study.rows, study.pace, data)
        draw(study.rows, beside, data, study.folder / f"{data}.png")
    report = "\n".join(lines) + "\n"
    (study.folder / "tables.md").write_text(report)
    print(report)


if __name__ == "__main__":
    main()
