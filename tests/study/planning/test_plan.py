"""Which jobs a study makes, what each takes and saves, and what of its data counts: told from notebooks and a graph."""

import pytest

from rmkit.errors import DataError, ParamsError
from rmkit.files.digests import data_digest
from rmkit.stages.graph import STAGES, DataFile, Source
from rmkit.study.notebook_side.drafts import study_sizes
from rmkit.study.planning.keys import data_files
from rmkit.study.planning.plan import schema_of
from rmkit.study.planning.project import Project
from tests.small_project import REPOSITORY
from tests.study.graphs import Graph

WORLD = 'world: Literal["grammar", "hh_rlhf"] = "grammar"'
GRAMMAR = 'world: Literal["grammar"] = "grammar"'


@pytest.fixture
def graph(tmp_path, monkeypatch):
    return Graph(tmp_path, monkeypatch)


@pytest.fixture
def worlds(graph):
    """A world of two kinds, a policy for one of them, and what both lead to."""
    graph.stage("00_world", WORLD, outputs={"bank": {"world": ("hh_rlhf",)}, "comparisons": {}})
    graph.stage("01_policy", GRAMMAR, outputs={"evaluations": {}})
    graph.stage(
        "02_models", WORLD,
        inputs={
            "bank": (Source("00_world", {"world": ("hh_rlhf",)}),),
            "comparisons": (Source("00_world"),),
            "evaluations": (Source("01_policy", {"world": ("grammar",)}),),
        },
        outputs={"reward_models": {"world": ("grammar",)}},
    )  # fmt: skip
    return graph


ALL_WORLDS = "axes: {world: [grammar, hh_rlhf]}\nstages: {00_world: , 01_policy: , 02_models: }"


def test_a_stage_runs_at_the_axis_values_that_its_literal_admits(worlds):
    assert [str(job) for job in worlds.plan(ALL_WORLDS)] == [
        "00_world world=grammar", "00_world world=hh_rlhf", "01_policy world=grammar",
        "02_models world=grammar", "02_models world=hh_rlhf",
    ]  # fmt: skip


@pytest.mark.parametrize("seed", [-1, 2**63])
@pytest.mark.parametrize("name", ["seed", "world_seed"])
def test_a_seed_that_no_table_of_results_holds_is_refused(name, seed, graph):
    graph.stage("00_world", f"{name}: int = 0")
    said = rf"mine.yaml: 00_world: {name}: {seed}; a seed is 0 or more, and below 2\*\*63$"
    with pytest.raises(ParamsError, match=said):
        graph.plan(f"stages: {{00_world: {{{name}: {seed}}}}}")


def test_an_input_that_no_source_gives_is_absent(worlds):
    *_, grammar, hh_rlhf = worlds.plan(ALL_WORLDS)
    assert {name: str(job) for name, job in grammar.inputs.items()} == {
        "comparisons": "00_world world=grammar", "evaluations": "01_policy world=grammar",
    }  # fmt: skip
    assert {name: str(job) for name, job in hh_rlhf.inputs.items()} == {
        "bank": "00_world world=hh_rlhf", "comparisons": "00_world world=hh_rlhf",
    }  # fmt: skip


def test_only_formats_that_a_job_takes_or_saves_are_in_its_key(worlds):
    formats = {
        "rmkit.artifacts.bank",
        "rmkit.artifacts.comparisons",
        "rmkit.artifacts.evaluations",
        "rmkit.reward_models.collection",
    }
    found = {str(job): formats & job.code["modules"].keys() for job in worlds.plan(ALL_WORLDS)}
    assert found["00_world world=grammar"] == {"rmkit.artifacts.comparisons"}
    assert found["00_world world=hh_rlhf"] == {"rmkit.artifacts.comparisons", "rmkit.artifacts.bank"}
    assert found["02_models world=grammar"] >= {"rmkit.artifacts.comparisons", "rmkit.artifacts.evaluations"}
    assert "rmkit.reward_models.collection" in found["02_models world=grammar"]
    assert found["02_models world=hh_rlhf"] == {"rmkit.artifacts.comparisons", "rmkit.artifacts.bank"}


