"""The rivals of `mano benchmark --device cuda` on one GPU: MANO's published form, what torch.compile makes of it, other operators.

    python3 bench/gpu_rivals.py --json rivals.jsonl --limit 280 --ours benchmark-small.json benchmark-paper.json
    python3 bench/gpu_rivals.py --json rivals.jsonl --limit 0 --ours benchmark-*.json     ratios alone, of rows already in the file
    python3 bench/gpu_rivals.py --device cpu --tokens 512 --sizes 16 --presets small-published      to try it without a GPU

Needs torch, numpy and python/mano/torch/reference.py; the networks are in bench/rival_networks.py. Forms, with `-compiled` under
torch.compile, of a block, static shapes, default mode:
    windowed    every 2x2 window's tokens copied out, as arXiv 2507.02748 writes it, by unfold and fold
    slices      the same by four shifted slices: Torch's unfold on a GPU is a launch an image, its compiled gradient adds atomically
    per-token   q, k, v once a token; nine shifted slices of k and v, the softmaxes of the four windows averaged
    fno         as surrogate/networks/fno.cpp, 70,000 parameters, as MANO's `small-published`
    vit         patch 2, heads of width 16, 70,000 parameters, bfloat16 autocast, flash attention
Answers first: MANO's forms against python/mano/torch/reference.py in float64, output and gradients; then every row's own output and gradients,
at its full size, against the plain form in float32, on the same device. A row whose answers differ is not timed.

A row, a JSON line of --json, is a training step (forward, mean square of the output, backward, gradients None before) or inference:
    milliseconds           median of the repetitions for a batch; best_milliseconds: the least, which is what `mano benchmark` reports
    nanoseconds_per_token  of the median; a token is a point of the grid, whatever a form makes of it
    graph_milliseconds     the same work replayed as a CUDA graph, median; batches of at most 65,536 tokens
    peak_bytes             of tensors at once, parameters and input not counted; bytes_per_token; null on a CPU
    compile_seconds        the first call less a later one; graphs: how many were compiled
    difference             of output and of gradients, each relative to the largest of its tensor
float32 is float32: TF32 is off, for convolutions too. bf16 is autocast: parameters and their gradients stay in float32.
"""
import argparse
import contextlib
import dataclasses
import gc
import json
import math
import pathlib
import statistics
import sys
import time

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "python" / "mano" / "torch"))
import reference  # noqa: E402
from rival_networks import MANO, NAMES, network_of  # noqa: E402

TOKENS = {"small-published": 1048576, "paper": 262144}
FEW_TOKENS = 32768  # a batch whose time is that of launching kernels


@dataclasses.dataclass(frozen=True)
class Row:
    form: str
    preset: str
    size: int
    tokens: int
    work: str = "step"
    precision: str = "float32"

    def __str__(self):
        return f"{self.form:<18} {self.preset} {self.size:>3}x{self.size:<3} {self.tokens:>7} tokens {self.work:<9} {self.precision:<7}"


def rows_of(o):
    """In order of worth: what a run that is cut off must have comes first."""
    def rows(forms, presets, sizes, work="step", precision="float32", tokens=None):
        return [Row(f, p, n, tokens or o.tokens or TOKENS[p], work, "bf16" if "vit" in f else precision)
                for n in sizes for p in presets for f in forms]
    first, both, rivals = o.sizes[:1], ["paper", "small-published"], ["fno", "fno-compiled", "vit", "vit-compiled"]
    main = ["windowed", "per-token-compiled", "windowed-compiled", "slices"]
    plan = rows(main, both, first) + rows(rivals, ["small-published"], first)
    plan += rows(main, both, o.sizes[1:]) + rows(rivals, ["small-published"], o.sizes[1:])
    if not o.tokens:
        plan += rows(main[:2], ["small-published", "paper"], first, tokens=FEW_TOKENS) + rows(rivals, ["small-published"], first, tokens=FEW_TOKENS)
    if o.bf16:
        plan += rows(main, both, first, precision="bf16")
    plan += rows(main, both, first, "inference") + rows(rivals, ["small-published"], o.sizes, "inference") + rows(main, both, o.sizes[1:], "inference")
    plan += rows(["slices-compiled", "per-token"], both, first)
    return [r for r in plan if r.preset in o.presets and (not o.only or r.form in o.only)]


def timed(device, work, seconds, most=100):
    """Milliseconds of each repetition; the device is idle before each, as in `mano benchmark`."""
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or (len(times) < most and time.perf_counter() < end):
        if device == "cuda":
            torch.cuda.synchronize()
            begin, done = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            work()
            done.record()
            done.synchronize()
            times.append(begin.elapsed_time(done))
        else:
            begin = time.perf_counter()
            work()
            times.append(1e3 * (time.perf_counter() - begin))
    return times


def apart(a, b):
    return float((a.detach().double() - b.detach().double()).abs().max() / b.detach().double().abs().max().clamp_min(1e-30))


