import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Axis, Metric
from rmkit.errors import DataError, ResultError

FITS = pd.DataFrame({"fit": ["a", "b"], "seed": [0, 1]})


def parts():
    accuracy_fp = np.array([[1, 0, np.nan], [np.nan, 0.5, 1]], np.float32)
    return {
        "fits": FITS,
        "prompt_id_p": np.array([3, 5, 8], np.int64),
        "units_p": np.array([1, 2, 1], np.float32),
        "values": {"accuracy": accuracy_fp, "by_n": np.stack([accuracy_fp, accuracy_fp + 1], axis=-1)},
        "axes": {"by_n": Axis("n", (1, 32))},
    }


def test_saved_evaluations_come_back_the_same_and_two_saves_are_equal_bytes(tmp_path):
    given_parts = parts()
    Evaluations(**given_parts).save(tmp_path / "one")
    Evaluations(**given_parts | {"values": dict(reversed(given_parts["values"].items()))}).save(tmp_path / "two")
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    again = Evaluations.load(tmp_path / "one")
    pd.testing.assert_frame_equal(again.fits, FITS)
    np.testing.assert_array_equal(again.prompt_id_p, given_parts["prompt_id_p"])
    np.testing.assert_array_equal(again.units_p, given_parts["units_p"])
    assert set(again.values) == {"accuracy", "by_n"}
    assert again.axes == given_parts["axes"]
    for metric, value in given_parts["values"].items():
        np.testing.assert_array_equal(again.values[metric], value)


def test_some_fits_are_kept_with_their_values_and_count_anew():
    kept = Evaluations(**parts()).keep(np.array([False, True]))
    assert kept.fits.to_dict("list") == {"fit": ["b"], "seed": [1]}
    assert kept.fits.index.tolist() == [0]
    for metric, value in parts()["values"].items():
        np.testing.assert_array_equal(kept.values[metric], value[1:])


def test_a_metric_is_had_at_a_place_of_its_axis():
    evaluations = Evaluations(**parts())
    assert evaluations.metrics() == [Metric("accuracy"), Metric("by_n", 1), Metric("by_n", 32)]
    assert evaluations.metrics("by_n") == [Metric("by_n", 1), Metric("by_n", 32)]
    for metric, added in ((Metric("accuracy"), 0), (Metric("by_n", 1.0), 0), (Metric("by_n", 32), 1)):
        np.testing.assert_array_equal(evaluations.value_fp(metric), parts()["values"]["accuracy"] + added)
    np.testing.assert_array_equal(evaluations.value_fp("accuracy"), parts()["values"]["accuracy"])


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("acuracy", "have no 'acuracy', but accuracy, by_n; did you mean 'accuracy'?"),
        ("by_n", "by_n was measured at n = 1, 32; say which"),
        (Metric("by_n", 8), "by_n was not measured at n = 8, but at n = 1, 32"),
        (Metric("accuracy", 8), "accuracy has no axis, so none of its values is at 8"),
    ],
)
def test_a_metric_that_is_not_there_says_what_is(metric, said):
    with pytest.raises(ResultError, match=f"^evaluations: {re.escape(said)}$"):
        Evaluations(**parts()).value_fp(metric)


def test_a_metrics_name_for_people_has_its_place():
    metrics = [Metric("accuracy"), Metric("best_of_n", 32), Metric("best_of_n", 32.0), Metric("kl", 0.5)]
    assert list(map(str, metrics)) == ["accuracy", "best_of_32", "best_of_32", "kl_0.5"]


@pytest.mark.parametrize("metrics", [(), ("accuracy",)])
def test_evaluations_of_no_fit_come_back_as_such(tmp_path, metrics):
    empty = {"fits": FITS[:0], "axes": {}, "values": {name: np.zeros((0, 3), np.float32) for name in metrics}}
    Evaluations(**parts() | empty).save(tmp_path)
    again = Evaluations.load(tmp_path)
    assert (len(again.fits), list(again.fits)) == (0, ["fit", "seed"])
    assert {name: value.shape for name, value in again.values.items()} == dict.fromkeys(metrics, (0, 3))
    assert list(again.prompt_id_p) == [3, 5, 8]


@given(data=st.data(), prompt_ids=st.lists(st.integers(0, 6), min_size=1, max_size=30))
def test_pairs_are_averaged_to_their_prompts(data, prompt_ids):
    prompt_id_m = np.array(prompt_ids)
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    value_fm = rng.normal(size=(2, len(prompt_ids)))
    left_out = data.draw(st.sampled_from(sorted(set(prompt_ids))))
    value_fm[1, prompt_id_m == left_out] = np.nan
    evaluations = Evaluations.from_pairs(FITS, prompt_id_m, {"margin": value_fm})
    assert list(evaluations.prompt_id_p) == sorted(set(prompt_ids))
    for p, prompt_id in enumerate(evaluations.prompt_id_p):
        assert evaluations.units_p[p] == prompt_ids.count(prompt_id)
        for fit in range(2):
            expected = value_fm[fit, prompt_id_m == prompt_id].mean()
            np.testing.assert_allclose(evaluations.values["margin"][fit, p], expected, rtol=1e-6, atol=1e-6)
    assert np.isnan(evaluations.values["margin"][1]).sum() == 1


