"""TRL's own RLOO trainer gets the scores that rmkit and plain transformers give, from a function and from the folder."""

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.export.sequence_classifier import scores_of, write_sequence_classifier
from rmkit.export.text_reward_model import TextRewardModel
from rmkit.export.trl_reward import reward_func
from rmkit.worlds.human_preferences.computed_features import read_texts
from tests.export.conftest import fitted_on
from tests.worlds.human_preferences.dialogues import made_up, written

ASKED = ["How do I bake bread?", "Is it late?", "Why does it rain?", "How do I mend a bicycle tyre?"]
SYSTEM = "Answer in one sentence."


@pytest.fixture(scope="module")
def classifier(causal_with_start, tmp_path_factory):
    """The exported folder of a linear head on a causal model whose tokenizer puts a token before every text."""
    folder = tmp_path_factory.mktemp("classifier")
    path = written(folder / "pairs.jsonl", made_up(80))
    model = fitted_on(read_texts(path, features="encoder", encoder=str(causal_with_start)), features="encoder")
    write_sequence_classifier(model, folder / "out")
    return folder / "out"


def messages(asked):
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": asked}]


def dialogue(asked, system=False):
    return f"\n\nSystem: {SYSTEM}" * system + f"\n\nHuman: {asked}\n\nAssistant:"


def rewarded(classifier, causal, prompts, tmp_path, reward_funcs):
    """(calls, scores): what TRL gave a reward function in one step, and what the folder itself gave there."""
    import trl
    from datasets import Dataset
    from transformers import AutoTokenizer

    calls = []

    def recorded(prompts, completions, **columns):
        calls.append((prompts, completions))
        return reward_func(classifier)(prompts, completions, **columns)

    tokenizer = AutoTokenizer.from_pretrained(classifier, padding_side="left")  # its chat template is the policy's too
    arguments = trl.RLOOConfig(
        output_dir=str(tmp_path), use_cpu=True, bf16=False, gradient_checkpointing=False, report_to="none",
        save_strategy="no", max_steps=1, logging_steps=1, per_device_train_batch_size=4, num_generations=2,
        max_completion_length=6, seed=0, disable_tqdm=True,
    )  # fmt: skip
    funcs = [recorded, *reward_funcs]
    trainer = trl.RLOOTrainer(
        str(causal), reward_funcs=funcs, args=arguments, train_dataset=Dataset.from_dict({"prompt": prompts}),
        processing_class=tokenizer,
    )  # fmt: skip
    given = []
    if reward_funcs:
        folder_model = trainer.reward_funcs[1]
        forward = folder_model.forward

        def watched(*args, **kwargs):
            out = forward(*args, **kwargs)
            given.append(out.logits[:, 0].detach().float().numpy())
            return out

        folder_model.forward = watched
    trainer.train()
    assert trainer.state.global_step == 1
    return calls, np.concatenate(given) if given else None


@pytest.mark.filterwarnings("ignore")  # TRL's and torch's own
def test_messages_get_one_score_from_rmkit_transformers_and_trl(classifier, causal_with_start, tmp_path):
    """The function and the folder itself, given as TRL's reward models, on what a policy said in one step."""
    calls, given = rewarded(
        classifier, causal_with_start, [messages(asked) for asked in ASKED], tmp_path, [str(classifier)]
    )
    prompts, completions = ([each for call in calls for each in call[at]] for at in (0, 1))
    said = [completion[0]["content"] for completion in completions]
    own = TextRewardModel.load(classifier)
    asked = [prompt[-1]["content"] for prompt in prompts]
    expected_r = own.score([dialogue(text, system=True) for text in asked], said)
    assert len(given) == len(expected_r) >= 4
    assert np.ptp(expected_r) > 1e-3
    np.testing.assert_allclose(given, expected_r, atol=1e-4)
    np.testing.assert_allclose(reward_func(classifier)(prompts, completions), expected_r, atol=1e-4)
    whole = [f"{dialogue(text, system=True)} {answer.strip()}" for text, answer in zip(asked, said, strict=True)]
    for batch_size in (1, 16):
        np.testing.assert_allclose(scores_of(classifier, whole, batch_size=batch_size), expected_r, atol=1e-4)


@pytest.mark.filterwarnings("ignore")
def test_plain_texts_get_the_scores_that_rmkit_gives(classifier, causal_with_start, tmp_path):
    calls, _ = rewarded(classifier, causal_with_start, [dialogue(asked) for asked in ASKED], tmp_path, [])
    (prompts, completions), *_ = calls
    assert all(isinstance(text, str) for text in [*prompts, *completions])
    expected_r = TextRewardModel.load(classifier).score(prompts, [text.strip() for text in completions])
    np.testing.assert_allclose(reward_func(classifier)(prompts, completions), expected_r, atol=1e-6)


def test_a_question_is_read_as_messages_are_and_a_batch_changes_nothing(classifier):
    reward = reward_func(classifier)
    answers = ["Mix flour and water.", "No.", "", "It depends. " * 20]
    as_texts = reward(prompts=ASKED, completions=answers, lesson=["ignored"] * 4)
    as_messages = reward(
        prompts=[[{"role": "user", "content": asked}] for asked in ASKED],
        completions=[[{"role": "assistant", "content": answer}] for answer in answers],
    )
    alone = [reward([asked], [answer])[0] for asked, answer in zip(ASKED, answers, strict=True)]
    assert all(type(score) is float for score in as_texts)
    np.testing.assert_allclose(as_texts, as_messages, atol=1e-6)
    np.testing.assert_allclose(as_texts, alone, atol=1e-4)
    assert reward.__name__ == "linear_bt"


def test_a_folder_of_fit_is_a_reward_too_and_what_is_no_text_is_one_line(model, tmp_path):
    model.save(tmp_path / "made")
    reward = reward_func(tmp_path / "made")
    np.testing.assert_array_equal(
        reward(ASKED, ["You need glue"] * 4), model.score([dialogue(asked) for asked in ASKED], ["You need glue"] * 4)
    )
    with pytest.raises(DataError, match="row 0: 'completion' is int, not text"):
        reward(["Why?"], [5])
    with pytest.raises(DataError, match=r"holds no reward_model\.json"):
        reward_func(tmp_path)


USER, ANSWER = {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}


@pytest.mark.parametrize(
    ("prompts", "completions", "said"),
    [
        (["Why?", "When?"], ["No."], "completions: are 1, and prompts 2; give each its prompt"),
        ("Why?", "No.", "prompts: is str; give a list"),
        (["Why?"], None, "completions: is NoneType; give a list"),
        ([None], ["No."], "row 0: 'prompt' is None; it must be text or messages"),
        ([[USER]], [[USER]], "row 0: the last of 'completion' is the human's; it must be the assistant's"),
        ([[USER]], [[ANSWER, USER]], "row 0: the last of 'completion' is the human's"),
        ([[USER]], [[{"role": "system", "content": "Be kind."}]], "row 0: the last of 'completion' is the system's"),
        (
            [[USER]],
            [[{"role": "assistant", "content": None}]],
            "row 0: 'message 1 of completion' is NoneType, not text",
        ),
    ],
)
def test_what_is_no_answer_to_a_prompt_is_one_line(prompts, completions, said, model, tmp_path):
    model.save(tmp_path / "made")
    reward = reward_func(tmp_path / "made")
    with pytest.raises(DataError, match=said):
        reward(prompts, completions)
    with pytest.raises(DataError, match="folder: is None; give a folder"):
        reward_func(None)
