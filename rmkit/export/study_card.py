"""The cards of an exported study: of the dataset and of each of its policies, with where everything comes from.

The front matter of the dataset's card is what `datasets` and the hub read: which tables there are, in which files. The
licence is left to whoever publishes; one that an earlier export's card has is kept.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rmkit.export.study_dataset import (
    ADAPTER,
    PARTS,
    WRITTEN_BY,
    Bank,
    Configuration,
    Made,
    Policy,
    Study,
    base_name,
    without_place,
)
from rmkit.files.digests import file_digest, files_below
from rmkit.files.regular import read_json
from rmkit.worlds.exported_study import ABOUT, DATA, FORMAT, MOST_TOLD, ROOT, SCORE

CARD = "README.md"
NO_LICENCE = "# license: say here under which licence you publish this, as in `license: cc-by-4.0`"
LICENCE = re.compile(r"^license(_name|_link)?:.*$", re.MULTILINE)
COLUMNS = {
    "prompt_id": "which prompt; the tables share it",
    "prompt": "the prompt's text",
    "completion": "the answer to imitate",
    "response": "the response as it was drawn or given",
    "answer": "the response up to where the next turn would begin",
    "embedding": "what reward models read in place of the response, float16",
    "first": "row of `responses`, split `train`, counted from 0",
    "second": "row of `responses`, split `train`, counted from 0",
    "label": "1: the first was preferred; 0: the second",
    "beta": "the simulated annotator's sharpness: small is noisy, infinite never errs",
    "scale": "what gold differences were divided by before the annotator saw them",
    "weight": "how much the pair counts",
    "seed": "which draw of pairs and labels",
    "task": "what was asked: for help, or for something that may do harm",
    "category": "what kind of request it is",
    "part": "whether the prompt is of the training or the test responses",
    "sample": "number of the response among those to its prompt",
    "draws": "how often it was drawn until it was not blank",
    "n_tokens": "length in tokens",
    "finish_reason": "why the response ended: by itself, or by its longest length",
    **dict.fromkeys(
        ("relevance", "steps", "politeness", "harm", "repetition", "length"), "a term of the rule's reward"
    ),
    "line": "line of the file that the pair is from",
    "characters": "length in characters",
    "words": "length in words",
}


def write_cards(study: Study, tables: Sequence[Configuration], folder: Path, licences: Mapping[str, str]) -> None:
    """Write README.md, the models' cards and, last, export.json, which says that the folder is whole.

    licences: by card, the lines of its front matter that an earlier export's card has on the licence.
    """
    cards = {CARD: dataset_card(study, tables, folder)}
    for policy in study.policies:
        place = f"policies/{policy.made.name}"
        has_adapter = (folder / place / ADAPTER).is_dir()
        cards[f"{place}/{CARD}"] = policy_card(study, policy, has_adapter=has_adapter)
        if has_adapter:
            cards[f"{place}/{ADAPTER}/{CARD}"] = adapter_card(study, policy)
        if policy.base and (folder / "policies" / policy.base.name).is_dir():
            cards[f"policies/{policy.base.name}/{CARD}"] = base_card(study, policy)
    for name, text in cards.items():
        told = text.replace(NO_LICENCE, licences.get(name, NO_LICENCE), 1)
        (folder / name).write_text(told, encoding="utf-8")
    about = {
        "format": FORMAT,
        "written_by": WRITTEN_BY,
        "rmkit": study.version,
        "packages": dict(study.packages),
        "study": {"name": study.name, "command": study.arguments, "title": study.title, "question": study.question},
        "made": [_provenance(made) for made in _all_made(study)],
        "cards": {name: digest_of_card(text) for name, text in cards.items()},
        "files": {name: file_digest(folder / name) for name in files_below(folder) if name not in cards},
    }
    (folder / ROOT).write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def digest_of_card(text: str) -> str:
    """SHA-256 of a card without what it says of a licence: filling that in is no edit that is lost."""
    return hashlib.sha256(LICENCE.sub("", text.replace(NO_LICENCE, "")).encode()).hexdigest()


def licence_of(text: str) -> str | None:
    """The lines of a card's front matter that name a licence, or None."""
    front = text.split("\n---", 1)[0] if text.startswith("---") else ""
    return "\n".join(match.group() for match in LICENCE.finditer(front)) or None


