"""Figures of docs/python.md: samples a second of a stream against reading them and against PhysicsNeMo's generator, the cost of a call, the adjoint.

    python3 bench/python_study.py OUTPUT.json --program build/release/mano

Needs mano, torch and h5py; PhysicsNeMo's part needs nvidia-physicsnemo and warp-lang, and is left out without them. Every figure is the best of some
rounds, what is compared is measured in one run, and answers are checked first.
"""
import argparse
import json
import pathlib
import platform
import subprocess
import tempfile
import time

import h5py
import mano
import mano.torch
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

SIZES = (32, 64, 128)
SAMPLES = {32: 1024, 64: 768, 128: 384}
BATCH = 32


class Stored(Dataset):
    """A file of mano read through h5py, opened by each worker for itself: what people do with a dataset on disk."""

    def __init__(self, path):
        self.path, self.file = path, None
        with h5py.File(path) as f:
            self.samples = len(f["pressure"])

    def __len__(self):
        return self.samples

    def __getitem__(self, i):
        if self.file is None:
            self.file = h5py.File(self.path)
        return tuple(torch.from_numpy(self.file[name][i]) for name in ("permeability", "pressure"))


def processor():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def best(work, rounds=5):
    """Processor time, which others on the machine disturb less."""
    least = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        least = min(least, time.process_time() - start)
    return least


def rate(loader, samples):
    """Samples a second once the workers run: the first two batches are not counted."""
    batches = iter(loader)
    for _ in range(2):
        next(batches)
    start, seen = time.perf_counter(), 0
    for batch in batches:
        seen += len(batch[0])
        if seen >= samples:
            break
    return seen / (time.perf_counter() - start)


def streams(field, folder, rounds):
    rows = []
    for size in SIZES:
        path = pathlib.Path(folder) / f"{field}-{size}.h5"
        mano.generate(path, field, samples=SAMPLES[size], resolution=(size, size), dtype=np.float32)
        (k, p), stored = next(iter(mano.torch.Stream(field, resolution=(size, size)))), Stored(path)[0]
        assert torch.equal(k, stored[0]) and torch.equal(p, stored[1])
        for workers in (0, 1, 2):
            many = SAMPLES[size] - 3 * BATCH
            stream = lambda: DataLoader(mano.torch.Stream(field, resolution=(size, size), batch=BATCH), batch_size=None, num_workers=workers)  # noqa: E731
            read = lambda: DataLoader(Stored(path), batch_size=BATCH, num_workers=workers)  # noqa: E731
            row = {"field": field, "resolution": size, "workers": workers, "stream": max(rate(stream(), many) for _ in range(rounds)),
                   "hdf5": max(rate(read(), many) for _ in range(rounds))}
            rows.append(row)
            print(row, flush=True)
        k = mano.draw(field, resolution=(size, size), samples=BATCH)
        rows[-1]["milliseconds_drawing"] = 1e3 / BATCH * best(lambda: mano.draw(field, resolution=(size, size), samples=BATCH))
        rows[-1]["milliseconds_solving"] = 1e3 / BATCH * best(lambda: mano.solve_many(k, threads=1))
        print(rows[-1], flush=True)
    return rows


def residual_of_physicsnemo(k, p):
    """|f - A p| / |f| by its own stencil, in which the product of central differences of k and p stands over 2 h (that of derivatives has 4 h^2)."""
    n = k.shape[-1]
    h, p = 1 / (n + 1), np.pad(p, ((0, 0), (1, 1), (1, 1)))
    k = np.pad(k, ((0, 0), (1, 1), (1, 1)), mode="edge")
    inner, laplace = k[:, 1:-1, 1:-1], p[:, 2:, 1:-1] + p[:, :-2, 1:-1] + p[:, 1:-1, 2:] + p[:, 1:-1, :-2] - 4 * p[:, 1:-1, 1:-1]
    x = (k[:, 2:, 1:-1] - k[:, :-2, 1:-1]) * (p[:, 2:, 1:-1] - p[:, :-2, 1:-1])
    y = (k[:, 1:-1, 2:] - k[:, 1:-1, :-2]) * (p[:, 1:-1, 2:] - p[:, 1:-1, :-2])
    r = (1 + inner * laplace / h**2 + (x + y) / (2 * h))[:, 1:-1, 1:-1]
    return float(np.sqrt((r**2).mean(axis=(1, 2))).mean())


