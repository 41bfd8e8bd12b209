"""A reward model's folder with one array or one key of it spoiled: a sentence that names the file, or the same scores."""

import copy
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from rmkit.errors import DataError
from rmkit.export.composite import write_composite
from rmkit.export.text_reward_model import TextRewardModel
from rmkit.reward_models.collection import RewardModels
from rmkit.reward_models.registry import REWARD_MODELS, build
from rmkit.training_sets.pair_sets import PairSets
from tests.reward_models.worlds import QUICK

TINY = {"hidden": [4], "max_steps": 10, "precision": "float32"}
OPTIONS = {
    **dict.fromkeys(("mlp_bt", "mlp_clf"), TINY),
    "mlp_bt_ensemble": {"n_members": 2, "options": TINY},
    "lightgbm_bt": {"n_rounds": 3},
    "lightgbm_clf": {"n_rounds": 3},
    "lightgbm_bt_ensemble": {"n_members": 2, "options": {"n_rounds": 3}},
}
ABOUT = {
    "held_out_accuracy": [{"reward_model": "linear_bt", "mean": 0.7, "low": 0.6, "high": 0.8, "is_ruler": False}],
    "answers": {"Which?": "This one."},
}
DEEPEST = 2  # of the keys that are spoiled
OTHERS = (None, -3, math.nan, "text", [], [[1]], {"a": 1}, "x" * 9_999, 10**400)
TEXTS = ["\n\nHuman: Why?\n\nAssistant:"] * 2, ["You need glue", "It depends on the weather today"]


@pytest.fixture(scope="module", params=REWARD_MODELS)
def made(request, model, preferences, tmp_path_factory):
    """The folder of a model with this head, fitted on one set, and its scores of TEXTS."""
    (old,) = model.head.models.values()
    rng = np.random.default_rng(0)
    chosen_m = rng.permutation(preferences.bank.n_responses)[:60]
    pairs = PairSets.padded([(chosen_m[:30], chosen_m[30:])])
    head = build(request.param, **OPTIONS.get(request.param, QUICK.get(request.param, {})))
    head.fit(preferences.bank.embedding_rd, pairs, pairs, rng_s=rng.spawn(1))
    assert head.n_dimensions == old.n_dimensions
    varied = model.head.fits.drop(columns=["fit", "reward_model", "position"])
    one = RewardModels.of({request.param: head}, varied)
    folder = tmp_path_factory.mktemp(request.param) / "model"
    replace(model, head=one, about={**model.about, **ABOUT}).save(folder)
    return folder, TextRewardModel.load(folder).score(*TEXTS)


def _check(folder, score_r, what, path):
    """A DataError of one line with the folder's name, or the same scores."""
    try:
        found_r = TextRewardModel.load(folder).score(*TEXTS)
    except DataError as fault:
        said = str(fault)
        assert str(folder) in said, (what, path, said)
        assert "\n" not in said, (what, path, said)
        assert len(said) < 1_000, (what, path, said)
        return
    np.testing.assert_array_equal(found_r, score_r, err_msg=f"{what} {path}")


def _files(folder, pattern):
    """What differs from head to head; for the first one all of the folder's."""
    inside = folder if (folder / "head/linear_bt").is_dir() else folder / "head"
    return sorted(inside.rglob(pattern))


def _spoiled(array):
    """The array otherwise: of other shapes and number formats, with numbers that no fit gives."""
    yield "no axis", np.zeros(1, array.dtype)[:1].reshape(())
    yield "flat", array.ravel() if array.ndim > 1 else array[None]
    yield "none", array[:0]
    yield "thrice", np.concatenate([array] * 3)
    yield "narrower", np.ascontiguousarray(array[..., :-1])
    for dtype in {"float16", "float32", "float64", "int64", "bool"} - {str(array.dtype)}:
        with np.errstate(over="ignore"):
            yield dtype, array.astype(dtype)
    if array.dtype.kind == "f":
        for number in (math.nan, math.inf, -math.inf, *([1e300] if array.dtype == np.float64 else [])):
            other = array.copy()
            other.flat[-1] = number
            yield str(number), other


def test_each_array_gone_or_of_another_form(made):
    folder, score_r = made
    for path in _files(folder, "*.safetensors"):
        whole, arrays = path.read_bytes(), load_file(path)
        for name, array in arrays.items():
            others = [("gone", None), *_spoiled(array)]
            for what, other in others:
                left = {key: value for key, value in arrays.items() if key != name or other is not None}
                save_file(left | ({} if other is None else {name: np.asarray(other)}), path)
                _check(folder, score_r, (name, what), path)
        save_file(arrays | {"layer_9": np.zeros((1, 2), np.float32)}, path)
        _check(folder, score_r, "more", path)
        path.write_bytes(whole)


