"""The layers of rmkit: every room from the ground up, what lies there, and what it may import.

A room imports only from floors below its own, and rooms of one floor do not know each other. The one list from which
three things follow: the test that holds this, what counts for a job's key, and the table in docs/architecture.md. Knows
names only.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Room:
    """A module or folder directly under rmkit/."""

    name: str
    holds: str  # what lies there, for a newcomer
    counts: bool = True  # whether it can change a result; what cannot is in no job's key
    only: tuple[str, ...] | None = None  # the rooms below that it may import; None: all of them
    inside: tuple[tuple[str, ...], ...] = ()  # its own floors, from the ground up, where it has some


FLOORS = (
    (
        Room("errors", "the exceptions: one sentence each, for a user's mistake", counts=False),
        Room("seeding", "independent random generators from one seed"),
        Room("progress", "how long work reports its progress"),
        Room("characters", "characters that hide or reorder text, drawn as signs", counts=False),
        Room("layering", "this list of rooms", counts=False),
    ),
    (
        Room(
            "stages",
            "the graph: what each notebook takes and gives, as data; it names artifacts and checkers as text",
            counts=False,
            only=(),
        ),
        Room("machine", "what this machine is: threads, memory, number formats, processes"),
        Room("files", "how files that people bring are read: regular ones only, in bounded pieces; their digests"),
    ),
    (
        Room(
            "measures",
            "pure functions on arrays: margins, measures against gold, Best-of-n, information, embedding health",
        ),
        Room("intervals", "an estimate with its uncertainty: of means, of correlations, among many"),
    ),
    (Room("artifacts", "what a stage passes on: bank, comparisons, evaluations, tables, model folders, shards"),),
    (
        Room(
            "annotation",
            "who labels which pairs, how noisily: annotators, calibration, pairs, label quality; the log of people",
        ),
        Room(
            "training_sets",
            "which fit learns from which pairs: by annotations, cross-fitting, validation splits",
        ),
    ),
    (
        Room(
            "reward_models",
            "the heads: `protocol`, `registry`, and a folder for each family",
            inside=(
                ("array_forms",),
                ("protocol", "inputs", "storage"),
                ("linear", "mlp", "trees"),
                ("registry", "margin_uncertainty"),
                ("ensembles", "fit_heads", "kept_dimensions"),
                ("collection",),
            ),
        ),
        Room(
            "policies",
            "policies over stored responses, exactly: Best-of-n, KL optimum, regret; trained ones are in `lm/`",
        ),
    ),
    (
        Room(
            "evaluation",
            "fits compared with gold, on pairs and with each other, populations of reward models, curves, contrasts",
        ),
        Room(
            "lm",
            "language models, the only room that knows transformers and TRL: sampling, reading, training",
            inside=(
                ("libraries",),
                ("loading", "templates"),
                ("sampling", "reading", "classifier_folders"),
                ("training",),
                ("policy_training",),
            ),
        ),
    ),
    (
        Room(
            "active",
            "which pairs to label next: questions, candidates, pools, strategies (one file each), a person's session",
        ),
        Room("ablations", "what one choice changes, all else equal: the validation split"),
    ),
    (
        Room(
            "worlds",
            "where prompts, responses and truth come from: grammar, human preferences, files, known answers",
        ),
        Room("preconditions", "whether a study can be drawn at all, and how many fits it makes: numbers only"),
    ),
    (
        Room("findings", "statements registered beforehand, their verdicts, and the questions that they answer"),
        Room("export", "what leaves the bench: a reward model of texts, to score new ones, and a study's data"),
    ),
    (
        Room(
            "study",
            "everything between a notebook and the store: planning, executing, following",
            counts=False,
            only=("errors", "seeding", "characters", "layering", "stages", "machine", "files", "artifacts"),
            inside=(
                ("planning",),
                ("store",),
                ("monitoring",),
                ("housekeeping",),
                ("notebook_side",),
                ("processes",),
                ("engines",),
            ),
        ),
    ),
    (
        Room(
            "figures",
            "tables in, figures out: `theme`, `looks` (colours and dashes), a file for each subject",
            counts=False,
        ),
    ),
    (
        Room(
            "widgets",
            "what people click on in a notebook: explorer, responses, progress, labelling, designer",
            counts=False,
        ),
    ),
    (Room("report", "a study's page, made of exhibits, each from stored rows; its notebooks as pages", counts=False),),
    (
        Room(
            "commands",
            "what each command of the command line does",
            counts=False,
            inside=(
                (
                    "request",
                    "selection",
                    "dry_run",
                    "waiting",
                    "version",
                    "headlines",
                    "look_at_first",
                    "plain_tables",
                    "out_folder",
                    "several_files",
                ),
                ("pages", "row_selection", "export_study"),
                ("running", "looking", "results", "compare", "score", "export", "keeping"),
                ("fit",),
            ),
        ),
    ),
    (Room("cli", "the command line: its options and exit codes", counts=False),),
)
ROOMS = {room.name: room for floor in FLOORS for room in floor}
