"""A few kills of mano train; scripts/torture does a hundred."""
import pytest

import training_faults

pytestmark = pytest.mark.needs("torch")


def test_kills_at_random_times_change_nothing(tmp_path):
    assert training_faults.kill_until_done(tmp_path, epochs=600, kills=4) == 4