def test_conditions_of_the_graph_name_what_the_notebooks_declare():
    """A condition that can never hold would leave an input or an output out without a word."""
    for stage, spec in STAGES.items():
        schema = schema_of(Project(REPOSITORY), stage)
        origins = [origin for several in spec.inputs.values() for origin in several]
        sources = (origin.when for origin in origins)
        for when in (*sources, *spec.outputs.values(), *(file.when for file in spec.data)):
            for name, values in when.items():
                assert all(schema[name].kind.admits(value) for value in values), (stage, when)
        for origin in origins:
            there = schema_of(Project(REPOSITORY), origin.stage) if origin.at else {}
            assert all(there[name].kind.admits(value) for name, value in origin.at.items()), (stage, origin)


def test_what_an_input_is_called_where_it_is_made_is_saved_there():
    for stage, spec in STAGES.items():
        for name, origins in spec.inputs.items():
            for origin in origins:
                assert (origin.artifact or name) in STAGES[origin.stage].outputs, (stage, name)


@pytest.fixture
def elsewhere(graph):
    """A stage that takes the bank of its own writer, and that of another one under another name."""
    writer = 'writer: Literal["base", "sft"] = "sft"'
    graph.stage("00_world", writer, "size: int = 1", outputs={"bank": {}})
    other = Source("00_world", {"size": (1, 2)}, {"writer": "base"}, "bank")
    graph.stage("02_models", writer, "size: int = 1", inputs={"bank": (Source("00_world"),), "base_bank": (other,)})
    return graph


WRITERS = "axes: {writer: [base, sft]}\nstages: {00_world: , 02_models: {writer: sft}}"


def test_an_input_may_come_from_a_job_at_other_values_under_another_name(elsewhere):
    base, sft, models = elsewhere.plan(WRITERS)
    assert models.inputs == {"bank": sft, "base_bank": base}
    assert {name: models.artifact(name) for name in models.inputs} == {"bank": "bank", "base_bank": "bank"}
    assert "rmkit.artifacts.bank" in models.code["modules"]
    assert models.known_parameters() == {"writer": "sft", "size": 1}


def test_an_input_at_other_values_that_the_study_lacks_is_said_with_them(elsewhere):
    said = (
        r"02_models takes `base_bank` \(`bank`, writer \"base\"\) from one job of 00_world, and 0 fit; they differ in "
        r'writer: "sft" there, "base" here; make these agree$'
    )
    with pytest.raises(ParamsError, match=said):
        elsewhere.plan(WRITERS.replace("[base, sft]", "[sft]"))


def test_an_input_at_other_values_agrees_in_all_other_parameters(elsewhere):
    stages = "stages: {00_world: [{writer: base, size: 2}, {writer: sft}], 02_models: {writer: sft}}"
    with pytest.raises(ParamsError, match=r"`base_bank` .* and 0 fit; they differ in .*size: 2, 1 there, 1 here"):
        elsewhere.plan(stages)


def test_what_comes_from_other_values_counts_least_among_the_known_parameters(graph):
    writer = 'writer: Literal["base", "sft"] = "sft"'
    graph.stage("00_world", writer, "size: int = 1", outputs={"bank": {}})
    other = Source("00_world", {}, {"writer": "base"}, "bank")
    graph.stage("02_models", writer, inputs={"bank": (Source("00_world"),), "other": (other,)})
    *_, models = graph.plan("stages: {00_world: [{writer: base, size: 2}, {writer: sft}], 02_models: {writer: sft}}")
    assert models.known_parameters() == {"writer": "sft", "size": 1}


