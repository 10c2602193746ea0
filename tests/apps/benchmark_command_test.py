"""mano benchmark: what it prints and writes. No time is asserted."""
import json

import pytest

pytestmark = pytest.mark.needs("torch")


def test_quick_benchmark_prints_a_row_each_and_writes_them(mano, tmp_path):
    out = mano("benchmark", "--quick", "--preset", "small-published", "--tokens", "512", "--json", "b.json", "--picture", "b.png").out
    report = json.loads((tmp_path / "b.json").read_text())
    forms = {(row["form"], row["resolution"][0]) for row in report["results"]}
    assert forms == {(form, n) for form in ("windowed", "fused", "fused, bf16", "dense") for n in (16, 32)}
    assert report["machine"]["gemm_flops"] > 1e9 and report["machine"]["copy_bytes_per_second"] > 1e8
    for row in report["results"]:
        assert row["training_step"]["milliseconds"] > row["inference"]["milliseconds"] > 0
        assert row["training_step"]["peak_bytes"] > 0
    windowed = [row for row in report["results"] if row["form"] == "windowed"]
    assert all(0 < row["relative_difference"] < 1e-3 for row in windowed)
    assert out.count("windowed ") >= 2 and "answers compared first" in out
    for name in ("b.png", "b_memory.png"):
        assert (tmp_path / name).read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("arguments, said", [
    (("--preset", "huge"), "huge"),
    (("--sizes", "48"), "48"),
    (("--sizes", "0"), "0"),
    (("--tokens", "0"), "--tokens is 0"),
    (("--repetitions", "-1"), "--repetitions is -1"),
])
def test_bad_input_is_one_line(mano, arguments, said):
    result = mano("benchmark", *arguments, status=2)
    assert said in result.err and result.err.count("\n") == 1
