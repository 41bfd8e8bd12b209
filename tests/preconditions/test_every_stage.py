import pytest

from rmkit.errors import ParamsError
from rmkit.preconditions.active_labeling import check_active_labeling
from rmkit.preconditions.annotation import check_annotation
from rmkit.preconditions.language_models import check_language_models
from rmkit.preconditions.policy_training import check_policy_training
from rmkit.preconditions.population import check_population
from rmkit.preconditions.reward_models import check_reward_models, check_validation_split

WORLD = {"n_train_prompts": 300, "n_train_responses": 8, "n_test_prompts": 100, "n_test_responses": 32}
ANNOTATION = WORLD | {
    "betas": [0.5, None], "scale": "gold_sd", "fixed_scale": None, "choice": "random", "pool": "within_prompt",
    "n_labels": 1800, "n_annotated_prompts": None, "labels_per_pair": 1, "agreements": [0.72], "flip": 0.0, "lapse": 0.0,
    "tie_width": 0.0, "ties": "coin", "length_bias": 0.0, "position_bias": 0.0, "careless": 0.0, "careless_beta": 0.3,
    "dissenting": 0.0, "drift": 1.0, "prompt_order": "random",
}  # fmt: skip
MODELS = ANNOTATION | {"world": "grammar", "annotations": [100, 1800], "validation_share": 0.2, "ns": [1, 32]}
POPULATION = MODELS | {
    "measuring_share": 0.5, "n_measured": 5, "kls": [0.5], "population": "heads", "measures": ["accuracy", "matrix_accuracy"],
    "flips": [0.0, 0.45], "length_biases": [0.0, 0.5], "kept_dimensions": [1.0, 0.25], "error_shapes": ["gaussian"],
    "error_accuracies": [0.65, 0.75],
}  # fmt: skip
TRAINING = POPULATION | {
    "reward_models": ["linear_bt"], "n_draws": 2, "optimiser": "ppo", "n_rewards": 8, "n_among": None, "steps": 30,
    "rollout_batch_size": 16, "n_samples_per_prompt": 4, "train_batch_size": 64, "max_epochs": 2,
    "generate_max_len": 24, "actor_learning_rate": 1e-4, "critic_learning_rate": 1e-3, "scale_rewards": "group",
    "init_kl_coef": 0.0, "n_tracked": 50, "tracked_responses": 2, "track_every": 10, "max_kl": 100.0,
    "compared_kls": [0.5, 2.0], "checkpoint_every": 10, "gold": "rule", "embedded_text": "truncated",
}  # fmt: skip
LANGUAGE_MODELS = POPULATION | {
    "annotations": 1600, "beta": None, "flips": [0.0, 0.45], "measures": ["accuracy"], "start": "policy",
    "base_model": "grammar-s", "base_models": ["grammar-s"], "regulariser": "centre", "coefficient": None,
    "lm_recipe": "default", "lm_learning_rate": None, "lm_epochs": None, "lm_batch_size": None,
}  # fmt: skip
ACTIVE = WORLD | {
    "n_start": 50, "n_rounds": 2, "n_batch": 20, "n_prompts": 10, "n_candidates": 200, "pools": ["cross_prompt"],
    "strategies": ["random"], "sizes": "own", "cross_share": 0.5, "reward_model": "linear_bt", "procedure": "sound",
    "refit": "cold", "calibration": "auto", "test_share": 0.3,
    "beta": 1.0, "prior": 1.0, "ns": [1, 4], "kls": [0.5],
}  # fmt: skip


