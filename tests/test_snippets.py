"""What README.md and docs/ show can be typed and pasted as it stands: code, commands, options, paths and links.

Commands of rmkit run here in a project of links to this checkout, `run` with `--dry-run`; those that look at results
run on the store of the smoke study, which stands there under the name of the embedded study.
"""

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
from functools import cache
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import pandas as pd
import pytest
import yaml
from papermill.cli import papermill

from rmkit.cli import _parser, main
from rmkit.study.notebook_side.open_job import OpenJob
from rmkit.study.planning import plan
from rmkit.study.planning.notebook import declared, read_notebook
from tests.small_project import REPOSITORY
from tests.snippets import PAGES, command_lines, of_kind, said_elsewhere, snippets
from tests.worlds.human_preferences.dialogues import made_up, written

NOT_RUN = {  # and why
    "rmkit data hh-rlhf": "downloads the texts from the Hugging Face hub",
    "rmkit data hh-rlhf --encoder FOLDER": "reads 2,303 dialogues by an encoder, for minutes; FOLDER is one's own",
    "rmkit check smoke --set 'strategies=[random, largest_margin]'": "needs the new strategy: test_your_own.py runs it",
    "rmkit run smoke --set 'strategies=[random, largest_margin]'": "needs the new strategy: test_your_own.py runs it",
}
MADE_BEFORE = "my-classifier"  # by commands above the block: tests/export/test_readme_path.py runs both
QUICK_LOOKS, PAGES_MADE = ("status", "results", "why", "report", "gc"), ("gallery",)
STUDY_OF_PAGE = {"from-embeddings.md": "params/from-embeddings.yaml"}  # whose `--set` alone is shown; else tiny


SCHEMA_OF = cache(plan.schema_of)  # notebooks stay as they are while this runs


def commands_of(parser):
    (found,) = (
        action for action in parser._actions if hasattr(action, "choices") and action.dest != "help" and action.choices
    )
    return found.choices


