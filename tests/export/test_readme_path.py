"""README's six lines, from a file of pairs to scores of new texts in plain transformers, executed as they stand."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rmkit.export.text_reward_model import TextRewardModel
from tests.checkout import checkout, environment
from tests.small_project import REPOSITORY
from tests.worlds.human_preferences.dialogues import made_up, written

SIX = re.compile(
    r"^```sh\n(rmkit fit [^\n]*\nrmkit export [^\n]*\n)```\n+```python\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
COMMIT = "0" * 40


def as_on_the_hub(folder, name, cache):
    """A model's folder laid out as a cache of the hub has it, so that its name is enough where there is no network."""
    place = cache / "hub" / f"models--{name.replace('/', '--')}"
    shutil.copytree(folder, place / "snapshots" / COMMIT)
    (place / "refs").mkdir()
    (place / "refs/main").write_text(COMMIT, encoding="utf-8")


@pytest.mark.slow  # two notebooks
def test_six_lines_lead_from_pairs_to_scores(causal_with_start, tmp_path):
    commands, code = SIX.search((REPOSITORY / "README.md").read_text(encoding="utf-8")).groups()
    assert sum(map(bool, (commands + code).splitlines())) == 6
    encoder = re.search(r"--encoder (\S+)", commands)[1]
    (pairs,) = re.findall(r"rmkit fit (\S+)", commands)
    project = checkout(tmp_path / "project")
    (project / pairs).parent.mkdir(parents=True)
    written(project / pairs, made_up(80))
    as_on_the_hub(causal_with_start, encoder, tmp_path / "cache")
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    own = environment(project, PATH=paths, HF_HOME=str(tmp_path / "cache"), HF_HUB_OFFLINE="1")
    own.pop("HF_HUB_CACHE", None)
    for words in (["bash", "-ec", commands], [sys.executable, "-c", code]):
        ended = subprocess.run(words, cwd=project, env=own, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    shown = float(ended.stdout)
    asked, said = re.findall(r'"content": "([^"]*)"', code)
    prompt = f"\n\nHuman: {asked}\n\nAssistant:"
    (folder,) = re.findall(r"rmkit export \S+ --out (\S+)", commands)
    classifier = TextRewardModel.load(project / folder)
    (score,) = classifier.score([prompt], [said])
    assert shown == pytest.approx(float(score), abs=1e-4)
    assert (classifier.encoder, classifier.revision) == (encoder, COMMIT)
    several = classifier.score([prompt] * 3, [said, "No.", "It depends on the weather"])
    assert np.ptp(several) > 0.01
