"""`export`: a reward model that `rmkit fit` made, as a folder that transformers, TRL and vLLM load."""

import argparse
import os
import shutil

from rmkit.errors import ParamsError, cut
from rmkit.study.monitoring.output import say
from rmkit.study.store.disk import disk_faults


def export(options: argparse.Namespace) -> int:
    """Write a reward model as AutoModelForSequenceClassification loads it, with its model card.

    It takes a linear head on a causal language model, as `rmkit fit PAIRS --encoder NAME` makes it with --set
    'reward_models=[linear_bt]'.
    """
    from rmkit.export.sequence_classifier import write_sequence_classifier
    from rmkit.export.text_reward_model import TextRewardModel

    out = options.out
    if out.exists():
        raise ParamsError(f"--out {cut(str(out))}: is there already; name another folder")
    if not out.absolute().parent.is_dir():
        raise ParamsError(f"--out {cut(str(out))}: there is no folder {cut(str(out.absolute().parent))}; make it")
    model = TextRewardModel.load(options.model)
    beside = out.absolute().with_name(f".{out.name}.{os.getpid()}")
    with disk_faults(out):
        try:  # whole or not at all
            write_sequence_classifier(model, beside)
            beside.rename(out)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    say(f"{out}: {model.name} as a sequence classifier; it gives the same scores at batch sizes 1 and 16")
    say(f"in Python: AutoModelForSequenceClassification.from_pretrained({str(out)!r}); README.md there shows it")
    return 0
