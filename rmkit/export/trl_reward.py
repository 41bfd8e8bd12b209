"""A reward model of texts as TRL's RLOO and GRPO take it: a function of prompts and completions.

TRL calls it with lists of plain texts or of messages, and with the data set's other columns. Every form is read as
`rmkit score` reads its rows: a prompt that is no dialogue is the human's one question. Knows texts and messages; not
TRL. Source: TRL's documentation of custom reward functions (`reward_funcs`).
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rmkit.errors import DataError, quoted
from rmkit.export.text_reward_model import TextRewardModel
from rmkit.worlds.human_preferences.row_forms import Side, side_of

COMPLETION = "completion"


def reward_func(folder: str | Path) -> Callable[..., list[float]]:
    """What `reward_funcs` of RLOOTrainer and GRPOTrainer takes, of a folder that `rmkit fit` or `rmkit export` wrote.

    `reward(prompts, completions, **columns)` gives one float a completion, the model's own score; an empty completion
    gets one too. DataError for a folder that holds no reward model, for prompts and completions that are no lists of
    one length, and for a completion that is neither text nor messages, the last of them the assistant's.
    """
    if not isinstance(folder, str | Path):
        raise DataError(f"folder: is {quoted(folder)}; give a folder that `rmkit fit` or `rmkit export` wrote")
    model = TextRewardModel.load(folder)

    def reward(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float]:
        for name, values in (("prompts", prompts), ("completions", completions)):
            if isinstance(values, str | bytes | Mapping) or not isinstance(values, Sequence):
                raise DataError(f"{name}: is {type(values).__name__}; give a list, with a text or messages a row")
        if len(prompts) != len(completions):
            raise DataError(f"completions: are {len(completions)}, and prompts {len(prompts)}; give each its prompt")
        sides = [_side(row, *both) for row, both in enumerate(zip(prompts, completions, strict=True))]
        score_r = model.score([side.prompt for side in sides], [side.answer.strip() for side in sides])
        return [float(score) for score in score_r]

    reward.__name__ = model.name  # what TRL logs it as
    return reward


def _side(row: int, prompt: Any, completion: Any) -> Side:
    """A completion after its prompt."""
    if prompt is None:
        raise DataError(f"row {row}: 'prompt' is None; it must be text or messages")
    side = side_of(completion, prompt, COMPLETION, f"row {row}")
    if side.by_human:
        raise DataError(f"row {row}: the last of '{COMPLETION}' is the human's; it must be the assistant's")
    return side
