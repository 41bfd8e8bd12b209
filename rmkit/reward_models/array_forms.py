"""What the learned arrays of a saved head must be: their number formats, shapes and finite numbers.

A head says a form for each array; a file that was cut, edited or written by something else is one sentence that names
the array and what would be right. Knows names and arrays; no head.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rmkit.errors import DataError, cut, listed

LARGEST = float(np.finfo(np.float32).max)  # of a reward


@dataclass(frozen=True)
class Form:
    """One array: its number format and its axes, each a size or a letter, which has one size in all arrays of a head.

    required: whether a head cannot do without it. measured: whether it only tells how a fit went, which nothing is
    computed from, so that any number may be in it.
    """

    dtype: str
    axes: tuple[int | str, ...]
    required: bool = True
    measured: bool = False


def check_arrays(arrays: Mapping[str, np.ndarray], forms: Mapping[str, Form], where: str) -> None:
    """DataError, beginning with `where` and the array, unless the arrays are those that the forms say."""
    if unknown := [name for name in arrays if name not in forms]:
        raise DataError(f"{where}: {cut(unknown[0])}: is no array of this head; those are {listed(list(forms), 12)}")
    if missing := [name for name, form in forms.items() if form.required and name not in arrays]:
        raise DataError(f"{where}: {missing[0]}: is not there; fit it again")
    sizes: dict[str, int] = {}
    for name, form in forms.items():
        if name not in arrays:
            continue
        array = arrays[name]
        wanted = tuple(sizes.get(axis, axis) if isinstance(axis, str) else axis for axis in form.axes)
        fits = array.ndim == len(wanted) and 0 not in array.shape
        if fits:
            fits = all(isinstance(want, str) or want == has for want, has in zip(wanted, array.shape, strict=True))
        if not fits or array.dtype != form.dtype:
            right = ", ".join(map(str, wanted)) + "," * (len(wanted) == 1)
            raise DataError(
                f"{where}: {name}: is {array.dtype} of shape {array.shape}; it must be {form.dtype} of shape ({right})"
                + (", no size 0" if 0 in array.shape else "")
            )
        sizes |= {axis: size for axis, size in zip(form.axes, array.shape, strict=True) if isinstance(axis, str)}
        if not form.measured:
            check_numbers(array, f"{where}: {name}")


def check_numbers(array: np.ndarray, where: str) -> None:
    """DataError unless all numbers of an array are finite, and not so large that no reward can be made of them."""
    if array.dtype.kind != "f":
        return
    sound = np.abs(array) <= LARGEST  # not so of NaN
    if not sound.all():
        place = np.unravel_index(int(np.argmin(sound)), array.shape)
        value = float(array[place])
        said = f"is {value:g}, and float32 ends at {LARGEST:g}" if np.isfinite(value) else f"is {value}, not finite"
        raise DataError(f"{where}: its number at {tuple(map(int, place))} {said}; fit it again")