def _places(value, at=()):
    """Where every value of a JSON file is."""
    yield at
    if len(at) == DEEPEST:
        return
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, item in items:
        yield from _places(item, (*at, key))


def _put(value, at, other):
    """A copy with another value at a place; without it for `...`."""
    if not at:
        return other
    changed = copy.deepcopy(value)
    inside = changed
    for key in at[:-1]:
        inside = inside[key]
    if other is ...:
        del inside[at[-1]]
    else:
        inside[at[-1]] = other
    return changed


def test_each_key_gone_or_of_another_type(made):
    folder, score_r = made
    for path in _files(folder, "*.json"):
        whole = path.read_text(encoding="utf-8")
        told = json.loads(whole)
        for at in _places(told):
            for other in (*OTHERS, *([...] if at else [])):
                path.write_text(json.dumps(_put(told, at, other)), encoding="utf-8")
                _check(folder, score_r, (at, repr(other)[:40]), path)
        for content in (b"", b"[" * 100_000, b"\xff\xfe", b"{" + whole.encode()):
            path.write_bytes(content)
            _check(folder, score_r, content[:4], path)
        path.write_text(whole, encoding="utf-8")


HARMLESS = (*[("held_out_accuracy", []), ("answers", {}), ("embedding_source", {}), ("embedding_source", {"a": 1})],)


@pytest.mark.parametrize("key", ["pairs", "prompts", "held_out_accuracy", "answers", "embedding_source", None])
@pytest.mark.parametrize("other", [..., None, [], [1], {}, {"a": 1}, "text", math.nan, [{"reward_model": "x"}]])
def test_what_a_card_tells_is_checked_before_it_is_written(model, tmp_path, key, other):
    made, path = tmp_path / "made", tmp_path / "made/reward_model.json"
    replace(model, about={**model.about, **ABOUT}).save(made)
    told = json.loads(path.read_text(encoding="utf-8"))
    at = ("about",) if key is None else ("about", key)
    path.write_text(json.dumps(_put(told, at, other)), encoding="utf-8")
    harmless = (other is ... and key not in ("pairs", "prompts", None)) or (key, other) in HARMLESS
    if harmless:
        write_composite(TextRewardModel.load(made), tmp_path / "out")
        assert (tmp_path / "out/README.md").is_file()
        return
    with pytest.raises(DataError) as told:
        TextRewardModel.load(made)
    assert f"{path}: " in str(told.value)
    assert f"about{'.' * bool(key)}{key or ''}" in str(told.value)


def _edited(path, name, change):
    arrays = load_file(path)
    arrays[name] = change(arrays[name])
    save_file(arrays, path)


@pytest.mark.parametrize(
    ("file", "name", "change", "said"),
    [
        ("head/linear_bt", "weight_sd_", lambda a: a * np.nan, "weight_sd_: its number at (0, 0) is nan, not finite"),
        ("head/linear_bt", "weight_sd_", lambda a: a * 0 + 1e300, "weight_sd_: its number at (0, 0) is 1e+300, and fl"),
        ("head/linear_bt", "intercept_s_", lambda a: a.repeat(3), "intercept_s_: is float64 of shape (3,); it must be"),
        ("encoder", "rarity_v", lambda a: a * np.inf, "rarity_v: holds a number that is not finite"),
        ("encoder", "direction_dv", lambda a: a[:3], "gives 3 numbers a text, and the head in"),
    ],
)
def test_a_number_that_is_none_is_told_with_its_file_and_array(model, tmp_path, file, name, change, said):
    model.save(tmp_path)
    (path,) = (tmp_path / file).glob("*.safetensors")
    _edited(path, name, change)
    with pytest.raises(DataError) as told:
        TextRewardModel.load(tmp_path).score(*TEXTS)
    assert said in str(told.value)
    assert str(tmp_path / file).removesuffix("/linear_bt") in str(told.value)


def test_a_reward_beyond_all_numbers_is_told_and_not_printed(model, tmp_path):
    model.save(tmp_path)
    path, texts = tmp_path / "head/linear_bt/model.safetensors", (TEXTS[0], ["Mix water and flour"] * 2)
    _edited(path, "weight_sd_", lambda weight_sd: 3e38 * np.sign(model.embed(*texts)[:1].astype(np.float64)))
    _edited(path, "intercept_s_", lambda intercept_s: intercept_s + 3e38)
    with pytest.raises(DataError, match="head: gives response 0 a reward that is inf, not finite"):
        TextRewardModel.load(tmp_path).score(*texts)
