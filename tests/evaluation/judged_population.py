"""A population of reward models whose only difference is how much noise their scores have, on judged responses."""

import numpy as np

from rmkit.evaluation.design_correlations import Replication, design_correlations
from rmkit.evaluation.design_outcomes import exact_outcomes
from rmkit.evaluation.design_settings import OWN, WORDINGS, Asked, Responses, beside, settings_of
from rmkit.evaluation.test_sets.judged import JudgedResponses

F, P, Q, K = 24, 24, 26, 8
MEASURED = 4
NAMES = np.array(["chat", "code"])
CATEGORY_P, CATEGORY_Q = NAMES[np.arange(P) % 2], NAMES[np.arange(Q) % 2]
ASKED = Asked(
    n_measured=MEASURED,
    design_measures=("accuracy", "best_of_all"),
    n_bins=2,
    shares=(0.0, 0.5, 1.0),
    n_pairs=(12, 24, 48),
    n_responses=(2, 4, 8),
    budgets=(48, 72),
    label_flips=(0.2, 0.4),
    label_temperatures=(1.0,),
    votes=(1, 3),
)
REPLICATION = Replication(n_draws=2, n_resamples=30)


class Population:
    """Scores of F models on P measuring and Q policy prompts, in two wordings and of two writers."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        noise_f11 = np.linspace(0.4, 3.0, F)[:, None, None]
        self.gold_pk, self.gold_qk, base_pk = (rng.normal(size=(size, K)) for size in (P, Q, P))
        score_fpk, self.score_fqk, base_fpk = (
            gold + noise_f11 * rng.normal(size=(F, *gold.shape)) for gold in (self.gold_pk, self.gold_qk, base_pk)
        )
        own = JudgedResponses(self.gold_pk, None, CATEGORY_P)
        few = JudgedResponses(self.gold_pk[:, :MEASURED], None, CATEGORY_P, n_wordings=2)
        blurred_fpk = rng.normal(size=(F, P, MEASURED))  # in other words, scores know nothing of gold
        self.of = {OWN: Responses(own, score_fpk)}
        self.of |= beside({"sft": (own, score_fpk), "base": (JudgedResponses(base_pk), base_fpk)})
        self.of[WORDINGS] = Responses(few, np.stack([score_fpk[..., :MEASURED], blurred_fpk], axis=1))
        self.outcomes = exact_outcomes(self.score_fqk, self.gold_qk, np.arange(Q), ns=[2, 8], kls=[0.5])
        self.by_category = [one.of_category(name, CATEGORY_Q) for one in self.outcomes for name in NAMES]

    def found(self, letters="ABCDEFGHI", **changed):
        settings = [one for one in settings_of(ASKED, self.of) if one.letter in letters]
        given = {"policy_categories": self.by_category, "replication": REPLICATION} | changed
        return design_correlations(settings, self.of, self.outcomes, rng=np.random.default_rng(1), **given)