def test_two_sources_at_once_are_refused(graph):
    graph.stage("00_world", outputs={"bank": {}})
    graph.stage("01_policy", outputs={"bank": {}})
    graph.stage("02_models", inputs={"bank": (Source("00_world"), Source("01_policy"))})
    with pytest.raises(ParamsError, match=r"02_models takes `bank` from one stage, and 00_world, 01_policy fit \{\}"):
        graph.plan("stages: {00_world: , 01_policy: , 02_models: }")


def test_an_artifact_that_parameters_say_all_of_may_come_from_any_job_that_has_them(graph):
    graph.stage("01_policy", "seed: int = 0", "flip: float = 0.0", outputs={"bank": {}}, made_of={"bank": ("flip",)})
    graph.stage("02_models", "seed: int = 7", inputs={"bank": (Source("01_policy"),)})
    stages = "stages: {01_policy: , 02_models: {seed: 7}}"
    *_, models = graph.plan("axes: {seed: [0, 1]}\nparameters: {flip: 0.2}\n" + stages)
    assert models.inputs["bank"].parameters == {"seed": 0, "flip": 0.2}
    with pytest.raises(ParamsError, match=r"`bank` from 01_policy, whose jobs differ in flip: 0.0, 0.2; give it one"):
        graph.plan("axes: {flip: [0.0, 0.2]}\n" + stages)


def test_a_source_that_does_not_save_the_input_is_no_source(graph):
    graph.stage("00_world", "size: int = 1", outputs={"bank": {"size": (2, 3)}})
    graph.stage("02_models", inputs={"bank": (Source("00_world"),)})
    stages = "stages: {00_world: , 02_models: }"
    with pytest.raises(ParamsError, match=r"one job of 00_world, and 0 fit; none saves it$"):
        graph.plan(stages)
    with pytest.raises(ParamsError, match=r"and 2 fit; they differ in size: 2, 3; make these agree$"):
        graph.plan("axes: {size: [2, 3]}\n" + stages)
    *_, models = graph.plan("axes: {size: [1, 2]}\n" + stages)
    assert models.inputs["bank"].parameters == {"size": 2}


@pytest.mark.parametrize(
    ("of_policy", "said"),
    [
        ("{seed: 0..1, head: network}", "seed: 0, 1 there, 5 here"),
        ("{seed: 5, head: linear}", 'head: "linear" there, "network" here'),
        ("{seed: 0..20, head: network}", "seed: 0, 1, 2, 3, 4, 5, 6, 7 and 13 more there, 30 here"),
        (
            "[{seed: 5, head: linear}, {seed: 6, head: network}]",
            'seed: 5, 6 there, 5 here; head: "linear", "network" there, "network" here',
        ),
    ],
)
def test_what_keeps_a_stage_from_its_input_is_said_and_no_more(of_policy, said, graph):
    declared = "seed: int = 0", "head: Literal['linear', 'network'] = 'linear'", "size: int = 1"
    graph.stage("01_policy", *declared, outputs={"bank": {}})
    graph.stage("02_models", *declared[:2], inputs={"bank": (Source("01_policy"),)})
    seed = 30 if "20" in of_policy else 5
    with pytest.raises(ParamsError) as refused:
        graph.plan(f"stages: {{01_policy: {of_policy}, 02_models: {{seed: {seed}, head: network}}}}")
    start = "mine.yaml: 02_models takes `bank` from one job of 01_policy, and 0 fit; they differ in"
    assert str(refused.value).endswith(f"{start} {said}; make these agree")


