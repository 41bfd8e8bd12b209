import sys

import pytest

from rmkit.study.processes.fork_server import Stamp

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a fork server is for Linux")


def test_a_stamp_longer_than_its_place_is_refused():
    with pytest.raises(ValueError, match="longer than 4 bytes"):
        Stamp(0, 4).write("12345")
