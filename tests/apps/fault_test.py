"""A few faults of each kind; scripts/torture does many."""
import os
import signal
import subprocess

import pytest

import faults

pytestmark = pytest.mark.needs("petsc")
SAMPLES = 1500


@pytest.mark.parametrize("ranks", [1, 3])
def test_kills_at_random_times_change_nothing(tmp_path, ranks):
    assert faults.kill_until_done(tmp_path, SAMPLES, ranks, kills=4) == 4


def test_a_dead_rank_ends_the_job_and_the_rest_goes_on(tmp_path):
    assert faults.kill_a_rank(tmp_path, 6000) < 30


def test_failing_writes_leave_one_line_and_a_state_that_goes_on(tmp_path):
    assert faults.generate(tmp_path, "unbroken", 40).returncode == 0
    assert faults.fail_writes(tmp_path, 40, range(1, 80, 9), once=False) >= 5
    faults.fail_writes(tmp_path, 40, range(2, 60, 13), once=True)


@pytest.mark.needs("vtk")
@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("options, names", [(["-o", "s.vti"], ["s.vti"]), (["-o", "s.h5", "--picture", "s.png"], ["s.h5", "s.png"])])
def test_a_result_that_cannot_be_written_leaves_the_old_one(tmp_path, options, names, once):
    command = ["solve", "--field", "two-phase", "--seed", "1", *options, "--resolution"]
    disk = tmp_path / "disk"
    disk.mkdir()
    assert subprocess.run([faults.PROGRAM, *command, "16x16"], cwd=disk, capture_output=True, check=False).returncode == 0
    assert faults.replace_on_a_full_disk(disk, [*command, "96x96"], names, once) >= 3


def test_a_full_disk_is_one_line_and_goes_on_when_there_is_room(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small file system")
    try:
        result = faults.generate(disk, "small", SAMPLES)
        assert result.returncode == 1 and result.stderr.count("\n") == 1, result.stderr
        assert not (disk / "small.h5").exists()
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        assert faults.generate(disk, "small", SAMPLES).returncode == 0
    finally:
        subprocess.run(["umount", str(disk)], check=False)


def test_too_little_memory_is_one_line(tmp_path):
    result = faults.with_little_memory(tmp_path, float(os.environ.get("MANO_ADDRESS_SPACE_GB", "4")), "4000x4000")
    assert result.returncode in (1, 2) and result.stderr.count("\n") == 1 and "memory" in result.stderr, result.stderr
    assert not (tmp_path / "memory.h5").exists()


@pytest.mark.parametrize("signal_, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_finish_the_sample(tmp_path, signal_, status):
    returned, seconds = faults.terminate(tmp_path, signal_)
    assert returned == status and seconds < 10


def test_a_second_run_on_the_same_file_is_refused_at_once(tmp_path):
    first = subprocess.Popen(faults.command("same", 100000), cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not (tmp_path / "same.h5.part" / "manifest-0.jsonl").exists():
            assert first.poll() is None
        second = faults.generate(tmp_path, "same", 100000)
        assert second.returncode == 2 and "another 'mano generate' is at work on same.h5" in second.stderr
    finally:
        first.kill()
        first.wait()
