"""The graph of stages, as plain data: what each numbered notebook takes, gives and needs.

A stage's name is its notebook's name. To add one, put the notebook in `notebooks/` and a line here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

ROWS, EVALUATIONS = "rows.parquet", "evaluations"  # a job's results, in its folder and among its artifacts

When = Mapping[str, tuple[Any, ...]]  # parameter -> the values for which an entry holds; empty: always


@dataclass(frozen=True)
class Source:
    """The stage that an input artifact comes from, when the parameters say so."""

    stage: str
    when: When = field(default_factory=dict)
    at: Mapping[str, Any] = field(default_factory=dict)  # parameter -> the value of the job there, whatever it is here
    artifact: str = ""  # what the artifact is called there; empty: as the input is here


@dataclass(frozen=True)
class DataFile:
    """A declared data file or folder: the parameter that names it, and the function that says what is wrong with it.

    A parameter that is None names none.
    """

    parameter: str
    checker: str  # "module:function", called with the path and the path as messages show it; a sentence and counts
    options: tuple[str, ...] = ()  # parameters of its stage that the checker is called with too, by their names
    when: When = field(default_factory=dict)
    if_present: bool = False  # a value that names nothing in the project, as a hub's model does, is no data file
    read_whole: bool = False  # each of its files; then none may be larger than rmkit.files.regular.MOST_BYTES


@dataclass(frozen=True)
class Stage:
    """One numbered notebook as the planner sees it."""

    inputs: Mapping[str, tuple[Source, ...]] = field(default_factory=dict)  # artifact -> where it may come from
    outputs: Mapping[str, When] = field(default_factory=dict)  # artifact, a key of ARTIFACTS -> when it is saved
    rows: bool = True  # whether it records result rows
    data: tuple[DataFile, ...] = ()
    threads: int = 1  # processor threads that its job may use
    device: str = "cpu"
    precondition: str = ""  # "module:function", called before any job runs: known parameters, counts of the data files
    fits: tuple[str, ...] = ()  # parameters that multiply into its fits: of each at least one value, and none twice
    n_fits: str = ""  # "module:function": how many fits a job makes, of all known parameters; empty: none
    work: str = ""  # "module:function": its fits in fits of the cheapest kind, of its parameters and number of fits
    only: Mapping[str, When] = field(default_factory=dict)  # parameter -> when it counts; else it keeps its default
    streams: tuple[str, ...] = ()  # whose random streams it draws from, if not its own: a stage, and what else says so
    made_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # output -> parameters that say all of it
    asks: str = ""  # "module:function", called before any job runs with its data folder and what all notebooks declare
    gathers: tuple[str, ...] = ()  # stages of whose jobs, all that the study has, it reads rows and evaluations
    may_gather: tuple[str, ...] = ()  # and those that the study need not have

    @property
    def all_gathered(self) -> tuple[str, ...]:
        """The stages whose jobs it gathers, where the study has them."""
        return (*self.gathers, *self.may_gather)

    def above(self) -> set[str]:
        """The stages that it may take something from directly."""
        return {origin.stage for origins in self.inputs.values() for origin in origins} | set(self.all_gathered)

    def sources(self, parameters: Mapping[str, Any]) -> dict[str, list[Source]]:
        """Where each input comes from under these parameters; an input that none gives is left out."""
        holding = {
            name: [origin for origin in origins if holds(origin.when, parameters)]
            for name, origins in self.inputs.items()
        }
        return {name: origins for name, origins in holding.items() if origins}

    def artifact(self, name: str, parameters: Mapping[str, Any]) -> str:
        """What the artifact of an input is called in the job that makes it, a key of ARTIFACTS."""
        origins = self.sources(parameters).get(name, [])
        return origins[0].artifact or name if origins else name

    def saved(self, parameters: Mapping[str, Any]) -> list[str]:
        """The outputs that hold under these parameters: a job saves all of them and no other."""
        return [name for name, when in self.outputs.items() if holds(when, parameters)]

    def counts(self, name: str, parameters: Mapping[str, Any]) -> bool:
        """Whether a parameter can change what a job with these parameters does."""
        return holds(self.only.get(name, {}), parameters)


# A parameter whose values are names in a registry: the registry's dictionary, and the protocol of what it names.
HEADS = "rmkit.reward_models.registry:REWARD_MODELS", "rmkit.reward_models.protocol:ListedHead"
NAMED = {
    "reward_models": HEADS,
    "reward_model": HEADS,
    "strategies": ("rmkit.active.registry:STRATEGIES", "rmkit.active.candidates:Acquisition"),
}

# An artifact's format is a class with `save(folder)` and `load(folder)`, named as text: naming it imports nothing.
ARTIFACTS = {
    "annotator": "rmkit.annotation.kinds:AnnotatorKind",
    "bank": "rmkit.artifacts.bank:ResponseBank",
    "base_models": "rmkit.artifacts.model_folders:ModelFolders",
    "comparisons": "rmkit.artifacts.comparisons:Comparisons",
    "demonstrations": "rmkit.artifacts.table:Table",
    "encoder": "rmkit.artifacts.model_folders:ModelFolders",
    "evaluations": "rmkit.artifacts.evaluations:Evaluations",
    "folds": "rmkit.artifacts.table:Table",
    "gold_model": "rmkit.artifacts.model_folders:ModelFolders",
    "held_out": "rmkit.artifacts.table:Table",
    "language_models": "rmkit.artifacts.model_folders:ModelFolders",
    "policy": "rmkit.artifacts.model_folders:ModelFolders",
    "prompts": "rmkit.artifacts.table:Table",
    "reward_model": "rmkit.export.text_reward_model:TextRewardModel",
    "reward_models": "rmkit.reward_models.collection:RewardModels",
    "test_bank": "rmkit.artifacts.bank:ResponseBank",
    "to_label": "rmkit.artifacts.table:Table",
}

GRAMMAR: When = {"world": ("grammar",)}
HUMAN: When = {"world": ("hh_rlhf",)}
FILES: When = {"world": ("files",)}
GOLD: When = {"world": ("grammar", "files")}  # where a gold reward is known
STORED: When = {"pairs_file": (None,)}  # where people's preferences come without their texts
NGRAMS: When = {"features": ("ngrams",)}
ENCODER: When = {"features": ("all-MiniLM-L6-v2", "encoder")}
MODEL_FOLDER = "rmkit.lm.loading:check_folder"
GRAMMAR_FOLDER = DataFile("grammar_folder", "rmkit.worlds.grammar.phrases:check", read_whole=True)
OF_GRAMMAR = dict.fromkeys(("world_seed", "task", "generator"), GRAMMAR)  # what tells grammar worlds from each other

WRITERS: When = {"world": ("grammar",), "writers": (["base", "sft"],)}  # where two writers' responses are compared
# Where the responses come from that gold is known of, to learn from and to test on; and those that people judged.
BANK = TEST_BANK = (Source("02_sampling", GRAMMAR), Source("00_embedding_files", FILES))
JUDGED = Source("00_human_preferences", HUMAN)

ANNOTATOR = (  # the parameters of 03 that say what kind of annotator a study has
    *("scale", "fixed_scale", "agreements", "careless", "careless_beta", "dissenting"),
    *("flip", "lapse", "tie_width", "ties", "length_bias", "position_bias", "drift"),
)

STAGES = {
    "00_grammar_world": Stage(
        outputs={"prompts": {}, "demonstrations": {}, "base_models": {}, "encoder": {}, "gold_model": {}},
        rows=False,
        data=(GRAMMAR_FOLDER,),
        precondition="rmkit.worlds.grammar.names:check_base_models",
        streams=("00_world",),
    ),
    "00_human_preferences": Stage(
        outputs={"bank": {}, "comparisons": {}},
        rows=False,
        data=(
            DataFile("pairs_file", "rmkit.worlds.human_preferences.pairs:check", ("tied_pairs", "skip_bad_rows")),
            DataFile("preferences_folder", "rmkit.worlds.human_preferences.stored_features:check", when=STORED),
            DataFile("encoder", MODEL_FOLDER, when=ENCODER, if_present=True),
        ),
        precondition="rmkit.worlds.human_preferences.stored_features:check_features",
        only={
            "preferences_folder": STORED,
            "encoder": ENCODER,
            **dict.fromkeys(("embedded", "n_dimensions", "min_df", "ngrams"), NGRAMS),
        },
        streams=("00_world",),
    ),
    "00_embedding_files": Stage(
        outputs={"bank": {}, "test_bank": {}},
        rows=False,
        data=(DataFile("embeddings_folder", "rmkit.worlds.embedding_files:check"),),
        streams=("00_world",),
    ),
    "01_sft": Stage(
        inputs={"demonstrations": (Source("00_grammar_world"),), "base_models": (Source("00_grammar_world"),)},
        outputs={"policy": {}},
        data=(
            GRAMMAR_FOLDER,
            DataFile("base_model", MODEL_FOLDER, if_present=True),
        ),
        precondition="rmkit.worlds.grammar.names:check_model_names",
    ),
    "02_sampling": Stage(
        inputs={
            "prompts": (Source("00_grammar_world"),),
            "base_models": (Source("00_grammar_world"),),
            "encoder": (Source("00_grammar_world"),),
            "gold_model": (Source("00_grammar_world"),),
            "policy": (Source("01_sft", {"generator": ("sft",)}),),
        },
        outputs={"bank": {}, "test_bank": {}},
        data=(
            GRAMMAR_FOLDER,
            *(DataFile(name, MODEL_FOLDER, if_present=True) for name in ("base_model", "encoder", "gold_model")),
        ),
        precondition="rmkit.worlds.grammar.names:check_model_names",
    ),
    "03_annotation_noise": Stage(
        inputs={"bank": BANK},
        outputs={"comparisons": {}, "annotator": {}},
        only=OF_GRAMMAR,
        made_of={"annotator": ANNOTATOR},
        precondition="rmkit.preconditions.annotation:check_annotation",
    ),
    "04_reward_models": Stage(
        inputs={"bank": BANK, "comparisons": (Source("03_annotation_noise"),), "test_bank": TEST_BANK},
        outputs={"reward_models": {}, "evaluations": {}},
        only=OF_GRAMMAR,
        precondition="rmkit.preconditions.reward_models:check_reward_models",
        fits=("reward_models", "annotations", "betas"),
        n_fits="rmkit.preconditions.fits:of_reward_models",
    ),
    "05_active_labeling": Stage(
        inputs={
            "bank": (*BANK, JUDGED),
            "comparisons": (JUDGED,),
            "test_bank": TEST_BANK,
            "annotator": (Source("03_annotation_noise", GOLD),),
        },
        outputs={"evaluations": {}},
        only={
            **OF_GRAMMAR,
            **dict.fromkeys(("pools", "cross_share", "beta", "ns", "kls"), GOLD),
            **dict.fromkeys(("features", "test_share"), HUMAN),
        },
        precondition="rmkit.preconditions.active_labeling:check_active_labeling",
        fits=("pools", "strategies", "n_rounds"),
        n_fits="rmkit.preconditions.fits:of_active_labeling",
        work="rmkit.preconditions.fits:work_of_active_labeling",
    ),
    "06_accuracy_vs_policy": Stage(
        inputs={"bank": BANK, "test_bank": TEST_BANK, "annotator": (Source("03_annotation_noise"),)},
        outputs={"reward_models": {}, "evaluations": {}},
        only=OF_GRAMMAR,
        precondition="rmkit.preconditions.population:check_population",
        fits=("reward_models", "betas", "annotations", "n_draws", "flips", "length_biases", "kept_dimensions"),
        n_fits="rmkit.preconditions.fits:of_population",
    ),
    "12_language_model_rewards": Stage(
        inputs={
            "bank": (Source("02_sampling"),),
            "test_bank": (Source("02_sampling"),),
            "annotator": (Source("03_annotation_noise"),),
            "policy": (Source("01_sft", {"start": ("policy",)}),),
            "base_models": (Source("00_grammar_world", {"start": ("base",)}),),
        },
        outputs={"evaluations": {}, "language_models": {}},
        data=(DataFile("base_model", "rmkit.lm.loading:check_causal_folder", if_present=True),),
        precondition="rmkit.preconditions.language_models:check_language_models",
        fits=("flips",),
        n_fits="rmkit.preconditions.fits:of_language_models",
        streams=("06_accuracy_vs_policy",),
    ),
    "07_figures": Stage(
        data=(DataFile("findings_folder", "rmkit.findings.rules:check", read_whole=True),),
        precondition="rmkit.findings.registered:check_registered",
        asks="rmkit.findings.rules:check_against_notebooks",
        gathers=(
            "03_annotation_noise",
            "04_reward_models",
            "05_active_labeling",
            "06_accuracy_vs_policy",
            "09_human_preferences",
            "10_validation_split",
            "12_language_model_rewards",
            "13_policy_training",
            "14_test_sets",
        ),
    ),
    "09_human_preferences": Stage(
        inputs={"bank": (JUDGED,), "comparisons": (JUDGED,)},
        outputs={
            **{name: {} for name in ("reward_models", "evaluations", "folds")},
            **{name: {"refit": (True,)} for name in ("reward_model", "held_out", "to_label")},
        },
        data=(DataFile("language_model", "rmkit.lm.loading:check_causal_folder", if_present=True),),
        precondition="rmkit.preconditions.reward_models:check_cross_fitting",
        fits=("reward_models", "annotations", "n_folds"),
        n_fits="rmkit.preconditions.fits:of_human_preferences",
        streams=("04_reward_models", "world 3"),
    ),
    "10_validation_split": Stage(
        inputs={
            "bank": (*BANK, JUDGED),
            "comparisons": (Source("03_annotation_noise", GOLD), JUDGED),
            "test_bank": TEST_BANK,
            "evaluations": (Source("04_reward_models", GOLD), Source("09_human_preferences", HUMAN)),
            "folds": (Source("09_human_preferences", HUMAN),),
        },
        outputs={"evaluations": {}},
        only={
            **OF_GRAMMAR,
            **dict.fromkeys(("choice", "pool", "betas", "ns"), GOLD),
            "n_folds": HUMAN,
            "features": HUMAN,
        },
        precondition="rmkit.preconditions.reward_models:check_validation_split",
        fits=("splits", "annotations", "betas"),
        n_fits="rmkit.preconditions.fits:of_validation_split",
        streams=("04_reward_models",),
    ),
    "13_policy_training": Stage(
        inputs={
            "prompts": (Source("00_grammar_world"),),
            "base_models": (Source("00_grammar_world"),),
            "encoder": (Source("00_grammar_world"),),
            "policy": (Source("01_sft"),),
            "test_bank": (Source("02_sampling"),),
            "reward_models": (Source("06_accuracy_vs_policy"),),
            "evaluations": (Source("06_accuracy_vs_policy"),),
        },
        outputs={"evaluations": {}},
        data=(GRAMMAR_FOLDER,),
        precondition="rmkit.preconditions.policy_training:check_policy_training",
        only={"critic_learning_rate": {"optimiser": ("ppo",)}, "scale_rewards": {"optimiser": ("grpo",)}},
    ),
    "14_test_sets": Stage(
        inputs={
            "test_bank": TEST_BANK,
            "base_test_bank": (Source("02_sampling", WRITERS, {"generator": "base"}, "test_bank"),),
            "sft_test_bank": (Source("02_sampling", WRITERS, {"generator": "sft"}, "test_bank"),),
            "reward_models": (Source("06_accuracy_vs_policy"),),
            "encoder": (Source("00_grammar_world", GRAMMAR),),
        },
        data=(replace(GRAMMAR_FOLDER, when=GRAMMAR),),
        precondition="rmkit.preconditions.test_sets:check_test_sets",
        only={
            **OF_GRAMMAR,
            **dict.fromkeys(("writers", "n_wordings", "grammar_folder", "dtype", "pad_token"), GRAMMAR),
        },
        streams=("06_accuracy_vs_policy",),  # so that the same prompts measure
        may_gather=("13_policy_training",),
    ),
}


def holds(when: When, parameters: Mapping[str, Any]) -> bool:
    """Whether these parameters are ones for which an entry of a stage holds."""
    return all(parameters.get(name) in values for name, values in when.items())
