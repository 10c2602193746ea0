"""Faults for mano generate: kills, deaths of a rank, full disks, failing writes, little memory. The quick tests do a few of each
(fault_test.py), the long run many (torture.py)."""
import os
import random
import resource
import shutil
import signal
import subprocess
import time

import h5py

PROGRAM = os.environ["MANO_PROGRAM"]
SHIM = os.environ.get("MANO_FAIL_NTH", "")
COMMAND = ["generate", "--field", "two-phase", "--seed", "5", "--resolution", "24x16", "--also", "12x8"]
FILES = ("{}.h5", "{}-12x8.h5")
NAMES = ("permeability", "pressure", "seed", "sample", "iterations", "residual", "solver")


def command(name, samples, ranks=1):
    start = [] if ranks == 1 else ["mpiexec", "--oversubscribe", "-n", str(ranks)]
    return [*start, PROGRAM, *COMMAND, "--samples", str(samples), "-o", f"{name}.h5"]


def generate(folder, name, samples, ranks=1, **options):
    return subprocess.run(command(name, samples, ranks), cwd=folder, capture_output=True, text=True, timeout=300, check=False,
                          **options)


def arrays(folder, name):
    contents = {}
    for pattern in FILES:
        with h5py.File(os.path.join(folder, pattern.format(name))) as f:
            contents.update({(pattern, key): f[key][()].tobytes() for key in NAMES})
    return contents


def shards(folder, name):
    """Finished shards, as the manifests tell."""
    lines = []
    part = os.path.join(folder, f"{name}.h5.part")
    for manifest in os.listdir(part) if os.path.isdir(part) else []:
        if manifest.endswith(".jsonl"):
            with open(os.path.join(part, manifest)) as f:
                lines += [line for line in f.read().split("\n")[:-1] if line.endswith("}")]
    return lines


def kill_all(process):
    """All ranks at one moment, and what started them; none is left when this returns."""
    ranks = children(process.pid)
    for pid in [*ranks, process.pid]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()
    while any(alive(pid) for pid in ranks):
        time.sleep(0.005)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill_until_done(folder, samples, ranks, kills, seed=0):
    """SIGKILL to all of a run at random times, again and again, then a run to its end. Returns how many kills struck."""
    rng = random.Random(seed)
    start = time.time()
    whole = generate(folder, "unbroken", samples)
    assert whole.returncode == 0, whole.stderr
    seconds = time.time() - start
    struck = 0
    round_ = 0
    while struck < kills:
        round_ += 1
        name = f"broken{round_}"
        while True:
            with open(os.path.join(folder, "error.txt"), "w") as error:
                process = subprocess.Popen(command(name, samples, ranks), cwd=folder, stdout=subprocess.DEVNULL, stderr=error)
            try:
                process.wait(rng.uniform(0.2, 1.2) * seconds)
                with open(os.path.join(folder, "error.txt")) as error:
                    assert process.returncode == 0, error.read()
                break
            except subprocess.TimeoutExpired:
                kill_all(process)
                struck += 1
                finished = shards(folder, name)
                assert len(set(finished)) == len(finished), "a finished shard was done again"
                if struck == kills:
                    result = generate(folder, name, samples, ranks)
                    assert result.returncode == 0, result.stderr
                    break
        assert arrays(folder, name) == arrays(folder, "unbroken"), name
        assert not [p for p in os.listdir(folder) if p.startswith((f".{name}", f"{name}.h5.part"))]
    return struck


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [int(child) for child in f.read().split()]


