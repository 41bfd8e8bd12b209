"""What every use of transformers, datasets and TRL here has in common: they keep quiet.

Knows the libraries' own logging; no model.
"""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Hold transformers and datasets to errors: their bars and hints would hide the notebook's own progress."""
    import datasets
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), datasets.are_progress_bars_disabled()
    own_bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if own_bars:
            logging.enable_progress_bar()
        if not bars:
            datasets.enable_progress_bars()
