"""What the labelling page shows, as HTML of our own: a prompt with two responses, and how far the queue is.

Every text lies in a box of its own, escaped. Knows texts and numbers; no session, no control.
"""

import math
import re

from rmkit.active.label_pool import Counts
from rmkit.active.next_pairs import Worth
from rmkit.evaluation.prequential import CALIBRATED, CANNOT_TELL, NOT_SURE, TOO_SURE, Prequential
from rmkit.intervals.means import Interval
from rmkit.lm.templates import ASSISTANT, HUMAN
from rmkit.widgets.inert_texts import inline_text, shown_text

STYLE = """<style>
.rmkit-labelling { outline: none; max-width: 1180px; container-type: inline-size; }
.rmkit-labelling .rmkit-who { flex-flow: row wrap; gap: 4px 14px; margin-bottom: 8px; align-items: center; }
.rmkit-labelling .rmkit-pair { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; }
.rmkit-labelling .rmkit-side-card { border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px 12px;
  background: var(--page); min-width: 0; }
.rmkit-labelling .rmkit-side-card .rmkit-text, .rmkit-labelling .rmkit-prompt .rmkit-text {
  font-size: 14px; line-height: 1.5; color: var(--ink); max-height: 22em !important; }
.rmkit-labelling .rmkit-prompt .rmkit-text { max-height: 12em !important; }
.rmkit-labelling .rmkit-answers { display: grid; grid-template-columns: 1fr auto auto auto 1fr; gap: 8px;
  margin: 10px 0 4px; overflow: visible; }
.rmkit-labelling .rmkit-answers button { width: auto; height: 36px; line-height: 34px; margin: 0; font-size: 13px;
  border-radius: 6px; border: 1px solid var(--line); background: transparent; color: var(--ink); padding: 0 14px;
  box-shadow: none; }
.rmkit-labelling .rmkit-answers button:hover:enabled { border-color: var(--brand); color: var(--brand); }
.rmkit-labelling .rmkit-answers button.rmkit-left, .rmkit-labelling .rmkit-answers button.rmkit-right {
  background: rgba(0, 114, 178, .10); border-color: rgba(0, 114, 178, .40); color: var(--brand); font-weight: 600; }
.rmkit-labelling .rmkit-answers button:disabled { opacity: .4; }
.rmkit-labelling:focus-within .rmkit-pair .rmkit-side-card { border-color: rgba(0, 114, 178, .40); }
.rmkit-labelling .rmkit-bar { height: 4px; border-radius: 2px; background: var(--fill); overflow: hidden;
  margin: 4px 0; }
.rmkit-labelling .rmkit-bar > div { height: 100%; background: var(--brand); }
.rmkit-labelling .rmkit-stop { border-left: 3px solid #009E73; background: rgba(0, 158, 115, .10); padding: 8px 12px;
  border-radius: 0 4px 4px 0; font-size: 13px; line-height: 1.45; margin-top: 8px; color: var(--ink); }
.rmkit-labelling .rmkit-fault { border-left: 3px solid #D55E00; background: rgba(213, 94, 0, .10); padding: 8px 12px;
  border-radius: 0 4px 4px 0; font-size: 13px; line-height: 1.45; margin: 8px 0; color: var(--ink); }
.rmkit-labelling .rmkit-status { display: grid; gap: 12px 28px; margin-top: 12px;
  grid-template-columns: repeat(auto-fit, minmax(210px, 1fr));
  border-top: 1px solid var(--line); padding-top: 10px; }
.rmkit-labelling .rmkit-big { font-size: 20px; color: var(--ink); line-height: 1.3;
  font-variant-numeric: tabular-nums; }
@container (max-width: 690px) {
  .rmkit-labelling .rmkit-answers { grid-template-columns: repeat(6, 1fr); }
  .rmkit-labelling .rmkit-answers button { grid-column: span 2; order: 1; min-width: 0; }
  .rmkit-labelling .rmkit-answers button.rmkit-left, .rmkit-labelling .rmkit-answers button.rmkit-right {
    grid-column: span 3; order: 0; }
}
@container (max-width: 420px) { .rmkit-labelling .rmkit-pair { grid-template-columns: 1fr; } }
</style>"""
SURENESS = {
    TOO_SURE: "<b>It is surer than its labels allow.</b> Do not stop on its word",
    NOT_SURE: "It is less sure than it could be",
    CALIBRATED: "It is as sure as it should be",
    CANNOT_TELL: "Whether it is as sure as it should be, one cannot tell yet",
}


def pair_html(prompt: str, left: str, right: str, shown: int, why: str) -> str:
    """The prompt above two responses. shown: which picture this is, for the page's keys; why: how it was picked."""
    sides = "".join(
        f'<div class="rmkit-side-card"><div class="rmkit-head rmkit-first">{name}</div>{shown_text(text.strip())}</div>'
        for name, text in (("left", left), ("right", right))
    )
    return (
        f'<div data-shown="{shown}"><div class="rmkit-prompt">{shown_text(plain_prompt(prompt))}</div>'
        f'<div class="rmkit-head">which response is better?{why}</div><div class="rmkit-pair">{sides}</div></div>'
    )


