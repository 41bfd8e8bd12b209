import numpy as np
import pytest

from rmkit.annotation.annotators import Annotator
from rmkit.annotation.calibration import beta_for_agreement
from rmkit.annotation.habits import Habits, crowd
from rmkit.annotation.kinds import AnnotatorKind
from rmkit.errors import DataError

GOLD_R = np.random.default_rng(0).normal(scale=1.7, size=400)
GOLD_M2 = GOLD_R[np.random.default_rng(1).integers(400, size=(300, 2))]
ODD = AnnotatorKind(
    habits=Habits(flip=0.1, tie_width=0.2, position_bias=-0.3),
    crowd=crowd(careless=0.2, dissenting=0.1),
    scale="fixed",
    fixed_scale=2.5,
    agreements=(0.6,),
)


def test_a_plain_kind_is_an_annotator_in_units_of_golds_standard_deviation():
    assert AnnotatorKind().plain
    assert AnnotatorKind().at(0.5, GOLD_R, GOLD_M2) == Annotator(0.5, float(np.std(GOLD_R)))
    by_gaps = AnnotatorKind(scale="gap_sd").at(0.5, GOLD_R, GOLD_M2)
    assert by_gaps.scale == pytest.approx(np.sqrt(np.mean((GOLD_M2[:, 0] - GOLD_M2[:, 1]) ** 2)))


def test_levels_are_the_sharpnesses_and_then_the_agreements():
    *given, found = ODD.levels([0.5, None], GOLD_R, GOLD_M2)
    assert [one.beta for one in given] == [0.5, np.inf]
    assert all((one.scale, one.habits, one.crowd) == (2.5, ODD.habits, ODD.crowd) for one in (*given, found))
    assert found.expected_agreement(GOLD_M2) == pytest.approx(0.6)
    assert found.beta == beta_for_agreement(0.6, GOLD_M2, Annotator(1.0, 2.5, ODD.habits, ODD.crowd))


def test_what_is_saved_is_loaded_and_gives_the_same_bytes(tmp_path):
    ODD.save(tmp_path / "one")
    again = AnnotatorKind.load(tmp_path / "one")
    assert again == ODD
    assert not again.plain
    again.save(tmp_path / "other")
    one, other = ((tmp_path / name / "annotator.json").read_bytes() for name in ("one", "other"))
    assert one == other


@pytest.mark.parametrize("text", ["", "{}", '{"habits": {"flips": 1}}', None])
def test_a_broken_file_is_one_sentence(tmp_path, text):
    if text is not None:
        (tmp_path / "annotator.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"annotator\.json: cannot be read as an annotator"):
        AnnotatorKind.load(tmp_path)