def linked(folder):
    """A project of links to this checkout, with data of one's own where the pages name some."""
    folder.mkdir()
    for name in ("notebooks", "params", "docs"):
        (folder / name).symlink_to(REPOSITORY / name)
    (folder / "data/embeddings").mkdir(parents=True)
    for name in ("grammar", "hh-rlhf"):
        (folder / "data" / name).symlink_to(REPOSITORY / "data" / name)
    shutil.copytree(REPOSITORY / "data/grammar", folder / "my-grammar")
    (folder / "path/to").mkdir(parents=True)
    written(folder / "path/to/pairs.jsonl", made_up(2300))
    shapes = {"train": (1000, 10), "test": (4, 500)}
    (folder / "big/disk").mkdir(parents=True)
    (folder / "big/disk/harmless").symlink_to(folder / "data/embeddings")
    for split, shape in shapes.items():
        disk = folder / "big/disk"
        np.save(disk / f"embd_gemma2b_gemma2b_harmless_{split}.npy", np.ones((*shape, 4), np.float16))
        np.save(disk / f"reward_gemma2b_gemma2b_harmless_{split}.npy", np.ones(shape, np.float32))
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = linked(tmp_path_factory.mktemp("snippets") / "project")
    (page,) = (each.text for each in of_kind("sh") if each.page.name == "from-embeddings.md")
    (block,) = (line for line in page.splitlines() if line.startswith("ln "))
    subprocess.run(block.replace("/big/disk", str(folder / "big/disk")), shell=True, cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def with_results(smoke, tmp_path_factory):
    folder = linked(tmp_path_factory.mktemp("snippets") / "with_results")
    (folder / "params").unlink()
    shutil.copytree(smoke / "params", folder / "params")
    shutil.copy(smoke / "params/smoke.yaml", folder / "params/tiny.yaml")
    shutil.copytree(smoke / "runs", folder / "runs")
    return folder


@pytest.fixture
def rmkit(monkeypatch, capsys):
    """Runs a command of rmkit in a project, in this process: what it says; it must end with 0."""
    monkeypatch.setattr(plan, "schema_of", SCHEMA_OF)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def run(folder, words):
        monkeypatch.chdir(folder)
        for name in [name for name in os.environ if name.startswith("RMKIT")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("COLUMNS", "100")
        code = main(words)
        said = capsys.readouterr()
        assert code == 0, f"rmkit {shlex.join(words)}: {said.out}{said.err}"
        return said.out

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


def as_cases(found):
    """One case for each different text, named after the place where it is shown first."""
    first = {}
    for place, text in found:
        first.setdefault(text, place)
    return [pytest.param(text, id=f"{place} {text}".replace("\n", " ")[:70]) for text, place in first.items()]


RMKIT_LINES = [(place, shlex.join(words)) for place, words in command_lines() if words[0] == "rmkit"]


def test_a_fence_says_what_it_holds():
    assert {snippet.kind for snippet in snippets()} <= {"python", "sh", "yaml", "", "span"}


@pytest.mark.parametrize("snippet", [each for each in of_kind("python") if MADE_BEFORE not in each.text], ids=str)
def test_a_block_of_python_runs_as_pasted(snippet):
    exec(compile(snippet.text, str(snippet), "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("snippet", of_kind("yaml"), ids=str)
def test_a_block_of_yaml_is_a_sound_study(snippet, project, rmkit, tmp_path):
    path = tmp_path / "pasted.yaml"
    path.write_text(snippet.text, encoding="utf-8")
    assert "sound" in rmkit(project, ["check", str(path)])


@pytest.mark.parametrize("line", as_cases(RMKIT_LINES))
def test_rmkit_takes_what_is_shown_of_it(line):
    words = shlex.split(line)[1:]
    if len(words) == 1 or line in NOT_RUN:  # a command's name in a sentence
        assert words[0] in commands_of(_parser())
    if len(words) > 1:
        _parser().parse_args(words)


@pytest.mark.parametrize("line", as_cases(each for each in RMKIT_LINES if shlex.split(each[1])[1] in ("run", "check")))
def test_a_run_that_is_shown_could_start(line, project, rmkit):
    words = shlex.split(line)[1:]
    if line not in NOT_RUN:
        rmkit(project, words + ["--dry-run"] * (words[0] == "run"))


LOOKS = [each for each in RMKIT_LINES if each[1].split()[1] in (*QUICK_LOOKS, *PAGES_MADE) and len(each[1].split()) > 2]


@pytest.mark.parametrize("line", as_cases(each for each in LOOKS if each[1].split()[1] in QUICK_LOOKS))
def test_a_look_at_results_that_is_shown_finds_some(line, with_results, rmkit):
    assert rmkit(with_results, shlex.split(line)[1:])


@pytest.mark.parametrize("line", as_cases(each for each in RMKIT_LINES if each[1].startswith("rmkit compare ")))
def test_a_comparison_that_is_shown_compares(line, project, rmkit):
    verdicts = pd.DataFrame({"results": [1, 0, 1]})
    verdicts.to_parquet(project / "path/to/first.parquet")
    verdicts.to_csv(project / "path/to/second.csv", index=False)
    assert "2 judges, 3 pairs of 3 prompts" in rmkit(project, shlex.split(line)[1:])


@pytest.mark.slow
@pytest.mark.parametrize("line", as_cases(each for each in LOOKS if each[1].split()[1] in PAGES_MADE))
def test_pages_that_are_shown_are_made(line, with_results, rmkit):
    said = rmkit(with_results, shlex.split(line)[1:])
    (page,) = re.findall(r"^notebooks: (.*)$", said, re.MULTILINE)
    shown = {path for path in (each.text for each in of_kind("span")) if path.endswith("index.html")}
    assert {str(Path(page).relative_to(with_results))} == shown


def test_what_is_not_run_is_still_shown():
    assert set(NOT_RUN) <= {line for _, line in RMKIT_LINES}


OPTIONS = {option for command in commands_of(_parser()).values() for option in command._option_string_actions}
PIECES = [(each, each.text) for each in of_kind("span") if each.text.startswith("--")]
PIECES += [(each, piece) for each in of_kind("sh") for piece in re.findall(r"# or (--.*)$", each.text, re.MULTILINE)]


@pytest.mark.parametrize("piece", as_cases(PIECES))
def test_an_option_that_is_shown_exists(piece):
    assert {word.partition("=")[0] for word in shlex.split(piece) if word.startswith("--")} <= OPTIONS


@pytest.mark.parametrize(("place", "piece"), [pytest.param(*each, id=f"{each[0]} {each[1]}"[:70]) for each in PIECES])
def test_options_that_are_shown_with_their_values_suit_a_study(place, piece, project, rmkit):
    words = shlex.split(piece.replace("/big/disk", str(project / "big/disk")))
    if len(words) > 1 and words[0] in ("--set", "--only", "--until", "--select"):
        rmkit(project, ["run", STUDY_OF_PAGE.get(place.page.name, "tiny"), *words, "--dry-run"])


@pytest.mark.parametrize("name", commands_of(_parser()))
def test_help_says_in_a_phrase_what_a_command_and_each_of_its_options_do(name):
    command = commands_of(_parser())[name]
    assert re.fullmatch(r"[A-Z][^.]*\.", (command.description or "").split("\n")[0]), command.description
    for action in command._actions:
        said = action.help or ""
        if said != argparse.SUPPRESS:
            assert re.fullmatch(r"[a-z].{8,}[^.]", said), (
                f"rmkit {name} {action.option_strings or action.dest}: {said!r}"
            )


@pytest.mark.parametrize(
    "words", [pytest.param(words, id=f"{place} {words}"[:70]) for place, words in command_lines() if words[0] == "make"]
)
def test_make_has_the_target_and_the_variables(words):
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for word in words[1:]:
        name, is_variable, _ = word.partition("=")
        assert re.search(rf"^{name} \?=" if is_variable else rf"^{name}:.*## ", makefile, re.MULTILINE), word


@pytest.mark.parametrize(
    "words", [pytest.param(words, id=str(place)) for place, words in command_lines() if words[0] == "papermill"]
)
def test_papermill_is_given_a_notebook_and_values_that_it_declares(words):
    given = papermill.make_context("papermill", words[1:]).params
    values = dict(given["parameters"]) | {
        name: value for text in given["parameters_yaml"] for name, value in yaml.safe_load(text).items()
    }
    schema = declared(read_notebook(REPOSITORY / given["notebook_path"]))
    for name, value in values.items():
        value = yaml.safe_load(value) if isinstance(value, str) else value  # as papermill reads a number
        schema[name].kind.conform(value, name)


TRACKED = subprocess.check_output(["git", "ls-files"], cwd=REPOSITORY, text=True).splitlines()
FILES = TRACKED + sorted({str(parent) for line in TRACKED for parent in Path(line).parents})
PATH = re.compile(r"[\w.-]+(/[\w.-]+)*(/|\.(py|md|yaml|yml|ipynb|png|json|npy|html|parquet|cff))|[\w-]+(/[\w.-]+)+")
ELSEWHERE = (  # what these begin is no file of the checkout
    *("runs/", "out.ipynb", "data/downloads"),  # made by commands
    "rewards/",  # TRL's columns
    *("path/to/", "embd_gemma2b_", "largest_margin.py", "reward_model.json"),  # of one's own
    *(
        "data/BANK/",
        "data/demonstrations",
        "policies/",
        "adapter/",
        "export.json",
        "bank.json",
        "smoke-data/",
    ),  # exported
)


def is_here(path):
    """Whether the checkout has a file, folder or module of that name, or a module with it: `report/answers`, `a/b.name`."""
    path = path.rstrip("/")
    if any(f"/{line}".endswith(f"/{end}") for line in FILES for end in (path, f"{path}.py")):
        return True
    module, _, name = path.rpartition(".")
    files = [line for line in TRACKED if f"/{line}".endswith(f"/{module}.py")]
    return any(
        re.search(rf"^(def|class) {name}\b|^{name}\b", (REPOSITORY / line).read_text(encoding="utf-8"), re.M)
        for line in files
    )


@pytest.mark.parametrize("span", as_cases((each, each.text) for each in of_kind("span") if PATH.fullmatch(each.text)))
def test_a_file_that_is_named_exists(span):
    assert span.startswith(ELSEWHERE) or is_here(span)


@pytest.mark.parametrize(
    "span", as_cases((each, each.text) for each in of_kind("span") if re.match(r"(rmkit|job)\.\w", each.text))
)
def test_a_name_that_is_shown_exists(span):
    name = re.match(r"[\w.]+", span).group()
    if name.startswith("job."):
        assert hasattr(OpenJob, name.removeprefix("job."))
    else:
        resolve_name(name)


def test_the_tree_of_the_readme_names_what_is_there():
    (block,) = of_kind("")
    names = [
        name for line in block.text.splitlines() if line[0] != " " for name in re.findall(r"\w+/", line.split("   ")[0])
    ]
    assert names[-1] == "runs/"
    assert all((REPOSITORY / name).is_dir() for name in names[:-1])


LINKS = [(page, target) for page in PAGES for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_to_a_file(page):
    for target in dict.fromkeys(target for linking, target in LINKS if linking == page):
        assert target.startswith("https://") or (page.parent / target).exists(), target


# What notebooks and rmkit's own messages say

SAID = said_elsewhere()
LEFT_OPEN = {"OPTIONS", "ARGUMENTS"}  # words that stand for any
OF_OTHERS = {"--help-notebook"}  # papermill's


def said(program):
    return as_cases((place, text) for place, text in SAID if re.match(rf"([A-Z_]+=\S+ )*{program} [^|]", text))


@pytest.mark.parametrize("text", said("rmkit"))
def test_a_command_in_a_notebook_or_a_message_is_one_that_rmkit_takes(text):
    words = [word for word in shlex.split(text.replace("…", "KEY=VALUE"))[1:] if word not in LEFT_OPEN]
    if len(words) == 1:
        assert words[0] in commands_of(_parser())
    elif words:
        _parser().parse_args(words)


@pytest.mark.parametrize(
    "text",
    as_cases(
        each for each in SAID if "ipynb" in each[0] and each[1].startswith("rmkit run --set") and "…" not in each[1]
    ),
)
def test_a_run_that_a_notebook_proposes_could_start(text, project, rmkit):
    rmkit(project, [*shlex.split(text)[1:], "--dry-run"])


@pytest.mark.parametrize("text", said("make"))
def test_a_target_in_a_notebook_or_a_message_is_made(text):
    (target,) = re.findall(r"make ([\w-]+)", text)
    assert re.search(rf"^{target}:", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_options_in_notebooks_and_messages_exist():
    words = {
        word.partition("=")[0]
        for _, text in SAID
        if text.startswith("--")
        for word in text.split()
        if word.startswith("--")
    }
    assert words <= OPTIONS | set(_parser()._option_string_actions) | OF_OTHERS