@pytest.mark.parametrize(
    ("check", "sound", "change", "message"),
    [
        (check_annotation, ANNOTATION, {"betas": [1.0, -1.0]}, r"betas\[1\]: -1.0; a sharpness is above 0"),
        (check_annotation, ANNOTATION, {"betas": [1.0, 1.0]}, "betas: 1.0 is listed twice; give each once"),
        (check_annotation, ANNOTATION, {"betas": []}, "betas is empty; give at least one"),
        (check_annotation, ANNOTATION, {"scale": "fixed"}, "fixed_scale: None with scale fixed"),
        (check_annotation, ANNOTATION, {"fixed_scale": 6.0}, "fixed_scale: 6.0 with scale gold_sd"),
        (check_annotation, ANNOTATION, {"n_labels": 8401}, "8401, and 300 prompts offer 28 random pairs each"),
        (check_annotation, ANNOTATION, {"choice": "similar"}, "300 prompts offer 1 similar pair each; say at most 300"),
        (check_annotation, ANNOTATION, {"n_labels": 0}, "n_labels: 0; give at least 1"),
        (check_annotation, ANNOTATION, {"n_annotated_prompts": 64}, "1800, and 64 prompts offer 28 random pairs each"),
        (
            check_annotation,
            ANNOTATION,
            {"n_annotated_prompts": 301},
            "n_annotated_prompts: 301 prompts for within_prompt pairs; give 1 to 300",
        ),
        (
            check_annotation,
            ANNOTATION,
            {"n_annotated_prompts": 1, "pool": "cross_prompt"},
            "n_annotated_prompts: 1 prompts for cross_prompt pairs; give 2 to 300",
        ),
        (check_annotation, ANNOTATION, {"labels_per_pair": 0}, "labels_per_pair: 0; give at least 1"),
        (
            check_annotation,
            ANNOTATION,
            {"labels_per_pair": 3, "choice": "similar"},
            "n_labels / labels_per_pair: 600, and 300 prompts offer 1 similar pair each; say at most 300",
        ),
        (check_annotation, ANNOTATION, {"flip": 1.5}, "flip: 1.5; a chance lies between 0 and 1"),
        (check_annotation, ANNOTATION, {"lapse": -0.1}, "lapse: -0.1; a chance lies between 0 and 1"),
        (
            check_annotation,
            ANNOTATION,
            {"careless": 0.6, "dissenting": 0.6},
            "careless: 0.6, and dissenting: 0.6; shares together are at most 1",
        ),
        (check_annotation, ANNOTATION, {"tie_width": -1.0}, "tie_width: -1.0; it must be 0 or more"),
        (check_annotation, ANNOTATION, {"careless_beta": 0.0}, "careless_beta: 0.0; a sharpness is above 0"),
        (check_annotation, ANNOTATION, {"drift": 0.0}, "drift: 0.0; it must be above 0"),
        (check_annotation, ANNOTATION, {"careless": 1.5}, "careless: 1.5; a share lies between 0 and 1"),
        (
            check_annotation,
            ANNOTATION,
            {"scale": "fixed", "fixed_scale": 0.0},
            "fixed_scale: 0.0; what gold is divided",
        ),
        (check_annotation, ANNOTATION, {"agreements": [0.7, 0.4]}, r"agreements\[1\]: 0.4 is not between 0.5 and 1"),
        (check_annotation, ANNOTATION, {"agreements": [0.7, 0.7]}, "agreements: 0.7 is listed twice; give each once"),
        (check_reward_models, MODELS, {"annotations": [100, 1801]}, "annotations: 1801, and 03_annotation_noise"),
        (check_reward_models, MODELS, {"annotations": [4]}, "4 pairs leave 4 to train and 0 to validate on"),
        (check_reward_models, MODELS, {"validation_share": 1.0}, "validation_share: 1.0 is not between 0 and 1"),
        (check_reward_models, MODELS, {"ns": [1, 33]}, r"ns\[1\]: best of 33, and there are 32 responses"),
        (check_reward_models, MODELS, {"ns": []}, "ns is empty"),
        (check_reward_models, MODELS, {"ns": [1, 4, 4]}, "ns: 4 is listed twice; give each once"),
        (check_validation_split, MODELS, {"annotations": [100, 1801]}, "annotations: 1801, and 03_annotation_noise"),
        (check_active_labeling, ACTIVE, {"n_start": 4}, "n_start: 4; each fifth label validates, give at least 5"),
        (check_active_labeling, ACTIVE, {"n_rounds": 0}, "n_rounds: 0; give 1 or more of each"),
        (check_active_labeling, ACTIVE, {"n_batch": 201}, "n_batch: 201 labels a round, of 200 candidates"),
        (check_active_labeling, ACTIVE, {"n_prompts": 1}, "n_prompts: 1 prompts for cross_prompt pairs; give 2 to 300"),
        (check_active_labeling, ACTIVE, {"n_prompts": 301}, "n_prompts: 301 prompts for cross_prompt pairs"),
        (check_active_labeling, ACTIVE, {"beta": 0.0}, "beta: 0.0; a sharpness is above 0"),
        (check_active_labeling, ACTIVE, {"strategies": []}, "strategies is empty; give at least one"),
        (check_active_labeling, ACTIVE, {"strategies": ["random", "random"]}, "strategies: 'random' is listed twice"),
        (check_active_labeling, ACTIVE, {"pools": []}, "pools is empty; give at least one"),
        (check_active_labeling, ACTIVE, {"pools": ["mixed", "mixed"]}, "pools: 'mixed' is listed twice"),
        (
            check_active_labeling,
            ACTIVE,
            {"pools": ["within_prompt"], "n_rounds": 418},
            "n_rounds: 418 rounds of 20 labels after 50 make 8410, and 300 prompts with 8 responses have 8400 "
            "within_prompt pairs; lower n_rounds or n_batch",
        ),
        (
            check_active_labeling,
            ACTIVE,
            {"pools": ["mixed"], "cross_share": 0.0, "n_rounds": 418},
            "300 prompts with 8 responses have 8400 mixed pairs",
        ),
        (check_active_labeling, ACTIVE, {"prior": 0.0}, "prior: 0.0; it must be"),
        (check_active_labeling, ACTIVE, {"ns": [1, 33]}, r"ns\[1\]: best of 33, and there are 32 responses"),
        (check_active_labeling, ACTIVE, {"ns": []}, "ns is empty"),
        (check_active_labeling, ACTIVE, {"drift": 0.5}, "drift: 0.5 in 03_annotation_noise; here answers do not"),
        (check_active_labeling, ACTIVE, {"tie_width": 0.1, "ties": "drop"}, "ties: drop in 03_annotation_noise; here"),
        (check_policy_training, TRAINING, {"steps": 0}, "steps: is 0; it must be a whole number from 1 to"),
        (check_policy_training, TRAINING, {"init_kl_coef": -1.0}, "init_kl_coef: is -1.0; it must be 0 to"),
        (check_policy_training, TRAINING, {"train_batch_size": 48}, "train_batch_size: is 48, which does not divide"),
        (
            check_policy_training,
            TRAINING | {"optimiser": "rloo"},
            {"n_samples_per_prompt": 1, "train_batch_size": 16},
            "n_samples_per_prompt: is 1; RLOO compares responses",
        ),
        (check_policy_training, TRAINING, {"n_rewards": 97}, "n_rewards: 97, and 06_accuracy_vs_policy fits 96"),
        (check_policy_training, TRAINING, {"n_rewards": 0}, "n_rewards: 0; it must be 1 or more"),
        (check_policy_training, TRAINING, {"n_among": 97}, "n_among: 97, and 06_accuracy_vs_policy fits 96"),
        (check_policy_training, TRAINING, {"n_among": 7}, "n_among: 7, of which n_rewards are 8; give as many or more"),
        (check_policy_training, TRAINING, {"n_tracked": 51}, "n_tracked: 51 prompts, and 50 do not measure"),
        (check_policy_training, TRAINING, {"track_every": 0}, "track_every: 0; it must be 1 or more"),
        (check_policy_training, TRAINING, {"tracked_responses": 0}, "tracked_responses: 0; it must be 1 or more"),
        (check_policy_training, TRAINING, {"checkpoint_every": 0}, "checkpoint_every: 0; it must be 1 or more"),
        (check_policy_training, TRAINING, {"max_kl": 0.0}, "max_kl: 0.0; it must be above 0"),
        (check_policy_training, TRAINING, {"compared_kls": [0.5, 200.0]}, r"compared_kls\[1\]: 200.0 nats; give more"),
        (check_policy_training, TRAINING, {"compared_kls": [0.5, 0.5]}, "compared_kls: 0.5 is listed twice"),
        (check_policy_training, TRAINING, {"embedded_text": "raw"}, "embedded_text: raw in 02_sampling; a policy"),
        (check_policy_training, TRAINING, {"gold": "model"}, "gold: model in 02_sampling; here gold is the rule"),
        (check_policy_training, TRAINING, {"measures": ["ndcg"]}, "measures: 06_accuracy_vs_policy must measure accur"),
        (check_population, POPULATION, {"annotations": [8401]}, "annotations: 8401, and 300 prompts offer"),
        (check_population, POPULATION, {"measuring_share": 0.999}, "leaves one side empty"),
        (check_population, POPULATION, {"n_measured": 1}, "n_measured: 1; it takes 2"),
        (check_population, POPULATION, {"n_measured": 33}, "n_measured: 33; it takes 2, and 02_sampling draws 32"),
        (check_population, POPULATION, {"kls": [0.5, 0.0]}, "kls: 0.0 nats"),
        (check_population, POPULATION, {"kls": [0.5, 0.5]}, "kls: 0.5 is listed twice; give each once"),
        (check_population, POPULATION, {"measures": []}, "measures is empty; give at least one"),
        (check_population, POPULATION, {"measures": ["ece", "ece"]}, "measures: 'ece' is listed twice; give each once"),
        (check_population, POPULATION, {"measures": ["acuracy"]}, r"measures\[0\]: 'acuracy' is not one of one_pair"),
        (check_population, POPULATION, {"measures": ["mrr"]}, "measures: lack accuracy, which all figures hold"),
        (check_population, POPULATION, {"n_measured": 3}, r"measures\[1\]: matrix_accuracy takes 4 responses to a"),
        (check_population, POPULATION, {"population": " "}, "population is empty; give a name"),
        (check_population, POPULATION, {"flips": [0.1, 0.5]}, r"flips\[1\]: 0.5; it must be from 0 to below 0.5"),
        (check_population, POPULATION, {"flips": [-0.1]}, r"flips\[0\]: -0.1; it must be from 0 to below 0.5"),
        (check_population, POPULATION, {"flips": []}, "flips is empty; give at least one value"),
        (check_population, POPULATION, {"flips": [0.1, 0.1]}, "flips: 0.1 is listed twice; give each once"),
        (check_population, POPULATION, {"length_biases": [1.0, 1.0]}, "length_biases: 1.0 is listed twice"),
        (check_population, POPULATION, {"kept_dimensions": [0.0]}, r"kept_dimensions\[0\]: 0.0; it must be above 0"),
        (check_population, POPULATION, {"kept_dimensions": [1.1]}, r"kept_dimensions\[0\]: 1.1; it must be above 0"),
        (check_population, POPULATION, {"kept_dimensions": []}, "kept_dimensions is empty"),
        (check_population, POPULATION, {"error_accuracies": [0.5]}, r"error_accuracies\[0\]: 0.5; it must be above"),
        (check_population, POPULATION, {"error_accuracies": []}, "error_accuracies is empty"),
        (check_population, POPULATION, {"error_shapes": ["uniform"] * 2}, "error_shapes: 'uniform' is listed twice"),
        (check_population, POPULATION, {"world": "files"}, r"length_biases: \[0.0, 0.5\]; given files hold no texts"),
        (check_language_models, LANGUAGE_MODELS, {"annotations": 8401}, "annotations: 8401, and 300 prompts offer"),
        (check_language_models, LANGUAGE_MODELS, {"annotations": 4}, "4 pairs leave 4 to train and 0 to validate on"),
        (check_language_models, LANGUAGE_MODELS, {"beta": 0.0}, "beta: 0.0; a sharpness is above 0"),
        (check_language_models, LANGUAGE_MODELS, {"flips": []}, "flips is empty; give at least one"),
        (check_language_models, LANGUAGE_MODELS, {"flips": [0.1, 0.1]}, "flips: 0.1 is listed twice; give each once"),
        (check_language_models, LANGUAGE_MODELS, {"flips": [0.1, 0.5]}, r"flips\[1\]: 0.5; it must be from 0 to below"),
        (check_language_models, LANGUAGE_MODELS, {"measures": []}, "measures is empty; give at least one"),
        (check_language_models, LANGUAGE_MODELS, {"measures": ["mrr"]}, "measures: lack accuracy, which all figures"),
        (check_language_models, LANGUAGE_MODELS, {"population": " "}, "population is empty; give a name"),
        (check_language_models, LANGUAGE_MODELS, {"measuring_share": 0.999}, "leaves one side empty"),
        (check_language_models, LANGUAGE_MODELS, {"n_measured": 33}, "n_measured: 33; it takes 2, and 02_sampling"),
        (check_language_models, LANGUAGE_MODELS, {"ns": [33]}, r"ns\[0\]: best of 33, and there are 32 responses"),
        (check_language_models, LANGUAGE_MODELS, {"kls": [0.0]}, "kls: 0.0 nats"),
        (check_language_models, LANGUAGE_MODELS, {"lm_epochs": 0}, "lm_epochs: 0; it must be 1 to 1,000"),
        (check_language_models, LANGUAGE_MODELS, {"lm_learning_rate": 2.0}, "lm_learning_rate: 2.0; it must be above"),
        (check_language_models, LANGUAGE_MODELS, {"coefficient": -1.0}, "coefficient: -1.0; it must be 0 to 1,000"),
        (
            check_language_models,
            LANGUAGE_MODELS,
            {"start": "base", "base_model": "grammar-m"},
            r"base_model: 'grammar-m' is not made by 00_grammar_world \(grammar-s\); add it to base_models there",
        ),
    ],
)
def test_what_a_world_cannot_give_is_refused_before_anything_runs(check, sound, change, message):
    check(sound, {}, "mine.yaml: stage")
    with pytest.raises(ParamsError, match=f"^mine.yaml: stage: .*{message}"):
        check(sound | change, {}, "mine.yaml: stage")


