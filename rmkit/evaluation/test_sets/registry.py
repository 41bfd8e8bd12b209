"""The designs of a test set by name, in plain sight. To add one, write its module and a line here.

A design gives rows of responses to prompts; what is measured on them is `measured.py`'s. Source: arXiv 2410.05584,
section 4, which varies a test set in all these ways.
"""

from collections.abc import Callable, Mapping

from rmkit.evaluation.test_sets.annotation_noise import AnnotationNoise
from rmkit.evaluation.test_sets.category import InCategory
from rmkit.evaluation.test_sets.design import Design
from rmkit.evaluation.test_sets.fixed_budget import FixedBudget
from rmkit.evaluation.test_sets.number_of_pairs import NumberOfPairs
from rmkit.evaluation.test_sets.paraphrase_share import ParaphraseShare
from rmkit.evaluation.test_sets.rank_bins import RankBins
from rmkit.evaluation.test_sets.response_source import ResponseSource
from rmkit.evaluation.test_sets.responses_a_prompt import ResponsesAPrompt

DESIGNS: Mapping[str, Callable[..., Design]] = {
    "response_source": ResponseSource,
    "rank_bins": RankBins,
    "category": InCategory,
    "paraphrase_share": ParaphraseShare,
    "number_of_pairs": NumberOfPairs,
    "responses_a_prompt": ResponsesAPrompt,
    "fixed_budget": FixedBudget,
    "annotation_noise": AnnotationNoise,
}
