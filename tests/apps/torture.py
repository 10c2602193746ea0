"""Many faults of each kind, with figures; scripts/torture runs it."""
import pathlib
import signal
import tempfile

import faults
import mutated_images_test
import training_faults


def fresh():
    return pathlib.Path(tempfile.mkdtemp(prefix="mano-torture-"))


def main():
    for ranks in (1, 3):
        struck = faults.kill_until_done(fresh(), 1500, ranks, kills=50, seed=ranks)
        print(f"{struck} kills on {ranks} rank(s): arrays equal to those of an unbroken run, no finished shard done again", flush=True)
    seconds = [faults.kill_a_rank(fresh(), 6000) for _ in range(10)]
    print(f"10 deaths of one of three ranks: the job ended after at most {max(seconds):.2g} s and went on", flush=True)
    for once in (False, True):
        folder = fresh()
        assert faults.generate(folder, "unbroken", 40).returncode == 0
        failed = faults.fail_writes(folder, 40, range(1, 121), once)
        print(f"write number 1 to 120 failing {'once' if once else 'and all after it'}: {failed} runs ended with one line, all went on",
              flush=True)
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        results = [faults.terminate(fresh(), signal_) for _ in range(5)]
        print(f"5 times {signal_.name}: status {sorted({r[0] for r in results})}, at most {max(r[1] for r in results):.2g} s", flush=True)
    struck = training_faults.kill_until_done(fresh(), epochs=6000, kills=100)
    print(f"{struck} kills of a training: every checkpoint loaded, weights and optimiser of one step; the end equal to an unbroken "
          "run's, bit for bit", flush=True)
    read, refused = mutated_images_test.mutate_images(fresh(), 1000)
    print(f"1000 mutated .vti: {read} read, {refused} refused with one line", flush=True)


if __name__ == "__main__":
    main()