def dataset_card(study: Study, tables: Sequence[Configuration], folder: Path) -> str:
    """README.md of the whole folder."""
    shown = max(study.banks, key=lambda bank: (_is_world(bank), bool(bank.labels)))  # the first of the fullest
    prefix = f"{DATA}/{shown.made.name}/responses/"
    first = next(table.name for table in tables if any(path.startswith(prefix) for path in table.files.values()))
    return "\n".join(
        [
            "---",
            NO_LICENCE,
            f"pretty_name: {json.dumps(study.title, ensure_ascii=False)}",
            "tags: [reward-modeling, rmkit]",
            "configs:",
            *(line for table in tables for line in _configuration(table, default=table.name == first)),
            "---",
            f"# {study.title}",
            "",
            *([study.question, ""] if study.question else []),
            f"Made from the study `{study.name}` of rmkit {study.version} with `rmkit export`.",
            "",
            "## What it holds",
            "",
            "| table | rows | columns |",
            "|---|---|---|",
            *(_table_line(table) for table in tables),
            *(
                f"| policies/{policy.made.name} | | a fine-tuned model, with a card of its own |"
                for policy in study.policies
            ),
            "",
            *_columns(study, tables, folder),
            "## Where it comes from",
            "",
            *(f"- `{made.name}`: {told}" for made, told in _origins(study, folder)),
            "",
            "`export.json` has the parameters and the key of every job that made a part of this.",
            "",
            *_use(shown, tables, first),
        ]
    )


def _configuration(table: Configuration, *, default: bool) -> list[str]:
    files = [line for split, path in table.files.items() for line in (f"  - split: {split}", f"    path: {path}")]
    return [f"- config_name: {table.name}", *(["  default: true"] if default else []), "  data_files:", *files]


def _table_line(table: Configuration) -> str:
    rows = ", ".join(f"{split} {count:,}" for split, count in table.rows.items())
    return f"| {table.name} | {rows} | {', '.join(f'`{name}`' for name in table.columns)} |"


def _columns(study: Study, tables: Sequence[Configuration], folder: Path) -> list[str]:
    """What the columns mean that rmkit knows, and what each score is."""
    names = dict.fromkeys(name for table in tables for name in table.columns)
    lines = ["| column | what it is |", "|---|---|"]
    lines += [f"| `{name}` | {COLUMNS[name]} |" for name in names if name in COLUMNS]
    scores: dict[str, dict[str, None]] = {}
    for bank in study.banks:
        for part in read_json(folder / DATA / bank.made.name / ABOUT, MOST_TOLD)["parts"].values():
            for name, source in part["score_sources"].items():
                scores.setdefault(name, {})[str(without_place(source.get("model")))] = None
    for name, models in scores.items():
        gold = "; it counts as the truth" if name == "gold" else ""
        lines.append(f"| `{SCORE}{name}` | a reward by {' or '.join(models)}: more is better{gold} |")
    return [*lines, ""]


def _origins(study: Study, folder: Path) -> list[tuple[Made, str]]:
    """A sentence or two on where each part is from, texts first."""
    found = []
    for bank in study.banks:
        about = read_json(folder / DATA / bank.made.name / ABOUT, MOST_TOLD)["parts"]["train"]
        has_texts = not {"response", "answer"}.isdisjoint(about["columns"]["responses"])
        source = about["embedding_source"]
        read = without_place(source.get("model") or source.get("method") or "an encoder that is not named")
        of_people = bank.labels and bank.labels[0].made.stage == bank.made.stage
        whose = "people's" if of_people else "a simulated annotator's, who sees the gold reward"
        labels = f" Labels: {whose}." if bank.labels else ""
        found.append((bank.made, f"{_texts(bank, has_texts)} Embeddings: {read}.{labels}"))
    for each in study.demonstrations:
        found.append((each.made, "Demonstrations that rmkit wrote by its grammar. No text is a person's."))
    return found


def _texts(bank: Bank, has_texts: bool) -> str:
    """Where the texts of a bank come from, and whose they are."""
    parameters = {name: without_place(value) for name, value in bank.made.parameters.items()}
    if bank.made.stage == "02_sampling":
        policy = f"the model {parameters.get('base_model')}"
        policy += ", fine-tuned (see policies)" if parameters.get("generator") == "sft" else ""
        own = "Prompts were written by rmkit's grammar; no text is a person's."
        return f"{own} Responses were drawn from {policy}; its licence may bear on them."
    if bank.made.stage == "00_human_preferences":
        if (pairs := parameters.get("pairs_file")) and has_texts:
            return f"Texts are those of the file `{pairs}`: publish them only if its owners allow it, and name them."
        if pairs:
            return f"Preferences of the file `{pairs}`, without its texts."
        return f"Preferences of the folder `{parameters.get('preferences_folder')}`, without texts; keep its licence."
    given = f"the folder `{parameters.get('embeddings_folder')}`"
    if has_texts:
        return f"Texts, embeddings and rewards are those of {given}; keep its licence."
    return f"Embeddings and rewards are those of {given}; keep its licence."


