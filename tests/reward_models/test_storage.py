import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.reward_models.storage import load_state, save_state


def test_arrays_come_back_with_their_shape_whatever_their_order_in_memory(tmp_path):
    arrays = {"one": np.array(2.5), "none": np.zeros((0, 3)), "turned": np.arange(6.0).reshape(2, 3).T}
    save_state(tmp_path, reward_model="linear_bt", options={"l2_grid": [1.0]}, arrays=arrays)
    options, facts, loaded = load_state(tmp_path, "linear_bt")
    assert (options, facts) == ({"l2_grid": [1.0]}, {})
    for name, array in arrays.items():
        assert loaded[name].shape == array.shape
        np.testing.assert_array_equal(loaded[name], array)


def test_another_format_is_refused(tmp_path):
    save_state(tmp_path, reward_model="linear_bt", options={}, arrays={})
    about = tmp_path / "model.json"
    about.write_text(about.read_text(encoding="utf-8").replace('"format": 2', '"format": 9'), encoding="utf-8")
    with pytest.raises(DataError, match="holds linear_bt of format 9, expected linear_bt of format 2"):
        load_state(tmp_path, "linear_bt")
