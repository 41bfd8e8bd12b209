"""`export`: a reward model that `rmkit fit` made, as a folder that transformers, TRL and vLLM load."""

import argparse
import os
import shutil
from pathlib import Path

from rmkit.commands.out_folder import require_new_folder_fits
from rmkit.errors import ParamsError, cut
from rmkit.study.monitoring.output import say
from rmkit.study.store.disk import disk_faults


def export(options: argparse.Namespace) -> int:
    """Write a reward model as transformers loads it, or a study's data as `datasets` loads them, with their cards.

    A reward model becomes a sequence classifier if it is a fine-tuned language model, or a linear head on a causal one,
    as `rmkit fit PAIRS --encoder NAME` makes it with --set 'reward_models=[linear_bt]'. Any other is written with its
    encoder as one folder that rmkit loads. Of a study (a name or a .yaml file) go prompts, demonstrations, responses,
    scores, labels, embeddings and fine-tuned models.
    """
    from rmkit.commands.export_study import export_study, is_study

    if is_study(str(options.model)):
        return export_study(options)
    from rmkit.export.composite import write_composite
    from rmkit.export.sequence_classifier import has_a_class, write_sequence_classifier
    from rmkit.export.text_reward_model import HeadRewardModel, TextRewardModel

    out, where = options.out, f"--out {cut(str(options.out))}"
    if options.set:
        given = cut(str(options.set[0]))
        raise ParamsError(
            f"--set {given}: is for studies, and {cut(str(options.model))} is a reward model; leave it out"
        )
    with disk_faults(out):
        if os.path.lexists(out):
            link = "" if out.exists() else ", a link that leads nowhere"
            raise ParamsError(f"{where}: is there already{link}; name another folder")
        if Path(os.path.realpath(out)).is_relative_to(os.path.realpath(options.model)):
            raise ParamsError(f"{where}: is inside the reward model that is exported; name a folder elsewhere")
        require_new_folder_fits(out.absolute(), where)
    model = TextRewardModel.load(options.model)
    in_transformers = not isinstance(model, HeadRewardModel) or has_a_class(model)
    beside = out.absolute().with_name(f".{out.name}.{os.getpid()}")
    with disk_faults(out):
        try:  # whole or not at all
            if isinstance(model, HeadRewardModel):
                (write_sequence_classifier if in_transformers else write_composite)(model, beside)
            else:
                model.save(beside)
            beside.rename(out)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    if in_transformers:
        say(f"{out}: {model.name} as a sequence classifier; it gives the same scores at batch sizes 1 and 16")
        say(f"in Python: AutoModelForSequenceClassification.from_pretrained({str(out)!r}); README.md there shows it")
    else:
        say(f"{out}: {model.name} on {model.reads}, for which transformers has no class; it gives the same scores")
        say(f"in Python: rmkit.export.text_reward_model.TextRewardModel.load({str(out)!r}); README.md there shows it")
    return 0