def physicsnemo():
    """Its Darcy2D as it is, by Warp on this CPU: batches of 4, all other numbers its own."""
    try:
        from physicsnemo.datapipes.benchmarks.darcy import Darcy2D
    except ImportError as error:
        print(f"without PhysicsNeMo: {error}")
        return []
    rows = []
    for size, batches in zip(SIZES, (3, 2, 1)):
        generator = iter(Darcy2D(resolution=size, batch_size=4, device="cpu"))
        next(generator)  # compiles
        least, found = float("inf"), None
        for _ in range(batches):
            start = time.perf_counter()
            found = next(generator)
            least = min(least, time.perf_counter() - start)
        k, p = (found[name][:, 0].numpy().astype(float) for name in ("permeability", "darcy"))
        rows.append({"resolution": size, "samples_a_second": 4 / least, "relative_residual": residual_of_physicsnemo(k, p)})
        print(rows[-1], flush=True)
    return rows


def calls(program, folder):
    """A solve from Python over the program's own time a sample, both with the drawing of layers, which takes 2 us, left in the program's."""
    rows = []
    for size, samples in ((32, 2000), (64, 600)):
        k = mano.draw("layered", resolution=(size, size), samples=200)
        from_python, in_library, in_program = float("inf"), float("inf"), float("inf")
        for round_ in range(7):
            from_python = min(from_python, best(lambda: [mano.solve(field) for field in k], 1) / 200)
            in_library = min(in_library, best(lambda: mano.solve_many(k, threads=1), 1) / 200)
            report = pathlib.Path(folder) / "report.json"
            subprocess.run([program, "generate", "--field", "layered", "--samples", str(samples), "--resolution", f"{size}x{size}", "-o", f"{folder}/c{size}-{round_}.h5",
                            "--json", report], check=True, capture_output=True)
            in_program = min(in_program, json.loads(report.read_text())["seconds_solving"] / samples)
        rows.append({"resolution": size, "microseconds_from_python": 1e6 * from_python, "microseconds_in_one_call": 1e6 * in_library,
                     "microseconds_of_the_program": 1e6 * in_program, "over_the_program": from_python / in_program - 1, "over_one_call": from_python / in_library - 1})
        print(rows[-1], flush=True)
    return rows


def adjoints():
    """A solve with its gradient over a solve, 16 fields at once in one thread: by the permeability, and of pressures and wells by all that drives the flow."""
    rows = []
    for size in SIZES:
        k = torch.tensor(mano.draw("lognormal", resolution=(size, size), samples=16, correlation_length=0.2))
        log_k = k.log().requires_grad_()

        def gradient():
            log_k.grad = None
            mano.torch.solve(torch.exp(log_k), setup="drive", threads=1).square().sum().backward()

        def solve():
            with torch.no_grad():
                mano.torch.solve(k, setup="drive", threads=1)

        source, left, rate, bhp = (torch.full(shape, 0.5, dtype=torch.float64, requires_grad=True) for shape in ((size, size), (size,), (), ()))

        def all_gradients():
            flow = mano.torch.solve(torch.exp(log_k), setup="drive", threads=1, with_wells=True, source=source, left=mano.Pressure(left),
                                    wells=[mano.Well(0.3, 0.3, rate=rate, radius=1e-4), mano.Well(0.7, 0.7, bhp=bhp, radius=1e-4)])
            sum(part.square().sum() for part in flow).backward()

        def solve_all():
            mano.solve_many(k.numpy(), setup="drive", threads=1, source=source.detach().numpy(), left=mano.Pressure([0.5] * size),
                            wells=[mano.Well(0.3, 0.3, rate=0.5, radius=1e-4), mano.Well(0.7, 0.7, bhp=0.5, radius=1e-4)])

        timed = (gradient, solve, all_gradients, solve_all)
        least = [float("inf")] * len(timed)
        for _ in range(25):
            least = [min(before, best(function, 1)) for before, function in zip(least, timed)]
        both, one, all_both, all_one = least
        rows.append({"resolution": size, "milliseconds_solve": 1e3 * one / 16, "milliseconds_with_gradient": 1e3 * both / 16, "ratio": both / one,
                     "ratio_by_all": all_both / all_one})
        print(rows[-1], flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    parser.add_argument("--program", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        found = {"processor": processor(), "versions": {"mano": mano.__version__, "torch": torch.__version__, "numpy": np.__version__}, "batch": BATCH,
                 "calls": calls(options.program, folder), "adjoint": adjoints(), "physicsnemo": physicsnemo(),
                 "streams": [row for field in ("two-phase", "layered", "lognormal") for row in streams(field, folder, options.rounds)]}
    pathlib.Path(options.output).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
