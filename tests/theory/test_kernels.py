import numpy as np
import pytest

from keras_pnnh.theory.kernels import merge_coder, pad_channels, place_at_tap
from keras_pnnh.theory.shortcut_taps import shortcut_tap


def padding_of_axis(size, kernel_size, strides, padding):
    """Padding at both ends, independent of `shortcut_tap`."""
    if padding == "valid":
        return 0, 0
    if padding == "symmetric":
        return kernel_size // 2, kernel_size // 2
    # Pad one pixel at a time, end first, until ceil(size / strides) fit.
    before, after = 0, 0
    while (before + size + after - kernel_size) // strides + 1 < -(
        -size // strides
    ):
        before, after = (
            (before, after + 1) if after == before else (before + 1, after)
        )
    return before, after


def convolve(x, kernel, strides, padding):
    """Convolution by definition of (height, width, cin) images."""
    kh, kw, _, cout = kernel.shape
    rows = padding_of_axis(x.shape[0], kh, strides, padding)
    columns = padding_of_axis(x.shape[1], kw, strides, padding)
    x = np.pad(x, (rows, columns, (0, 0)))
    height = (x.shape[0] - kh) // strides + 1
    width = (x.shape[1] - kw) // strides + 1
    y = np.empty((height, width, cout))
    for i in range(height):
        for j in range(width):
            top, left = i * strides, j * strides
            window = x[top : top + kh, left : left + kw]
            y[i, j] = np.tensordot(window, kernel, axes=3)
    return y


@pytest.mark.parametrize("padding", ("same", "symmetric", "valid"))
@pytest.mark.parametrize("strides", (1, 2))
@pytest.mark.parametrize("kernel_size", ((3, 3), (5, 5), (7, 7), (3, 5)))
@pytest.mark.parametrize("size", ((8, 8), (9, 9), (8, 11)))
def test_merged_kernel_is_learner_plus_shortcut(
    size, kernel_size, strides, padding
):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(*size, 3))
    learner = rng.normal(size=(*kernel_size, 3, 5))
    coder = rng.normal(size=(3, 4))  # narrower than the learner's output
    tap = tuple(
        shortcut_tap(length, taps, strides, padding)
        for length, taps in zip(size, kernel_size, strict=True)
    )
    expected = convolve(x, learner, strides, padding)
    carried = x[::strides, ::strides] @ coder
    height, width = expected.shape[:2]
    expected[..., :4] += carried[:height, :width]
    merged = merge_coder(learner, coder, tap)
    np.testing.assert_allclose(
        convolve(x, merged, strides, padding), expected, atol=1e-12
    )


def test_every_other_tap_is_wrong():
    x = np.random.default_rng(0).normal(size=(8, 8, 1))
    shortcut = x[::2, ::2]
    right = [
        (row, column)
        for row in range(3)
        for column in range(3)
        if np.allclose(
            convolve(x, place_at_tap(np.eye(1), 3, (row, column)), 2, "same"),
            shortcut,
        )
    ]
    assert right == [(0, 0)]


def test_place_at_tap_golden():
    matrix = np.array([[1, 2]], "float32")
    kernel = place_at_tap(matrix, (3, 2), (2, 0))
    assert kernel.shape == (3, 2, 1, 2) and kernel.dtype == "float32"
    np.testing.assert_array_equal(kernel[2, 0], matrix)
    assert kernel.sum() == 3
    np.testing.assert_array_equal(place_at_tap(matrix, 3, 1)[1, 1], matrix)


def test_pad_channels_keeps_the_leading_channels():
    padded = pad_channels(np.array([[1, 2]]), 2, 3)
    np.testing.assert_array_equal(padded, [[1, 2, 0], [0, 0, 0]])


def test_merge_defaults_to_the_centre_and_keeps_dtype_and_input():
    learner = np.ones((3, 5, 2, 2), "float16")
    merged = merge_coder(learner, np.eye(2))
    assert merged.dtype == "float16"
    np.testing.assert_array_equal(merged[1, 2], [[2, 1], [1, 2]])
    assert merged.sum() == learner.sum() + 2
    np.testing.assert_array_equal(learner, 1)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="tap=3, kernel_size=3"):
        place_at_tap(np.eye(2), 3, 3)
    with pytest.raises(ValueError, match="tap=-1"):
        place_at_tap(np.eye(2), 3, -1)
    with pytest.raises(ValueError, match="kernel_size=0"):
        place_at_tap(np.eye(2), (3, 0), 0)
    with pytest.raises(ValueError, match=r"matrix.shape=\(3, 3\), cin=2"):
        pad_channels(np.eye(3), 2, 4)
    with pytest.raises(ValueError, match="tap=None"):
        merge_coder(np.ones((3, 4, 2, 2)), np.eye(2))
