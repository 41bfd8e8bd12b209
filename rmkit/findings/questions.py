"""The questions of a study, as plain data: which statements answer each, which of them lead, and what shows it.

Knows names of stages, statements and exhibits, and the words of an answer; judges and draws nothing. A statement is
grouped by its stage, so that a rule's file, whose digest is registered, says nothing of this.
"""

from collections.abc import Mapping
from dataclasses import dataclass

OTHER = "Other statements"  # where the stage is of no question


@dataclass(frozen=True)
class Leading:
    """A statement that answers a question in one sentence: as a clause, and the clause of its opposite."""

    rule: str
    claim: str
    opposite: str
    turned: bool = True  # whether the opposite has the effect with its sign turned: a difference does, no correlation
    unless: str = ""  # a rule; where a study is about that, this one does not lead


@dataclass(frozen=True)
class Question:
    """A question in plain words, with what answers it."""

    heading: str
    stages: tuple[str, ...]  # whose statements belong to it
    leading: tuple[Leading, ...]
    exhibits: tuple[str, ...]  # the figure that shows the answer: the first that a study has
    units: Mapping[str, str]  # what an effect in each unit is of, for a reader who sees only the answer


REWARD_MODEL = Question(
    "Which reward model should learn from which labels?",
    ("04_reward_models", "09_human_preferences", "10_validation_split"),
    (
        Leading(
            "classifier-beats-bradley-terry-under-noise",
            "a network learns better as a classifier than by Bradley–Terry, with the most labels and heavy noise",
            "a network learns better by Bradley–Terry than as a classifier, with the most labels and heavy noise",
        ),
        Leading(
            "released-procedure-favours-the-classifier",
            "the paper's released procedure adds to the classifier's lead over Bradley–Terry (half of what it adds to "
            "that with sound training, with the most labels and heavy noise)",
            "the paper's released procedure takes from the classifier's lead over Bradley–Terry (half of what it takes "
            "from that with sound training, with the most labels and heavy noise)",
        ),
        Leading(
            "trees-beat-bradley-terry-under-noise",
            "boosted trees beat a Bradley–Terry network, with the most labels and heavy noise",
            "a Bradley–Terry network beats boosted trees, with the most labels and heavy noise",
        ),
        Leading(
            "classifier-beats-bradley-terry-on-human-preferences",
            "a network that reads character n-grams orders more of people's preferences correctly as a classifier "
            "than by Bradley–Terry, with the most labels",
            "a network that reads character n-grams orders more of people's preferences correctly by Bradley–Terry "
            "than as a classifier, with the most labels",
        ),
        Leading(
            "network-beats-linear-on-human-preferences",
            "a network that reads character n-grams orders more of people's preferences correctly than a linear reward "
            "model, with the most labels",
            "a linear reward model of character n-grams orders more of people's preferences correctly than a network, "
            "with the most labels",
        ),
        Leading(
            "classifier-beats-bradley-terry-on-encoded-human-preferences",
            "a network that reads a sentence encoder's features orders more of people's preferences correctly as a "
            "classifier than by Bradley–Terry, with the most labels",
            "a network that reads a sentence encoder's features orders more of people's preferences correctly by "
            "Bradley–Terry than as a classifier, with the most labels",
            unless="classifier-beats-bradley-terry-on-human-preferences",
        ),
        Leading(
            "network-beats-linear-on-encoded-human-preferences",
            "a network that reads a sentence encoder's features orders more of people's preferences correctly than a "
            "linear reward model, with the most labels",
            "a linear reward model of a sentence encoder's features orders more of people's preferences correctly than "
            "a network, with the most labels",
            unless="network-beats-linear-on-human-preferences",
        ),
    ),
    ("04_noise_and_numbers", "09_learning_curves"),
    {
        "gold reward": "Gold reward is that of the response which the reward model picks out of 32.",
        "accuracy": "Accuracy is the share of people's pairs that the reward model orders as they did.",
    },
)
PAIRS = Question(
    "Which pairs should be labelled next?",
    ("05_active_labeling",),
    (
        Leading(
            "d-optimal-beats-random",
            "D-optimal choice orders responses better than labelling at random",
            "labelling at random orders responses better than D-optimal choice",
        ),
        Leading(
            "d-optimal-beats-entropy",
            "D-optimal choice orders responses better than labelling the most uncertain pairs",
            "labelling the most uncertain pairs orders responses better than D-optimal choice",
        ),
        Leading(
            "d-optimal-gives-better-best-of-32",
            "D-optimal choice gives a better Best-of-32 than labelling at random",
            "labelling at random gives a better Best-of-32 than D-optimal choice",
        ),
        Leading(
            "cross-prompt-helps-d-optimal",
            "D-optimal choice orders responses better from pairs across prompts than within prompts",
            "D-optimal choice orders responses better from pairs within prompts than across prompts",
        ),
        Leading(
            "a1-d-optimal-saves-labels-beside-random",
            "D-optimal choice reaches the last rank correlation of labelling at random with fewer labels",
            "labelling at random reaches the last rank correlation of D-optimal choice with fewer labels",
            unless="d-optimal-beats-random",
        ),
        Leading(
            "contest-spearman-medium",
            "the rules of ActiveUltraFeedback order responses better than rules that look for information, under "
            "medium noise",
            "rules that look for information order responses better than the rules of ActiveUltraFeedback, under "
            "medium noise",
            unless="d-optimal-beats-random",
        ),
        Leading(
            "contest-policy-medium",
            "the rules of ActiveUltraFeedback give a better policy than rules that look for information, under medium "
            "noise",
            "rules that look for information give a better policy than the rules of ActiveUltraFeedback, under medium "
            "noise",
            unless="d-optimal-beats-random",
        ),
        Leading(
            "contest-policy-depends-on-noise",
            "heavy noise, compared with little noise, favours the rules of ActiveUltraFeedback (by their policy)",
            "heavy noise, compared with little noise, favours rules that look for information (by their policy)",
            unless="d-optimal-beats-random",
        ),
    ),
    ("05_active_contest", "05_active_differences", "05_active_curves"),
    {
        "share of the labels": "A share of the labels is what one rule could have spared to reach the "
        "other's last rank correlation.",
        "gold reward of the policy": "The policy is the KL optimum at 1 nat from the base, a mean over all rounds.",
        "Spearman correlation": "The correlation is of reward with gold reward within prompts, a mean over all rounds.",
        "gold reward": "Gold reward is that of the response picked out of 32, a mean over all rounds.",
    },
)
POLICY = Question(
    "Does the accuracy that one measures predict the policy that one gets?",
    ("06_accuracy_vs_policy", "12_language_model_rewards", "13_policy_training", "14_test_sets"),
    (
        Leading(
            "accuracy-predicts-best-of-32",
            "the more accurate of two reward models tends to give the better Best-of-32 policy",
            "the more accurate of two reward models tends to give the worse Best-of-32 policy",
            turned=False,
        ),
        Leading(
            "accuracy-predicts-mild-policies-better",
            "accuracy predicts mild policies (Best-of-2) better than strong ones (Best-of-32)",
            "accuracy predicts strong policies (Best-of-32) better than mild ones (Best-of-2)",
        ),
        Leading(
            "more-responses-a-prompt-predict-better",
            "accuracy over several responses to a prompt predicts the Best-of-32 policy better than accuracy on one "
            "pair a prompt",
            "accuracy on one pair a prompt predicts the Best-of-32 policy better than accuracy over several responses "
            "to a prompt",
        ),
        Leading(
            "c1-accuracy-predicts-best-of-32",
            "the more accurate of two reward models tends to give the better Best-of-32 policy",
            "the more accurate of two reward models tends to give the worse Best-of-32 policy",
            turned=False,
            unless="accuracy-predicts-best-of-32",
        ),
        Leading(
            "c1-accuracy-predicts-ppo",
            "the more accurate of two reward models tends to give the better policy after PPO",
            "the more accurate of two reward models tends to give the worse policy after PPO",
            turned=False,
            unless="accuracy-predicts-best-of-32",
        ),
        Leading(
            "c2-accuracy-predicts-best-of-32-better-than-ppo",
            "accuracy predicts Best-of-32 better than it predicts PPO",
            "accuracy predicts PPO better than it predicts Best-of-32",
            unless="accuracy-predicts-best-of-32",
        ),
        Leading(
            "c8-more-responses-predict-best-of-32-better",
            "accuracy over more responses to each test prompt predicts Best-of-32 better",
            "accuracy over more responses to each test prompt predicts Best-of-32 less well",
            unless="accuracy-predicts-best-of-32",
        ),
    ),
    ("06_which_measure",),
    {
        "Kendall correlation": "The correlation is over the reward models of a seed, of their accuracy with what their "
        "policies earn. They differ in kind, noise and number of labels; among models that are alike it can be less."
    },
)
QUESTIONS = (REWARD_MODEL, PAIRS, POLICY)

# Statements that no one doubts: where one of them fails, something is wrong with the study.
SANITY_CHECKS = (
    "best-of-32-beats-a-random-pick",
    "clean-labels-beat-noisy-ones",
    "heads-beat-the-shorter-answer-on-encoded-human-preferences",
    "heads-beat-the-shorter-answer-on-human-preferences",
    "more-annotations-help",
)


def question_of(stage: str) -> str:
    """The heading of the question that a stage's statements answer, or OTHER."""
    return next((question.heading for question in QUESTIONS if stage in question.stages), OTHER)