def test_pairs_across_prompts_have_no_such_bound_and_people_are_checked_by_folds():
    check_annotation(ANNOTATION | {"pool": "cross_prompt", "n_labels": 100_000}, {}, "mine.yaml: stage")
    check_annotation(ANNOTATION | {"choice": "similar", "labels_per_pair": 6}, {}, "mine.yaml: stage")
    with pytest.raises(ParamsError, match="n_folds: 1"):
        check_validation_split(
            MODELS | {"world": "hh_rlhf", "n_folds": 1}, {"pairs": 9, "prompts": 9}, "mine.yaml: stage"
        )


JUDGED = ACTIVE | {"world": "hh_rlhf", "n_rounds": 2}


@pytest.mark.parametrize(
    ("change", "counts", "message"),
    [
        ({"strategies": []}, {}, "strategies is empty; give at least one"),
        ({"test_share": 0.0}, {}, "test_share: 0.0; it must lie between 0 and 1"),
        ({"test_share": 0.001}, {}, "test_share: 0.001 of 200 prompts leaves one side without a pair"),
        ({"n_prompts": 141, "n_start": 5}, {}, "n_prompts: 141, and 140 prompts are left beside those that are kept"),
        ({"n_rounds": 5}, {}, "n_rounds: 5 rounds of 20 labels after 50 make 150, and 140 prompts are left"),
        ({"n_rounds": 12, "pairs_file": "a.jsonl"}, {"pairs_of_prompts": [2] * 200}, "which have at most 280 pairs"),
    ],
)
def test_what_people_did_not_judge_is_refused_before_anything_runs(change, counts, message):
    known = {"pairs": 200, "prompts": 200} | counts
    sound = JUDGED | {"n_prompts": 140}
    check_active_labeling(sound, known, "mine.yaml: stage")
    check_active_labeling(sound, {}, "mine.yaml: stage")
    with pytest.raises(ParamsError, match=f"^mine.yaml: stage: .*{message}"):
        check_active_labeling(sound | change, known, "mine.yaml: stage")


