"""The responses to one prompt as HTML of our own: every text in a box of its own, escaped, beside what it is worth.

Knows one prompt's table; no store, no control.
"""

import math
import re
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from rmkit.widgets.inert_texts import inline_text, shown_text

Pattern = re.Pattern[str] | None  # what was searched for: marked in every text


def prompt_html(text: str, pattern: Pattern = None) -> str:
    """The prompt, set apart."""
    return f'<div class="rmkit-prompt">{shown_text(text.strip(), pattern)}</div>'


def answers_html(answers: pd.DataFrame, n: int, pick: int, pattern: Pattern = None) -> str:
    """The responses in stored order, rewards and ranks; those after the first n are pale, the pick is marked.

    answers: text, gold, proxy, gold_rank, proxy_rank.
    """
    head = "<tr><th>#</th><th>response</th>" + "".join(
        f'<th class="rmkit-number">{name}</th><th class="rmkit-number">rank</th>' for name in ("gold", "proxy")
    )
    digits = {name: digits_of(answers[name]) for name in ("gold", "proxy")}
    rows = enumerate(answers.to_dict("records"))
    body = "".join(_answer_html(position, row, digits, n, pick, pattern) for position, row in rows)
    return f'<div class="rmkit-scroll"><table class="rmkit-table">{head}</tr>{body}</table></div>'


def _answer_html(
    position: int, row: Mapping[Hashable, Any], digits: Mapping[str, int], n: int, pick: int, pattern: Pattern
) -> str:
    kind = "rmkit-pick" if position == pick else "rmkit-off" if position >= n else ""
    worth = [text for name in digits for text in (signed(row[name], digits[name]), best(row[f"{name}_rank"]))]
    rewards = "".join(f'<td class="rmkit-number">{text}</td>' for text in worth)
    return f'<tr class="{kind}"><td>{position + 1}</td><td>{shown_text(row["text"], pattern)}</td>{rewards}</tr>'


def pair_html(chosen: str, rejected: str, margin: float, missing: str = "", pattern: Pattern = None) -> str:
    """What people chose beside what they rejected, and what the fit says of it. missing: why there are no texts."""
    right = "agrees with" if margin > 0 else "contradicts" if margin < 0 else "is undecided about"
    chance = 1 / (1 + math.exp(-max(min(margin, 500.0), -500.0)))
    said = (
        f"The fit {right} the label: margin {signed(margin)}, so it gives the chosen response "
        f"{chance:.0%} (read as Bradley–Terry's). It was trained on neither response. "
        "People judged here: there is no gold reward, and no Best-of-n."
        + (f"<br>Only lengths are shown: {inline_text(missing)}." if missing else "")
    )
    texts = [shown_text(text.strip(), pattern) for text in (chosen, rejected)]
    boxes = "".join(
        f'<div class="rmkit-card"><div class="rmkit-head rmkit-first">{name}</div>{html}</div>'
        for name, html in zip(("chosen", "rejected"), texts, strict=True)
    )
    return f'<div class="rmkit-note" style="margin-top:8px">{said}</div><div class="rmkit-columns">{boxes}</div>'


def pick_html(answers: pd.DataFrame, n: int, pick: int, pattern: Pattern = None) -> str:
    """In a sentence what the pick of n costs."""
    first = answers.iloc[:n]
    best_gold, kept = float(first["gold"].max()), answers.iloc[pick]
    lost = best_gold - float(kept["gold"])
    cost = "the best of them by gold too" if lost <= 0 else f"{lost:.2f} less gold than the best of them has"
    return (
        f'<div class="rmkit-note">Of the first {n}, the fit keeps response {pick + 1}: {cost}. '
        f"Rank by gold {kept['gold_rank']} of {len(answers)}.{shown_text(kept['text'], pattern)}</div>"
    )


def signed(value: float, digits: int = 2) -> str:
    """A reward with its sign, a true minus."""
    return f"{value:+.{digits}f}".replace("-", "−")


def digits_of(rewards: pd.Series) -> int:
    """How many decimals tell rewards apart: two, or more where all of them lie close together."""
    spread = float(rewards.max() - rewards.min())
    return min(6, max(2, 1 - math.floor(math.log10(spread)))) if spread > 0 else 2


def best(rank: int) -> str:
    """A rank, the best one in bold."""
    return f"<b>{rank}</b>" if rank == 1 else str(rank)
