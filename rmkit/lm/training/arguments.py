"""What every training of a language model here has in common: where it runs, what it reports, what it leaves behind.

Knows transformers' TrainingArguments and callbacks; no loss, no data. Number format: fp32 unless asked otherwise; small
models gain nothing from bf16, and on processors without it bf16 is many times slower.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rmkit.errors import DataError
from rmkit.progress import Progress

if TYPE_CHECKING:
    import pandas as pd
    from transformers import Trainer, TrainerCallback


def training_arguments(
    output_dir: str,
    *,
    epochs: float,
    batch_size: int,
    learning_rate: float,
    seed: int,
    warmup: float = 0.0,
    schedule: str = "linear",
    dtype: str = "float32",
    gradient_accumulation: int = 1,
    weight_decay: float = 0.0,
    adam_beta2: float = 0.999,
) -> dict[str, Any]:
    """Keyword arguments of TrainingArguments and of TRL's configurations; checkpoints are never written.

    warmup: the share of steps. dtype: float32 or bfloat16, the format of the products; master weights stay as loaded.
    """
    import torch

    return {
        "output_dir": output_dir,
        "num_train_epochs": epochs,
        "per_device_train_batch_size": batch_size,
        "gradient_accumulation_steps": gradient_accumulation,
        "learning_rate": learning_rate,
        "warmup_steps": warmup,  # below 1: a share of the steps
        "lr_scheduler_type": schedule,
        "weight_decay": weight_decay,
        "adam_beta2": adam_beta2,
        "seed": seed,
        "data_seed": seed,
        "use_cpu": not torch.cuda.is_available(),
        "bf16": dtype == "bfloat16",
        "gradient_checkpointing": False,
        "dataloader_pin_memory": False,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        "logging_steps": 10,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,  # a loss that is no number must be seen
        "logging_strategy": "steps",
    }


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's global generators begin at the seed inside; afterwards those of torch, NumPy and Python are as before.

    Models are initialised from the global generator, and transformers' Trainer seeds all three.
    """
    import random

    import numpy as np
    import torch

    python, arrays = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global one is what is kept
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(arrays)  # noqa: NPY002


def reporting(progress: Progress | None) -> "list[TrainerCallback]":
    """The callbacks that tell `progress` how many steps are done of how many, and that print nothing."""
    from transformers import TrainerCallback

    class Report(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if progress:
                progress(state.global_step, state.max_steps)

    return [Report()]


def trained(trainer: "Trainer") -> "pd.DataFrame":
    """Train, and return the log: step, loss and what else the trainer logs; a row for step 1 and every ten steps.

    DataError if the loss ever is not a number.
    """
    import pandas as pd
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    mean_loss = trainer.train().training_loss
    log = pd.DataFrame([entry for entry in trainer.state.log_history if "loss" in entry])
    if not log.empty and not (log["loss"].abs() < float("inf")).all():
        step = int(log.loc[~(log["loss"].abs() < float("inf")), "step"].iloc[0])
        raise DataError(f"training: the loss is no number at step {step}; lower the learning rate")
    if not abs(mean_loss) < float("inf"):
        raise DataError(f"training: the loss is no number at step {trainer.state.global_step}; lower the learning rate")
    return log