def kill_a_rank(folder, samples):
    """One of three ranks dies; returns the seconds until the job has ended, with a state that goes on."""
    process = subprocess.Popen(command("rank", samples, 3), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.time() + 60
    while not shards(folder, "rank") and time.time() < deadline:
        time.sleep(0.01)
    os.kill(children(process.pid)[1], signal.SIGKILL)
    start = time.time()
    process.wait(30)
    seconds = time.time() - start
    assert process.returncode != 0
    assert not os.path.exists(os.path.join(folder, "rank.h5"))
    result = generate(folder, "rank", samples, 3)
    assert result.returncode == 0, result.stderr
    return seconds


def failing_at(folder, n, once=False):
    """The environment in which the n-th write under the folder fails, and, unless `once`, all after it."""
    environment = {**os.environ, "LD_PRELOAD": SHIM, "MANO_FAIL_AT": str(n), "MANO_FAIL_UNDER": str(folder)}
    return {**environment, "MANO_FAIL_ONCE": "1"} if once else environment


def replace_on_a_full_disk(folder, arguments, names, once):
    """A run that would replace the files `names` fails at its first write, its second, and others until one comes through. Each time
    there is one line that names a file and the reason, and each file is the old one or the new one, whole."""
    paths = {name: os.path.join(folder, name) for name in names}

    def whole(path):  # an HDF5 file knows when it was made
        if not path.endswith(".h5"):
            with open(path, "rb") as f:
                return f.read()
        with h5py.File(path) as f:
            return {key: f[key][()].tobytes() for key in NAMES}

    def contents():
        return {name: whole(path) for name, path in paths.items()}

    def run(**options):
        return subprocess.run([PROGRAM, *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False, **options)

    old = contents()
    kept = os.path.join(folder, "..", "kept")
    shutil.copytree(folder, kept)
    assert run().returncode == 0
    new = contents()
    n = 1
    failed = 0
    while True:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        result = run(env=failing_at(folder, n, once))
        now = contents()
        if result.returncode == 0:
            assert now == new, f"write {n} failed, status 0, and the files are neither"
            return failed
        assert result.returncode == 1 and result.stderr.count("\n") == 1, (n, result.returncode, result.stderr)
        assert any(f"cannot write {name}: No space left on device" in result.stderr for name in names), (n, result.stderr)
        assert all(now[name] in (old[name], new[name]) for name in names), (n, result.stderr)
        assert sorted(os.listdir(folder)) == sorted(names), n
        failed += 1
        n += 1 + n // 2


def fail_writes(folder, samples, calls, once):
    """The n-th write fails, for each n in `calls`; returns how many runs it ended. What it leaves goes on, once writes succeed."""
    failed = 0
    for n in calls:
        name = f"full{n}{'once' if once else ''}"
        result = generate(folder, name, samples, env=failing_at(folder, n, once))
        if result.returncode != 0:
            failed += 1
            assert result.returncode in (1, 2), (n, result.returncode, result.stderr)
            assert result.stderr.count("\n") == 1 and "error: " in result.stderr, (n, result.stderr)
        for pattern in FILES:  # a file under its final name is whole
            path = os.path.join(folder, pattern.format(name))
            if os.path.exists(path):
                assert subprocess.run([PROGRAM, "info", path], capture_output=True, check=False).returncode == 0, (n, path)
        if result.returncode != 0:
            again = generate(folder, name, samples)
            assert again.returncode == 0, (n, again.stderr)
        assert arrays(folder, name) == arrays(folder, "unbroken"), n
        for pattern in FILES:
            os.remove(os.path.join(folder, pattern.format(name)))
    return failed


def with_little_memory(folder, gigabytes, resolution):
    limit = int(gigabytes * 1e9)
    return subprocess.run([PROGRAM, "generate", "--field", "two-phase", "--samples", "2", "--resolution", resolution, "-o",
                           "memory.h5"], cwd=folder, capture_output=True, text=True, timeout=300, check=False,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))


def terminate(folder, signal_):
    """Returns status and seconds of a run that got the signal after its first shard."""
    process = subprocess.Popen(command("term", 100000), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.time() + 60
    while not shards(folder, "term") and time.time() < deadline:
        time.sleep(0.01)
    start = time.time()
    process.send_signal(signal_)
    error = process.communicate(timeout=30)[1]
    assert error.count("\n") == 1 and "the same command goes on" in error, error
    assert not os.path.exists(os.path.join(folder, "term.h5"))
    return process.returncode, time.time() - start