def test_the_papers_sizes_shrink_to_the_prompts_that_people_leave():
    published = JUDGED | {"sizes": "published", "n_batch": 125, "n_candidates": 500}
    check_active_labeling(published, {"pairs": 200, "prompts": 200}, "mine.yaml: stage")
    with pytest.raises(ParamsError, match="n_rounds: 4 rounds of 35 labels after 35 make 175, and 140 prompts"):
        check_active_labeling(published | {"n_rounds": 4}, {"pairs": 200, "prompts": 200}, "mine.yaml: stage")


def test_what_is_not_known_of_a_world_is_no_bound():
    own = {name: value for name, value in ACTIVE.items() if name not in WORLD}
    check_active_labeling(own | {"n_prompts": 1, "pools": ["within_prompt"], "ns": [500]}, {}, "mine.yaml: stage")
    with pytest.raises(ParamsError, match=r"n_prompts: 1 prompts for cross_prompt pairs; give at least 2$"):
        check_active_labeling(own | {"n_prompts": 1}, {}, "mine.yaml: stage")


def test_of_given_files_the_counts_are_what_they_hold():
    """What the grammar world would draw in another world, and 02_sampling's sizes, say nothing there."""
    given = {"n_train_prompts": 40, "n_train_responses": 3, "n_test_prompts": 9, "n_test_responses": 5}
    sound = MODELS | {"world": "files", "n_labels": 120, "annotations": [120], "ns": [5], "length_bias": 0.0}
    check_annotation(sound, given, "mine.yaml: stage")
    check_reward_models(sound, given, "mine.yaml: stage")
    without_sizes = {name: value for name, value in sound.items() if name not in given}
    check_annotation(without_sizes, given, "mine.yaml: stage")
    active = {name: value for name, value in ACTIVE.items() if name not in WORLD}
    check_active_labeling(active, given, "mine.yaml: stage")
    policies = {**POPULATION, "annotations": [120], "ns": [5], "n_measured": 5, "measures": ["accuracy"]}
    check_population(policies, given, "mine.yaml: stage")
    for check, change, said in (
        (
            check_annotation,
            {"n_labels": 121},
            "n_labels: 121, and 40 prompts offer 3 random pairs each; say at most 120",
        ),
        (check_reward_models, {"ns": [6]}, r"ns\[0\]: best of 6, and there are 5 responses to a test prompt"),
        (check_annotation, {"length_bias": 0.5}, "length_bias: 0.5; given files hold no texts, say 0"),
    ):
        with pytest.raises(ParamsError, match=said):
            check(sound | change, given, "mine.yaml: stage")
    for change, said in (
        ({"n_prompts": 41}, "n_prompts: 41 prompts for cross_prompt pairs; give 2 to 40"),
        ({"ns": [6]}, r"ns\[0\]: best of 6, and there are 5 responses to a test prompt"),
        (
            {"pools": ["within_prompt"]},
            "n_start: 50 labels, and 10 prompts with 3 responses have 30 within_prompt pairs; raise n_prompts, or say "
            "at most 30",
        ),
        (
            {"pools": ["within_prompt"], "n_start": 10, "n_batch": 31},
            "n_batch: 31 labels, and 10 prompts with 3 responses have 30 within_prompt pairs",
        ),
    ):
        with pytest.raises(ParamsError, match=said):
            check_active_labeling(active | change, given, "mine.yaml: stage")
    for change, said in (
        ({"annotations": [121]}, "annotations: 121, and 40 prompts offer 3 random pairs each"),
        ({"n_measured": 6}, "n_measured: 6; it takes 2, and given files hold 5 responses to a test prompt"),
        ({"kls": [1.7]}, r"kls: 1.7 nats; with that many test responses give 0 to 1.61"),
        ({"ns": [6]}, r"ns\[0\]: best of 6, and there are 5 responses to a test prompt"),
    ):
        with pytest.raises(ParamsError, match=said):
            check_population(policies | change, given, "mine.yaml: stage")
