"""The example to label: different responses that gold can judge, the same every time, and never written over."""

import numpy as np

from rmkit.worlds.grammar.label_example import gold_rewards, write_example
from rmkit.worlds.human_preferences.label_queue import read_to_label
from tests.small_project import REPOSITORY

GRAMMAR = REPOSITORY / "data/grammar"


def test_responses_differ_and_so_does_their_gold(tmp_path):
    path = write_example(tmp_path / "new/example.jsonl", GRAMMAR, n_prompts=12)
    read = read_to_label(path)
    assert read.told.endswith("12 rows: 48 responses to 12 prompts, 0 pairs judged already")
    prompts = [pair.prompt for pair in read.responses]
    one, other = ([getattr(pair, name) for pair in read.responses] for name in ("chosen", "rejected"))
    gap = gold_rewards(GRAMMAR, prompts, one) - gold_rewards(GRAMMAR, prompts, other)
    assert np.mean(gap != 0) > 0.9


def test_a_seed_gives_the_same_file_and_an_old_one_stays(tmp_path):
    one, same, other = (
        write_example(tmp_path / f"{n}.jsonl", GRAMMAR, n_prompts=5, seed=seed).read_bytes()
        for n, seed in enumerate((0, 0, 1))
    )
    assert one == same != other
    write_example(tmp_path / "2.jsonl", GRAMMAR, n_prompts=5, seed=0)
    assert (tmp_path / "2.jsonl").read_bytes() == other