def test_a_prompt_evaluated_in_part_is_refused():
    value_fm = np.array([[1.0, 1.0, 0.0], [1.0, np.nan, 0.0]])
    said = (
        r"values\['accuracy'\], fit 'b', prompt 4: 1 of 2 pairs were evaluated; evaluate all pairs of a prompt or none"
    )
    with pytest.raises(DataError, match=said):
        Evaluations.from_pairs(FITS, np.array([4, 4, 9]), {"accuracy": value_fm})


@pytest.mark.parametrize(
    ("prompt_id_m", "said"),
    [([], "prompt_id_m: there are no pairs"), ([1, 2, 3], r"has shape \(2, 2\); it must be \(2, 3\), fits by pairs")],
)
def test_pairs_must_be_there_and_fit_their_values(prompt_id_m, said):
    with pytest.raises(DataError, match=said):
        Evaluations.from_pairs(FITS, np.array(prompt_id_m), {"accuracy": np.zeros((2, 2))})


MISTAKES = {
    "no fit": ({"fits": FITS.drop(columns="fit")}, "fits: lack the column fit; they have seed"),
    "fit twice": ({"fits": FITS.assign(fit="a")}, "fits, row 1: fit 'a' is there twice; name each fit once"),
    "prompts of another dtype": ({"prompt_id_p": np.array([1.0, 2, 3])}, "prompt_id_p: is float64 of shape"),
    "prompts unsorted": ({"prompt_id_p": np.array([3, 8, 5])}, "prompt_id_p, row 2: prompt 5 after 8; prompts must be"),
    "units too short": (
        {"units_p": np.ones(2, np.float32)},
        r"units_p: is float32 of shape \(2,\); it must be float32",
    ),
    "no units": ({"units_p": np.zeros(3, np.float32)}, "units_p: holds NaN, infinity, or no more than 0"),
    "values of another dtype": (
        {"values": {"x": np.zeros((2, 3))}, "axes": {}},
        r"values\['x'\]: is float64 of shape \(2, 3\)",
    ),
    "values too short": (
        {"values": {"x": np.zeros((1, 3), np.float32)}, "axes": {}},
        r"values\['x'\]: is float32 of shape \(1, 3\); it must be float32 of shape \(2, 3\)$",
    ),
    "an axis of another length": (
        {"axes": {"by_n": Axis("n", (1, 2, 4))}},
        r"values\['by_n'\]: is float32 of shape \(2, 3, 2\); it must be float32 of shape \(2, 3, 3\); its axis is n",
    ),
    "values along no axis": (
        {"axes": {}},
        r"values\['by_n'\]: is float32 of shape \(2, 3, 2\); it must be .* \(2, 3\)$",
    ),
    "an axis of nothing": (
        {"axes": {"x": Axis("n", (1,))}},
        r"axes\['x'\]: there is no such metric among accuracy, by_n",
    ),
    "places twice": ({"axes": {"by_n": Axis("n", (2, 2))}}, r"axes\['by_n'\]: has n = 2, 2; places must be there, fin"),
    "places that fall": ({"axes": {"by_n": Axis("n", (2, 1))}}, r"axes\['by_n'\]: has n = 2, 1; places must be there"),
    "places without end": ({"axes": {"by_n": Axis("n", (2, np.inf))}}, r"axes\['by_n'\]: has n = 2, inf; places must"),
    "no places": ({"axes": {"by_n": Axis("n", ())}}, r"axes\['by_n'\]: has n = nothing; places must be there"),
    "values infinite": (
        {"values": {"x": np.array([[0, 0, 0], [0, np.inf, 0]], np.float32)}, "axes": {}},
        r"values\['x'\], fit 'b', prompt 5: is infinite; values are finite, or NaN where not evaluated",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named(mistake):
    change, said = MISTAKES[mistake]
    with pytest.raises(DataError, match=f"^{said}"):
        Evaluations(**parts() | change)


def test_a_folder_without_evaluations_or_of_another_format_says_so(tmp_path):
    with pytest.raises(DataError, match=r"holds no evaluations.json; it must be a folder that Evaluations.save wrote"):
        Evaluations.load(tmp_path)
    (tmp_path / "evaluations.json").write_text('{"format": 1}', encoding="utf-8")
    with pytest.raises(DataError, match=r"evaluations.json: is of format 1; this rmkit reads format 2"):
        Evaluations.load(tmp_path)


@pytest.mark.parametrize("name", ["evaluations.json", "fits.parquet", "prompts.parquet", "values.safetensors"])
@pytest.mark.parametrize("damage", [None, b"", b"[1]", b'{"format": 2}', bytes(range(256))])
def test_a_damaged_file_is_one_sentence_that_names_the_folder(tmp_path, name, damage):
    Evaluations(**parts()).save(tmp_path)
    if damage is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(damage)
    with pytest.raises(DataError, match=f"^{tmp_path}: (cannot be read as evaluations .*|holds no evaluations.json)"):
        Evaluations.load(tmp_path)