def check_forms(presets):
    """MANO's forms in float64 against python/mano/torch/reference.py: what differs, or None."""
    for preset in presets:
        x = torch.randn(2, 3, 16, 16, dtype=torch.float64)
        for form in ("windowed", "slices", "per-token"):
            network = network_of(form, preset, "cpu").double()
            own, tensors = dict(network.named_parameters()), {}
            for name, value in own.items():
                *layer, module, part = name.split(".")
                prefix = f"transformer.layers.{layer[1]}." if layer else ""
                tensors[f"{prefix}{NAMES[module]}.{part}"] = own[name] = (value, torch.nn.Parameter(value.detach().clone()))
            shape = {**MANO[preset], "model": "mano", "window": 2, "stride": 1, "rate": 2, "sampling": "conv"}
            expected, out = reference.Mano({name: copy for name, (_, copy) in tensors.items()}, shape)(x), network(x)
            expected.square().mean().backward()
            out.square().mean().backward()
            found = max(apart(out, expected), *(apart(value.grad, copy.grad) for value, copy in own.values()))
            print(f"check: {preset} {form}, float64, 16x16: {found:.0e} from reference.py", flush=True)
            if not found < 1e-9:
                return f"{preset} {form} differs from reference.py by {found:.1e}"
    return None


def difference(network, reference, x, out, step):
    """Of output and gradients from the plain form's, which takes the batch in pieces."""
    pieces, most = x.split(max(1, FEW_TOKENS // x[0, 0].numel())), 0.0
    for piece, part in zip(pieces, out.split(pieces[0].shape[0])):
        with torch.set_grad_enabled(step):
            expected = reference(piece)
        most = max(most, apart(part, expected))
        if step:
            (expected.square().sum() / out.numel()).backward()
    return most, max(apart(a.grad, b.grad) for a, b in zip(network.parameters(), reference.parameters())) if step else 0.0


def measure(row, o, batch):
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    cuda, half, step = o.device == "cuda", row.precision == "bf16", row.work == "step"
    network = network_of(row.form, row.preset, o.device)
    x = torch.randn(batch, 3, row.size, row.size, device=o.device)

    def work():
        network.zero_grad(set_to_none=True)
        flash = sdpa_kernel(SDPBackend.FLASH_ATTENTION) if "vit" in row.form and cuda else contextlib.nullcontext()
        with flash, torch.set_grad_enabled(step), torch.autocast(o.device, torch.bfloat16, enabled=half):
            out = network(x)
        if step:
            (out.float() if half else out).square().mean().backward()
        return out.detach()

    begin = time.perf_counter()
    out = work()
    first = 1e3 * (time.perf_counter() - begin)
    plain = row.form.split("-")[0] if row.form.startswith(("fno", "vit")) else "windowed"
    found = difference(network, network_of(plain, row.preset, o.device), x, out, step)
    del out
    if not (found[0] < (0.1 if half else 1e-4) and found[1] < (0.3 if half else 1e-2)):
        raise ArithmeticError(f"output differs by {found[0]:.1e}, gradients by {found[1]:.1e}: not timed")
    warm = min(timed(o.device, work, 0.0))
    peak = graph = None
    if cuda:
        network.zero_grad(set_to_none=True)
        torch.cuda.reset_peak_memory_stats()
        start = torch.cuda.memory_allocated()
        work()
        peak = torch.cuda.max_memory_allocated() - start
    times = timed(o.device, work, o.seconds)
    tokens = batch * row.size**2
    if cuda and tokens <= 65536:
        graph = replayed(work)
    return {**dataclasses.asdict(row), "tokens": tokens, "batch": batch, "parameters": sum(p.numel() for p in network.parameters()),
            "milliseconds": statistics.median(times), "best_milliseconds": min(times), "repetitions": len(times),
            "nanoseconds_per_token": 1e6 * statistics.median(times) / tokens, "graph_milliseconds": graph, "peak_bytes": peak,
            "bytes_per_token": peak and peak / tokens, "compile_seconds": 1e-3 * (first - warm) if "compiled" in row.form else 0.0,
            "graphs": torch._dynamo.utils.counters["stats"]["unique_graphs"], "difference": found, "device": o.name,
            "torch": torch.__version__}


def replayed(work):
    """Median milliseconds as a CUDA graph, or why there is none."""
    try:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            work()
        return statistics.median(timed("cuda", graph.replay, 0.5))
    except Exception as error:  # noqa: BLE001: the rest of the row is good
        return f"not captured: {' '.join(str(error).split())[:100]}"


def measured(row, o):
    """A batch too large for the memory is halved; what fails otherwise is said."""
    batch = max(1, row.tokens // row.size**2)
    while True:
        try:
            return measure(row, o, batch)
        except Exception as error:  # noqa: BLE001: the other rows do not depend on it
            text = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        gc.collect()
        if o.device == "cuda":
            torch.cuda.empty_cache()
        if not any(s in text.lower() for s in ("out of memory", "alloc_failed")) or batch == 1:
            print(f"{row} FAILED: {text}", flush=True)
            return None
        batch //= 2
        print(f"{row} out of memory, batch halved to {batch}", flush=True)


def estimate(row, compiled):
    """Seconds; `compiled` holds (form, work, size, seconds) of before. What is compiled grows with the levels."""
    if "compiled" not in row.form:
        return 4.0
    costs = [(f == row.form and w == row.work, s * math.log2(row.size) / math.log2(n)) for f, w, n, s in compiled]
    return 4.0 + max([s for same, s in costs if same] or [s for _, s in costs] or [30.0])


def line_of(r):
    line = (f"{Row(*(r[f.name] for f in dataclasses.fields(Row)))} {r['milliseconds']:9.3f} ms (best {r['best_milliseconds']:.3f}) "
            f"{r['nanoseconds_per_token']:8.2f} ns")
    line += f" {r['bytes_per_token'] / 1e3:6.1f} kB a token" if r["bytes_per_token"] else " a token"
    line += f", compiled in {r['compile_seconds']:.1f} s ({r['graphs']})" if r["graphs"] else ""
    graph = r["graph_milliseconds"]
    line += f", as a graph {graph:.3f} ms" if isinstance(graph, float) else f", {graph}" if graph else ""
    return line + f", differs {r['difference'][0]:.0e}, {r['difference'][1]:.0e}"


def ratios(theirs, paths):
    """Time and memory of a token, theirs over ours: above 1 ours is faster, or smaller. Best times on both sides."""
    ours = []
    for path in map(pathlib.Path, paths):
        lines = path.read_text().splitlines() if path.exists() else []
        whole = [json.loads(line) for line in lines] if len(lines) > 1 and lines[0].endswith("}") else [json.loads("".join(lines) or "{}")]
        ours += [r for o in whole for r in o.get("results", [o]) if "training_step" in r]
    for t in theirs:
        form = "fused, bf16" if t["precision"] == "bf16" else "fused"
        same = [{**r["training_step" if t["work"] == "step" else "inference"], "tokens": r["batch"] * t["size"]**2} for r in ours
                if (r["preset"], r["resolution"][0], r["form"]) == (t["preset"], t["size"], form)]
        if same:
            mine = min(same, key=lambda r: abs(math.log(r["tokens"] / t["tokens"])))
            speed = t["best_milliseconds"] / t["tokens"] * mine["tokens"] / mine["milliseconds"]
            memory = t["bytes_per_token"] and t["bytes_per_token"] * mine["tokens"] / mine["peak_bytes"]
            print(f"{Row(*(t[f.name] for f in dataclasses.fields(Row)))} / {form}, {mine['tokens']} tokens: {speed:.2f}x time"
                  + (f", {memory:.2f}x memory" if memory else ""))


def run(o):
    start, compiled = time.perf_counter(), []
    o.name = torch.cuda.get_device_name() if o.device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    values = torch.ones(1 << (28 if o.device == "cuda" else 24), device=o.device)
    copy = 2e-6 * values.nbytes / min(timed(o.device, lambda other=torch.empty_like(values): other.copy_(values), 0.3, 20))
    del values
    print(f"{o.name}, torch {torch.__version__}, copy {copy:.0f} GB/s read and written", flush=True)
    if wrong := check_forms(o.presets):
        sys.exit(f"gpu_rivals: {wrong}")
    for row in rows_of(o):
        left = o.limit - (time.perf_counter() - start)
        if estimate(row, compiled) > left:
            print(f"{row} left out, {left:.0f} s are left", flush=True)
        elif result := measured(row, o):
            if "compiled" in row.form:
                compiled.append((row.form, row.work, row.size, result["compile_seconds"]))
            print(line_of(result), flush=True)
            if o.json:
                with open(o.json, "a") as file:
                    file.write(json.dumps(result) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--presets", default=["paper", "small-published"], type=lambda s: s.split(","))
    parser.add_argument("--sizes", default=[64, 256], type=lambda s: [int(n) for n in s.split(",")], help="powers of two")
    parser.add_argument("--tokens", type=int, help=f"of a batch; else {TOKENS}, and {FEW_TOKENS} at the first size")
    parser.add_argument("--only", type=lambda s: s.split(","), help="forms, by commas")
    parser.add_argument("--bf16", action="store_true", help="MANO's forms under autocast as well")
    parser.add_argument("--seconds", type=float, default=1.5, help="of a row's repetitions, at most 100, at least 3")
    parser.add_argument("--limit", type=float, default=math.inf, help="seconds; a row expected to pass it is left out")
    parser.add_argument("--json", help="rows are appended, one a line, each at once")
    parser.add_argument("--ours", nargs="+", default=[], help="files of `mano benchmark --json`")
    o = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    if o.limit > 0:
        run(o)
    if o.ours and o.json and pathlib.Path(o.json).exists():
        ratios([json.loads(line) for line in pathlib.Path(o.json).read_text().splitlines()], o.ours)


if __name__ == "__main__":
    main()
