"""The libraries are quiet while asked to be, and then as before."""

import pytest
from transformers.utils import logging

from rmkit.lm.libraries import quiet_libraries


@pytest.mark.parametrize("loud", [True, False])
def test_the_libraries_are_as_loud_afterwards_as_before(loud):
    import datasets

    def bars():
        return logging.is_progress_bar_enabled(), not datasets.are_progress_bars_disabled()

    def set_bars(on):
        (logging.enable_progress_bar if on else logging.disable_progress_bar)()
        (datasets.enable_progress_bars if on else datasets.disable_progress_bars)()

    before = logging.get_verbosity(), bars()
    logging.set_verbosity_info()
    set_bars(loud)
    try:
        with quiet_libraries():
            assert logging.get_verbosity() == logging.ERROR
            assert bars() == (False, False)
        assert (logging.get_verbosity(), bars()) == (logging.INFO, (loud, loud))
        with pytest.raises(KeyError), quiet_libraries():
            raise KeyError
        assert (logging.get_verbosity(), bars()) == (logging.INFO, (loud, loud))
    finally:
        logging.set_verbosity(before[0])
        set_bars(all(before[1]))