WRONG_AXES = {
    "a value that no stage admits": (
        ALL_WORLDS.replace("hh_rlhf]", "gramar]"), [],
        r"mine.yaml: axes.world\[1\]: 'gramar' is not one of grammar, hh_rlhf; did you mean 'grammar'\?",
    ),
    "the same by --set": (ALL_WORLDS, ["world=[grammar, hh]"], r"axes.world\[1\]: 'hh' is not one of grammar, hh_rlhf"),
    "a stage that admits none": (
        ALL_WORLDS, ["world=[hh_rlhf]"],
        r"axes.world: 01_policy runs at none of \['hh_rlhf'\]; its world is one of grammar; add one of these",
    ),
    "one value for all, which a stage does not admit": (
        ALL_WORLDS, ["world=hh_rlhf"], "parameters.world for 01_policy: 'hh_rlhf' is not one of grammar$",
    ),
    "a value twice": (ALL_WORLDS, ["world=[grammar, grammar]"], r"axes.world: 'grammar' is listed twice"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_AXES)
def test_a_wrong_axis_is_one_sentence(case, worlds):
    text, assignments, expected = WRONG_AXES[case]
    with pytest.raises(ParamsError, match=expected):
        worlds.plan(text, *assignments)


def test_a_stage_with_a_value_of_its_own_takes_none_of_the_axis(worlds):
    text = ALL_WORLDS.replace("[grammar, hh_rlhf]", "[hh_rlhf]").replace("01_policy: ", "01_policy: {world: grammar}")
    assert [str(job) for job in worlds.plan(text)][1] == "01_policy world=grammar"


OWN_SEEDS = "stages: {00_world: , 01_policy: {seed: 5..7}}"


@pytest.fixture
def seeded(graph):
    graph.stage("00_world", "n: int = 1")
    graph.stage(
        "01_policy", "seed: int = 0", "head: Literal['linear', 'network'] = 'linear'", "counts: list[int] = [1]"
    )
    return graph


def titles(graph, text, *assignments):
    return [str(job) for job in graph.plan(text, *assignments) if job.stage == "01_policy"]


def test_a_stage_has_seeds_of_its_own_as_a_range_or_a_list(seeded):
    assert titles(seeded, OWN_SEEDS) == [f"01_policy seed={seed}" for seed in (5, 6, 7)]
    assert titles(seeded, OWN_SEEDS.replace("5..7", "[5, 7]")) == ["01_policy seed=5", "01_policy seed=7"]
    assert titles(seeded, "axes: {seed: 5..7}\nstages: {00_world: , 01_policy: }") == titles(seeded, OWN_SEEDS)
    assert titles(seeded, OWN_SEEDS, "seed=1..2") == ["01_policy seed=1", "01_policy seed=2"]


def test_a_list_is_one_value_where_a_list_is_asked_for(seeded):
    (job,) = seeded.plan("stages: {01_policy: {counts: [3, 4]}}")
    assert job.parameters["counts"] == [3, 4]


def test_a_stage_of_several_blocks_has_the_points_of_each_once(seeded):
    blocks = "stages: {01_policy: [{head: linear, seed: 0..1}, {head: network, seed: 1}, {head: [linear], seed: 1}]}"
    assert titles(seeded, blocks) == [
        f"01_policy seed={seed} head={head}" for seed, head in ((0, "linear"), (1, "linear"), (1, "network"))
    ]
    assert titles(seeded, blocks, "seed=4", "head=network") == ["01_policy"]


WRONG_VALUES = {
    **{
        text: rf"stages.01_policy.seed: '{text}' is not a range; write first..last, as 5..24, from 0 on$"
        for text in ("7..5", "0..99999999999", "5...7", "5 .. 7", "-1..3", "0..-1", "1.0..2.0", "5..")
    },
    "0..1000": "stages.01_policy.seed: '0..1000' has 1,001 values; a range has at most 1,000",
    "[]": "stages.01_policy.seed: holds no value; give at least one",
    "[1, x]": r"stages.01_policy.seed\[1\]: 'x' is text, not a whole number",
    "[1, 1]": "stages.01_policy.seed: 1 is listed twice; a job is run once",
    "1}, {sed: 2": r"stages.01_policy\[1\].sed: notebooks/01_policy.ipynb declares no such parameter; did you mean 'seed'\?",
    "1}, {seed: y": r"stages.01_policy\[1\].seed: 'y' is text, not a whole number",
}


@pytest.mark.parametrize("value", WRONG_VALUES)
def test_wrong_values_of_a_stage_are_one_sentence(value, seeded):
    with pytest.raises(ParamsError, match=WRONG_VALUES[value]):
        seeded.plan(f"stages: {{01_policy: [{{seed: {value}}}]}}")


@pytest.mark.parametrize("blocks", ["{seed: 0..999, n: 1..999}", f"[{', '.join(['{seed: 0..99}'] * 11)}]"])
def test_ranges_that_multiply_end_in_one_sentence_before_they_fill_the_memory(blocks, graph):
    graph.stage("01_policy", "seed: int = 0", "n: int = 1", "m: int = 1", "k: int = 1")
    with pytest.raises(ParamsError, match=r"mine.yaml: 01_policy has [\d,]+ jobs; a study has up to 5,000; lists and"):
        graph.plan(f"axes: {{m: 1..999, k: 1..999}}\nstages: {{01_policy: {blocks}}}")


def test_other_types_admit_all_or_nothing(graph):
    graph.stage("00_world", "n: int = 1")
    graph.stage("01_policy", "n: Literal[1] = 1")
    stages = "stages: {00_world: , 01_policy: }"
    assert [str(job) for job in graph.plan("axes: {n: [1, 2]}\n" + stages)] == [
        "00_world n=1", "00_world n=2", "01_policy n=1",
    ]  # fmt: skip
    with pytest.raises(ParamsError, match=r"axes.n\[1\]: 'x' is text, not a whole number"):
        graph.plan("axes: {n: [1, x]}\n" + stages)


def test_values_that_only_an_unseen_stage_admits_are_no_error_of_what_it_needs(worlds):
    """What a draft of 02_models needs is planned without looking at 03_labels, which alone admits `human`."""
    worlds.stage("03_labels", 'world: Literal["human"] = "human"')
    text = ALL_WORLDS.replace("hh_rlhf]", "hh_rlhf, human]").replace("02_models: ", "02_models: , 03_labels: ")
    everything = worlds.plan(text)
    needed = worlds.plan(text, needed_by="02_models")
    assert [job.plan_id for job in needed] == [job.plan_id for job in everything[:3]]
    with pytest.raises(ParamsError, match="01_policy runs at none"):
        worlds.plan(text, "world=[hh_rlhf, human]", needed_by="02_models")


def test_a_draft_takes_the_first_axis_value_that_its_stage_admits(worlds, monkeypatch):
    worlds.study(ALL_WORLDS.replace("grammar, hh_rlhf", "hh_rlhf, grammar"))
    monkeypatch.setenv("RMKIT_STUDY", "mine")
    for stage, expected in (("01_policy", "grammar"), ("02_models", "hh_rlhf")):
        schema = schema_of(worlds.project, stage)
        values = {name: item.default for name, item in schema.items()}
        assert study_sizes(worlds.project, stage, schema, values)["world"] == expected


def test_known_parameters_are_those_of_all_jobs_upstream_and_its_own(graph):
    graph.stage("00_world", "size: int = 3", 'name: str = "w"', outputs={"bank": {}})
    graph.stage(
        "01_policy",
        "size: int = 3",
        "steps: int = 5",
        inputs={"bank": (Source("00_world"),)},
        outputs={"evaluations": {}},
    )
    models = ("steps: int = 1", "folds: int = 2", 'name: str = "m"')
    graph.stage("02_models", *models, inputs={"evaluations": (Source("01_policy"),)})
    world, policy, models = graph.plan(
        "parameters: {steps: 9, size: 4}\nstages: {00_world: , 01_policy: , 02_models: }"
    )
    assert world.known_parameters() == {"size": 4, "name": "w"}
    assert policy.known_parameters() == {"size": 4, "name": "w", "steps": 9}
    assert models.known_parameters() == {"size": 4, "name": "m", "steps": 9, "folds": 2}
    with pytest.raises(
        ParamsError, match=r"neither its parameters cell nor .* declares fold, .*; did you mean 'folds'"
    ):
        models.known_parameters()["fold"]


@pytest.fixture
def with_model(graph):
    graph.stage(
        "00_world", 'model: str = "grammar-m"', data=(DataFile("model", "rmkit.nothing:check", if_present=True),)
    )
    return graph


def test_a_folder_counts_as_data_and_a_change_in_it_is_noticed(with_model):
    model = with_model.project.root / "data/model"
    model.mkdir()
    (model / "weights").write_text("1", encoding="utf-8")
    text = "stages: {00_world: {model: data/model}}"
    (first,) = with_model.plan(text)
    assert list(data_files(first)) == [("data/model", "rmkit.nothing:check", ())]
    assert first.code["data"] == {"data/model": data_digest(model)}
    (model / "weights").write_text("2", encoding="utf-8")
    (second,) = with_model.plan(text)
    assert second.plan_id != first.plan_id


@pytest.mark.parametrize("name", ["grammar-m", "google/gemma-2b", ""])
def test_a_name_of_nothing_in_the_project_is_no_data_file_if_only_one_present_counts(name, with_model):
    (job,) = with_model.plan(f"stages: {{00_world: {{model: '{name}'}}}}")
    assert job.code["data"] == {}
    assert list(data_files(job)) == []


def test_a_data_file_may_be_none_and_another_counts_then(graph):
    files = (DataFile("mine", "rmkit.nothing:check"), DataFile("stored", "rmkit.nothing:check", when={"mine": (None,)}))
    for name in ("mine", "stored"):
        (graph.project.root / "data").mkdir(exist_ok=True)
        (graph.project.root / f"data/{name}").write_text(name, encoding="utf-8")
    graph.stage("00_world", 'mine: str | None = None\nstored: str = "data/stored"', data=files)
    (job,) = graph.plan("stages: {00_world: }")
    assert list(data_files(job)) == [("data/stored", "rmkit.nothing:check", ())]
    (job,) = graph.plan("stages: {00_world: }", "mine=data/mine")
    assert list(data_files(job)) == [("data/mine", "rmkit.nothing:check", ())]
    with pytest.raises(DataError, match=r"^data/mime: No such file or directory; 00_world takes it as `mine`"):
        graph.plan("stages: {00_world: }", "mine=data/mime")


def test_a_data_file_that_must_be_there_is_named(graph):
    graph.stage("00_world", 'model: str = "grammar-m"', data=(DataFile("model", "rmkit.nothing:check"),))
    with pytest.raises(DataError, match="grammar-m: No such file or directory; 00_world takes it as `model`"):
        graph.plan("stages: {00_world: }")
    with pytest.raises(DataError, match="00_world: `model` is empty; name a file or a folder"):
        graph.plan("stages: {00_world: {model: ''}}")


def test_a_parameter_that_does_not_count_keeps_its_default_and_equal_jobs_are_one(graph):
    graph.stage(
        "00_models", WORLD, 'task: Literal["helpful", "harmless"] = "helpful"', "folds: int = 5",
        only={"task": {"world": ("grammar",)}, "folds": {"world": ("hh_rlhf",)}},
    )  # fmt: skip
    jobs = graph.plan("axes: {world: [grammar, hh_rlhf], task: [harmless, helpful]}\nstages: {00_models: {folds: 3}}")
    made = [(job.parameters["world"], job.parameters["task"], job.parameters["folds"]) for job in jobs]
    assert made == [("grammar", "harmless", 5), ("grammar", "helpful", 5), ("hh_rlhf", "helpful", 3)]
    assert str(jobs[0]) == "00_models world=grammar task=harmless"
    assert str(jobs[2]) == "00_models world=hh_rlhf"
