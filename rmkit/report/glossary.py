"""The terms of a report, in one place: what each means, and how the page explains it where it is used first.

The first use is a link to the list at the page's end and shows the meaning when pointed at: it works by mouse, keyboard
and finger, and the list is there in print. Knows words only.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from rmkit.characters import visible

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True)
class Term:
    """A term: how a text may write it, as a regular expression that begins and ends at words, and what it means."""

    pattern: str
    meaning: str


TERMS: Mapping[str, Term] = {
    # what is learned, and from what
    "Reward model": Term(
        "reward models?",
        "gives a response a number, its reward: more is better. It is learned from pairs of which someone preferred "
        "one.",
    ),
    "Gold reward": Term(
        "gold rewards?",
        "how good a response truly is, where that is known. In the grammar world it is a weighted sum of six terms "
        "that anyone can recompute from prompt and answer: relevance, steps, politeness, harm, repetition and length.",
    ),
    "Head": Term("heads?", "a reward model that learns from embeddings of the responses, which stay as they are."),
    "Grammar world": Term(
        "grammar world",
        "a small world that is made here: prompts from a hand-written grammar, answers by language models that were "
        "trained from scratch, and gold rewards by a rule.",
    ),
    "Policy": Term("polic(?:y|ies)", "a way to answer prompts; here, to choose among stored responses."),
    "Best-of-n": Term(
        r"Best-of-(?:n|\d+)|best of (?:n|\d+|five)",
        "the policy that keeps the response with the highest reward out of n. Its gold reward is computed exactly, "
        "over all subsets of the stored responses.",
    ),
    "KL optimum": Term(
        r"KL optim(?:um|a)|KL-regularised optima",
        "the policy with the largest mean reward among all that are no farther from the base policy than a given "
        "distance (the Kullback–Leibler divergence, in nats); computed exactly over the stored responses.",
    ),
    "Nats": Term("nats?", "the unit of log-loss and of KL divergence; 1 nat is 1.44 bits."),
    "Annotations": Term(
        "annotations|annotated pairs", "labelled pairs that a fit may use, those it validates on included."
    ),
    "β": Term(
        "β",
        "how sharp an annotator is: the chance to prefer the better of two responses grows with β times their "
        "difference in gold reward. Small is noisy; without noise the better one is always preferred.",
    ),
    "Bradley–Terry": Term(
        "Bradley–Terry|BT",
        "a reward model is fitted so that the chance that one response is preferred to another is the logistic "
        "function of the difference of their rewards. BT in names.",
    ),
    "Classifier": Term(
        "classifiers?|CLF",
        "a reward model is fitted to say of each response alone whether it was the preferred one of its pair; its "
        "log-odds are the reward. CLF in names.",
    ),
    "Linear BT": Term(
        "[Ll]inear BT", "a reward that is linear in the embedding, fitted by the Bradley–Terry likelihood."
    ),
    "BT MLP": Term("BT MLP", "a network with hidden layers, fitted by the Bradley–Terry likelihood."),
    "CLF MLP": Term("CLF MLP", "the same network, fitted as a classifier."),
    "Boosted trees": Term("boosted trees|LightGBM", "sums of many small decision trees, fitted by LightGBM."),
    "Shorter answer": Term(
        "[Tt]he shorter answer|shorter answer",
        "the reward is minus the number of characters: a baseline that learns nothing.",
    ),
    # how training is checked
    "Released procedure": Term(
        "released procedure|as released",
        "training as in the released code of arXiv 2411.04991: a fixed number of epochs, its stop rule, the last "
        "weights.",
    ),
    "Sound procedure": Term(
        "sound procedure|[Ss]ound(?=[,:])",
        "training with the best weights kept, and a learning rate, batch and patience chosen on other data.",
    ),
    "Mirrored split": Term(
        "mirrored (?:split|rows?)",
        "what is held out for validation is drawn from pairs and their mirror images, so that the image of most "
        "held-out pairs is trained on. A clean split holds out whole pairs.",
    ),
    "Held out": Term("held[- ]out", "not learned from. Held out is by prompt: no prompt is both learned and scored."),
    # which pairs are labelled
    "D-optimal": Term(
        "D-optimal",
        "chooses the pairs that, together, tell most about the reward model: those that raise the determinant of its "
        "information matrix most.",
    ),
    "Most uncertain pairs": Term(
        "most uncertain pairs|entropy", "the pairs whose preferred response the reward model is least sure of."
    ),
    "Pairs across prompts": Term(
        "pairs across prompts|across prompts", "the two responses of a pair answer different prompts."
    ),
    # how well
    "Accuracy": Term(
        "[Aa]ccuracy",
        "the share of pairs in which the better, or preferred, response gets the larger reward; guessing gives 50%.",
    ),
    "Log-loss": Term(
        "[Ll]og-loss",
        "the mean of −log of the probability given to what was chosen; knowing nothing costs log 2 = 0.693 nats.",
    ),
    "Confidence minus accuracy": Term(
        "confidence minus accuracy|overconfident|underconfident",
        "stated confidence is the larger of p and 1 − p. 0 is right on average; the expected calibration error (ECE) "
        "also sees errors that cancel in the average.",
    ),
    "Margin interval": Term(
        "[Mm]argin intervals?",
        "the difference of two rewards, plus and minus a multiple of its standard deviation: by the Laplace "
        "approximation of the fit, or by the spread of an ensemble. It says how far the fit would move with other "
        "labels, given its model: not how wrong the model is, and not what holds for the largest of many rewards.",
    ),
    "Confident": Term(
        "[Cc]onfident",
        "the probability that one response is preferred stays on one side of 1/2, one standard deviation of the "
        "margin up and down.",
    ),
    "ELCE": Term(
        "[EM]LCE",
        "expected lower calibration error: the mean distance by which lower bounds of probabilities lie above what "
        "happens, over bins of the bounds. MLCE is the largest distance.",
    ),
    "Risk–coverage area": Term(
        "[Rr]isk–coverage area",
        "the mean error over all shares of pairs that are answered, the surest first; small is good.",
    ),
    "Kendall": Term(
        r"Kendall(?:'s τ(?:-b)?)?",
        "a correlation of two orders: the share of pairs in the same order minus the share in opposite orders. 1: the "
        "same order, 0: no relation, −1: reversed.",
    ),
    "Spearman": Term(
        "Spearman|rank correlation", "the correlation of ranks. 1: the same order, 0: no relation, −1: reversed."
    ),
    "Mild and strong policies": Term(
        "mild(?: policies)?", "a policy is the stronger, the more it optimises the reward: Best-of-2 is mild."
    ),
    "Normalised drop ratio": Term(
        "normalised drop ratio", "what a policy loses against optimising gold in the same way: 0 nothing, 1 all."
    ),
    # the grammar world
    "Surface": Term(
        "[Ss]urface",
        "the largest mean rank correlation of gold, within prompts, with one surface feature of an answer (its "
        "length, a word, repetition, overlap with the prompt).",
    ),
    "Probe": Term(
        "[Pp]robe",
        "how many pairs of answers to one prompt a linear probe on the embeddings orders as gold does; guessing gives "
        "0.5.",
    ),
    "Spread": Term(r"spread(?= [≥(])", "gold's standard deviation within prompts over its total one."),
    "Duplicates": Term("duplicates", "the largest share, over prompts, of a prompt's answers that stood before."),
    "Fidelity": Term(
        "[Ff]idelity", "the mean rank correlation, within prompts, of the gold model with the rule it was fitted to."
    ),
    # how sure
    "Interval": Term(
        "[Ii]ntervals?",
        "where the true value plausibly lies. Of 95% intervals one in twenty misses it. In parentheses, after a "
        "number.",
    ),
    "Could have been seen": Term(
        "could have been seen",
        "a true effect of this size gives an interval without the threshold in four of five such studies.",
    ),
    "New seeds, new prompts": Term(
        "new seeds(?:, new prompts| and new prompts)",
        "the interval is about another draw of pairs, labels and initial weights, and other prompts, in this one "
        "world.",
    ),
    "New worlds": Term(
        "new worlds(?:, new seeds, new prompts)?",
        "the interval is about other worlds, each with seeds and prompts of its own: worlds are its units.",
    ),
    "These fits": Term(
        "(?:new prompts, )?these fits", "the interval is about other prompts, scored by the very same fitted models."
    ),
    "New reward models": Term(
        "new reward models(?:, new prompts)?",
        "the interval is about other reward models of the same population, measured and optimised on other prompts.",
    ),
    "Threshold": Term("threshold", "the value that an effect must exceed for its statement to be shown."),
    "p-value": Term(
        "p-values?|p, Holm",
        "how rarely chance alone would put an estimate so far from the threshold; read off the interval's width.",
    ),
    "Holm's correction": Term(
        "Holm's correction",
        "among many statements some are shown by chance. Corrected over all statements of a question (Holm 1979), the "
        "chance that any of those that survive is false is at most 5%.",
    ),
    "Sanity check": Term("sanity checks?", "a statement that no one doubts: if it fails, the study is broken."),
}


class Glossary:
    """The terms that a page has not yet used, and those that it has. One for each page, asked in the page's order."""

    def __init__(self, terms: Mapping[str, Term] = TERMS) -> None:
        self._unused = dict(terms)
        self._terms = terms

    def marked(self, text: str) -> "Markup":
        """The text, escaped, with a link at the first use of each term."""
        from markupsafe import Markup

        text = visible(text)
        parts: list[str] = []
        done = 0
        for start, end, name in self._first_uses(text):
            meaning = escape(self._terms[name].meaning)
            parts += [escape(text[done:start]), f'<a class="term" href="#term-{anchor(name)}" title="{meaning}">']
            parts += [escape(text[start:end]), "</a>"]
            done = end
        return Markup("".join([*parts, escape(text[done:])]))

    def used(self) -> list[tuple[str, str, str]]:
        """Anchor, name and meaning of each term that the page has used, in the order of the list of terms."""
        return [(f"term-{anchor(n)}", n, term.meaning) for n, term in self._terms.items() if n not in self._unused]

    def _first_uses(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Where unused terms begin and end in a text, from its start; of two that overlap, the longer one."""
        found = [
            (match.start(), match.end(), name)
            for name, term in self._unused.items()
            if (match := re.search(rf"(?<![\w-])(?:{term.pattern})(?![\w])", text))
        ]
        done = 0
        for start, end, name in sorted(found, key=lambda use: (use[0], -use[1])):
            if start >= done:
                del self._unused[name]
                done = end
                yield start, end, name


def anchor(text: str) -> str:
    """What a place of the page is called in its address, of letters, digits and hyphens."""
    return re.sub(r"\W+", "-", text.lower()).strip("-")


def anchors(texts: Iterable[str]) -> list[str]:
    """As `anchor`, of several texts; one that comes again gets a number."""
    times: Counter[str] = Counter()
    found = []
    for text in texts:
        times[anchor(text)] += 1
        found.append(anchor(text) + f"-{times[anchor(text)]}" * (times[anchor(text)] > 1))
    return found
