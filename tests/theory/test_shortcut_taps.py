import numpy as np
import pytest

from keras_pnnh.theory.shortcut_taps import shortcut_tap


@pytest.mark.parametrize(
    ("size", "kernel_size", "strides", "expected"),
    (
        (8, 3, 1, 1),
        (7, 3, 1, 1),
        (8, 3, 2, 0),
        (7, 3, 2, 1),
        (8, 5, 2, 1),
        (7, 5, 2, 2),
        (224, 7, 2, 2),
        (225, 7, 2, 3),
        (8, 4, 1, 1),
        (8, 2, 2, 0),
        (9, 1, 2, 0),
        (8, 1, 4, 0),
        (None, 5, 1, 2),
    ),
)
def test_golden_same(size, kernel_size, strides, expected):
    assert shortcut_tap(size, kernel_size, strides, "same") == expected


@pytest.mark.parametrize("kernel_size", (1, 3, 5, 7))
def test_symmetric_reads_the_centre_and_valid_the_start(kernel_size):
    for size in (8, 9, None):
        for strides in (1, 2):
            arguments = (size, kernel_size, strides)
            assert shortcut_tap(*arguments, "symmetric") == kernel_size // 2
            assert shortcut_tap(*arguments, "valid") == 0


def test_numpy_integers_are_integers():
    assert shortcut_tap(np.int64(8), np.int64(3), np.int64(2), "same") == 0


@pytest.mark.parametrize(
    ("arguments", "match"),
    (
        ((8, 4, 2, "symmetric"), "kernel_size=4. Try 5"),
        ((8, 3, 2, "full"), "padding='full'"),
        ((None, 3, 2, "same"), "size=None, strides=2"),
        ((0, 3, 2, "same"), "size=0"),
        ((8, 0, 2, "same"), "kernel_size=0"),
        ((8, 3, 0, "same"), "strides=0"),
    ),
)
def test_wrong_arguments_are_named(arguments, match):
    with pytest.raises(ValueError, match=match):
        shortcut_tap(*arguments)
