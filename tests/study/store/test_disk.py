"""Which faults are the disk's, and that these are one sentence."""

import pytest

from rmkit.errors import StoreError
from rmkit.study.store.disk import disk_faults


@pytest.mark.parametrize("fault", [BrokenPipeError(32, "Broken pipe"), BlockingIOError(11, "Try again")])
def test_a_fault_that_is_not_the_disk_s_is_not_called_so(tmp_path, fault):
    with pytest.raises(type(fault)), disk_faults(tmp_path):
        raise fault


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), FileNotFoundError(2, "gone", "x")])
def test_a_fault_of_the_disk_or_of_a_path_is_one_sentence(tmp_path, fault):
    with pytest.raises(StoreError, match=r"; (free some space|mend that) and run again"), disk_faults(tmp_path):
        raise fault