def _use(shown: Bank, tables: Sequence[Configuration], first: str) -> list[str]:
    """How to read it, with and without rmkit."""
    lines = ["## How to read it", "", "```python", "from datasets import load_dataset", ""]
    lines.append(f'responses = load_dataset(".", "{first}")["train"]  # "." is this folder, or its name on the hub')
    labels = first.removesuffix("responses") + "labels"
    if labels in {table.name for table in tables}:
        lines += [
            f'labels = load_dataset(".", "{labels}")["train"]',
            "pair = labels[0]",
            'order = ("first", "second") if pair["label"] else ("second", "first")',
            "chosen, rejected = (responses[pair[side]] for side in order)",
        ]
    lines += ["```", ""]
    if _is_world(shown):
        lines += [
            f"In rmkit, the folder `{DATA}/{shown.made.name}` is a world of its own: name it as `embeddings_folder` of",
            "a study with `world: files`, as `params/from-embeddings.yaml` is one. Its notebooks then learn from the",
            "responses of this study, byte for byte.",
            "",
        ]
    return lines


def _is_world(bank: Bank) -> bool:
    return set(bank.parts) == set(PARTS.values())


def policy_card(study: Study, policy: Policy, *, has_adapter: bool) -> str:
    """README.md of a fine-tuned model."""
    parameters, base = policy.made.parameters, base_name(policy)
    merged = " It was trained as a low-rank adapter (in `adapter/`) and merged." if has_adapter else ""
    return _model_card(
        study,
        policy.made,
        base=base,
        title=policy.made.name,
        said=f"{base}, fine-tuned on demonstrations for the task {parameters.get('task')} (TRL's SFTTrainer, recipe "
        f"{parameters.get('recipe')}).{merged}",
        code='model, tokenizer = (kind.from_pretrained(".") for kind in (AutoModelForCausalLM, AutoTokenizer))',
        library="transformers",
    )


def adapter_card(study: Study, policy: Policy) -> str:
    """README.md of a low-rank adapter."""
    base = base_name(policy)
    place = f"../../{policy.base.name}" if policy.base else base
    return _model_card(
        study,
        policy.made,
        base=base,
        title=f"{policy.made.name}, the adapter",
        said=f"A low-rank adapter of {base}; the folder above has the two merged.",
        code=f'model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("{place}"), ".")',
        library="peft",
    )


def base_card(study: Study, policy: Policy) -> str:
    """README.md of a base model that a world made."""
    name = base_name(policy)
    return _model_card(
        study,
        None,
        base=None,
        title=name,
        said="A small language model that rmkit trained from scratch on texts of its grammar; adapters here need it.",
        code='model, tokenizer = (kind.from_pretrained(".") for kind in (AutoModelForCausalLM, AutoTokenizer))',
        library="transformers",
    )


def _model_card(
    study: Study, made: Made | None, *, base: str | None, title: str, said: str, code: str, library: str
) -> str:
    classes = "AutoModelForCausalLM, AutoTokenizer" if library == "transformers" else "AutoModelForCausalLM"
    imports = [f"from transformers import {classes}", *(["from peft import PeftModel"] if library == "peft" else [])]
    on_the_hub = [f"base_model: {base.partition('@')[0]}"] if base and "/" in base else []
    from_job = f" (job {made.key})" if made else ""
    return "\n".join(
        [
            *("---", NO_LICENCE, f"library_name: {library}", "pipeline_tag: text-generation", *on_the_hub, "---"),
            *(f"# {title}", "", said, ""),
            f"Made by the study `{study.name}` of rmkit {study.version}{from_job}. The licences of the base model and",
            "of the demonstrations bear on it.",
            *("", "```python", *sorted(imports), "", code, "```", ""),
        ]
    )


def _all_made(study: Study) -> list[Made]:
    labels = [each.made for bank in study.banks for each in bank.labels]
    demonstrations, policies = [each.made for each in study.demonstrations], [each.made for each in study.policies]
    return [*(bank.made for bank in study.banks), *labels, *demonstrations, *policies]


def _provenance(made: Made) -> Mapping[str, Any]:
    parameters = {name: without_place(value) for name, value in made.parameters.items()}
    return {"name": made.name, "stage": made.stage, "job": made.key, "parameters": parameters}