def empty_html(shown: int, sentence: str) -> str:
    """What stands where there is no pair."""
    return f'<div data-shown="{shown}"><div class="rmkit-prompt">{sentence}</div></div>'


def plain_prompt(prompt: str) -> str:
    """A prompt without the signs of a dialogue where it is one question; of a dialogue, all but the open turn."""
    text = prompt.removesuffix(ASSISTANT)
    turns = re.findall(f"{re.escape(HUMAN)}|{re.escape(ASSISTANT)}", text)
    return (text.removeprefix(HUMAN) if turns == [HUMAN] and text.startswith(HUMAN) else text).strip()


def counts_html(counts: Counts, mine: int, agreement: str) -> str:
    """How far the queue is; agreement: how far people agree, or nothing."""
    share = counts.labelled / counts.pairs
    more = [f"{mine:,} by you"] + [f"{counts.ties:,} {'tie' if counts.ties == 1 else 'ties'}"] * bool(counts.ties)
    more += [f"{counts.skipped:,} skipped"] * bool(counts.skipped)
    people = [f"{inline_text(name)} {n:,}" for name, n in counts.people.items()]
    lines = [", ".join(more)]
    if len(people) > 1:
        lines.append(f"labels: {', '.join(people[:6])}{' and others' if len(people) > 6 else ''}")
    lines += [agreement] * bool(agreement)
    return _column(
        "progress",
        f"{counts.labelled:,} of {counts.pairs:,} pairs",
        f'<div class="rmkit-bar"><div style="width:{max(share, 0.004):.1%}"></div></div>' + "<br>".join(lines),
    )


def worth_html(worths: list[tuple[int, Worth]], is_picking: bool) -> str:
    """What the next labels promise, and how the last promise turned out."""
    if not worths:
        text = "The first pairs are random. What labels are worth is said as soon as a model can be fitted to some."
        return _column("what the next labels are worth", "", text)
    known, worth = worths[-1]
    lines = [
        f"By its own account, the model has {worth.wrong_now:.1%} of all pairs in the wrong order; after "
        f"{worth.labels} more labels {worth.wrong_after:.1%}. These labels carry {worth.nats:.1f} nats of at most "
        f"{worth.labels * math.log(2):.1f}."
    ]
    if len(worths) > 1:
        before, promised = worths[-2]
        lines.append(
            f"Promised at {before} labels: {promised.wrong_after:.1%}; it came to {worth.wrong_now:.1%} at {known}."
        )
    if is_picking:
        lines.append("The next pairs are being picked anew.")
    return _column(
        "what the next labels are worth", f"{worth.promised:+.1%} put right".replace("-", "−"), "<br>".join(lines)
    )


def foretold_html(every: Prequential, shared: Prequential) -> str:
    """Whether the model may be believed."""
    if not every.labels:
        return _column("was it foretold?", "", "Nothing was foretold yet.")
    lines = [
        f"of {every.labels:,} labels, each before it was given. Picked pairs are the hard ones.",
        f"{SURENESS[every.verdict]}: {inline_text(every.in_words)}.",
    ]
    if shared.labels:
        lines.append(f"Of {shared.labels:,} random pairs: {shared.right:.0%} right.")
    return _column("was it foretold?", f"{every.right:.0%} right", "<br>".join(lines))


def overturned_html(against: int, decided: int) -> str:
    """What looking again has changed."""
    if not decided:
        return _column("judged the other way", "", "The label of the file is not shown. Judge as if there were none.")
    return _column(
        "judged the other way",
        f"{against} of {decided}",
        "labels of the file that you contradict. They were likely wrong.",
    )


def stop_html(worths: list[tuple[int, Worth]]) -> str:
    """The suggestion to stop."""
    worth = worths[-1][1]
    return (
        f'<div class="rmkit-stop"><b>You may stop here.</b> {worth.labels} more labels promise to put '
        f"{worth.promised:.1%} of the pairs right, and the {worth.labels} before promised little more. What is "
        "labelled is kept; you can go on at any time.</div>"
    )


def agreement_text(found: tuple[Interval, Interval] | None, twice: int) -> str:
    """How often two people agree on the pairs that both have judged, `twice` of them; empty of one person's labels."""
    if found is None:
        return ""
    share, alpha = found
    if math.isnan(share.estimate):
        return "nobody has judged a pair that somebody else judged"
    interval = "" if share.reason else f" (95%: {share.low:.0%} to {share.high:.0%})"
    beyond = "" if math.isnan(alpha.estimate) else f", Krippendorff's α {alpha.estimate:.2f}".replace("-", "−")
    pairs = "pair" if twice == 1 else "pairs"
    return f"two people agree on {share.estimate:.0%} of {twice:,} shared {pairs}{interval}{beyond}"


def _column(name: str, big: str, text: str) -> str:
    large = f'<div class="rmkit-big">{big}</div>' if big else ""
    return f'<div><div class="rmkit-head rmkit-first">{name}</div>{large}<div class="rmkit-note">{text}</div></div>'
