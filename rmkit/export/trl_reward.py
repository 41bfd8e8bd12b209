"""A reward model of texts as TRL's RLOO and GRPO take it: a function of prompts and completions.

TRL calls it with lists of plain texts or of messages, and with the data set's other columns. Every form is read as
`rmkit score` reads its rows: a prompt that is no dialogue is the human's one question. Knows texts and messages; not
TRL. Source: TRL's documentation of custom reward functions (`reward_funcs`).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rmkit.export.text_reward_model import TextRewardModel
from rmkit.worlds.human_preferences.row_forms import side_of

COMPLETION = "completion"


def reward_func(folder: str | Path) -> Callable[..., list[float]]:
    """What `reward_funcs` of RLOOTrainer and GRPOTrainer takes, of a folder that `rmkit fit` or `rmkit export` wrote.

    `reward(prompts, completions, **columns)` gives one float a completion, the model's own score; an empty completion
    gets one too. DataError for a folder that holds no reward model, and for what is neither text nor messages.
    """
    model = TextRewardModel.load(folder)

    def reward(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float]:
        sides = [
            side_of(completion, prompt, COMPLETION, f"row {row}")
            for row, (prompt, completion) in enumerate(zip(prompts, completions, strict=True))
        ]
        score_r = model.score([side.prompt for side in sides], [side.answer.strip() for side in sides])
        return [float(score) for score in score_r]

    reward.__name__ = model.name  # what TRL logs it as
    return reward
