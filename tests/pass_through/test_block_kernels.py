"""The algebra of "reserve and merge", in float64 to 1e-10."""

import numpy as np
import pytest

from keras_pnnh.pass_through.block_kernels import (
    KernelBlock,
    assemble_kernel,
    window,
)
from keras_pnnh.theory import shortcut_tap


def convolve(x, kernel, strides, before, outputs):
    """A convolution by its definition; `x` is `(height, width, cin)`."""
    height, width, _, cout = kernel.shape
    result = np.zeros((*outputs, cout))
    for row in range(outputs[0]):
        for column in range(outputs[1]):
            for i in range(height):
                for j in range(width):
                    y = row * strides + i - before[0]
                    z = column * strides + j - before[1]
                    if 0 <= y < x.shape[0] and 0 <= z < x.shape[1]:
                        result[row, column] += x[y, z] @ kernel[i, j]
    return result


def relu(x):
    return np.maximum(x, 0)


def residual_block(rng, size, strides, padding):
    """Two 3x3 convolutions and a projection, and where they begin."""
    first, second = rng.normal(size=(2, 3, 3, 4, 4))
    projection = rng.normal(size=(1, 1, 4, 4))
    before = tuple(shortcut_tap(n, 3, strides, padding) for n in size)
    return first, second, projection, before


@pytest.mark.parametrize("size", [(8, 7), (5, 6)])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("padding", ["same", "symmetric"])
def test_a_residual_block_is_two_layers_of_a_chain(size, strides, padding):
    rng = np.random.default_rng(0)
    first, second, projection, before = residual_block(
        rng, size, strides, padding
    )
    x = relu(rng.normal(size=(*size, 4)))
    outputs = tuple(-(-n // strides) for n in size)
    learner = convolve(x, first, strides, before, outputs)
    learner = convolve(relu(learner), second, 1, (1, 1), outputs)
    shortcut = convolve(x, projection, strides, (0, 0), outputs)
    expected = relu(learner + shortcut)

    dirac = np.eye(4)[None, None]
    reserve = assemble_kernel(
        [KernelBlock(first, 0, 0, before), KernelBlock(dirac, 0, 4)], 4, 8
    )
    merge = assemble_kernel(
        [KernelBlock(second, 0, 0, (1, 1)), KernelBlock(projection, 4, 0)],
        8,
        4,
    )
    chain = relu(convolve(x, reserve, strides, before, outputs))
    chain = relu(convolve(chain, merge, 1, (1, 1), outputs))
    np.testing.assert_allclose(chain, expected, rtol=1e-10, atol=1e-10)
    # The tap that carries is that of the shortcut, not always the centre.
    np.testing.assert_array_equal(reserve[*before, :, 4:], np.eye(4))
    assert np.count_nonzero(reserve[..., 4:]) == 4


def test_a_signed_stream_passes_rectifiers_as_a_pair():
    """With a clip at 6 on the learner: `relu(6 - relu(6 - a))`."""
    rng = np.random.default_rng(0)
    x = 5 * rng.normal(size=(4, 4, 3))
    expand = rng.normal(size=(1, 1, 3, 5))
    project = rng.normal(size=(1, 1, 5, 3))
    learner = convolve(x, expand, 1, (0, 0), (4, 4))
    assert learner.max() > 6 > 0 > learner.min()
    expected = convolve(learner.clip(0, 6), project, 1, (0, 0), (4, 4)) + x

    dirac = np.eye(3)[None, None]
    reserve = assemble_kernel(
        [
            KernelBlock(-expand, 0, 0),
            KernelBlock(dirac, 0, 5),
            KernelBlock(-dirac, 0, 8),
        ],
        3,
        11,
    )
    merge = assemble_kernel(
        [
            KernelBlock(project, 0, 0),
            KernelBlock(dirac, 5, 0),
            KernelBlock(-dirac, 8, 0),
        ],
        11,
        3,
    )
    turned = np.array([-1.0] * 5 + [1.0] * 6)
    clip = np.array([6.0] * 5 + [0.0] * 6)
    chain = relu(convolve(x, reserve, 1, (0, 0), (4, 4)) + clip)
    chain = relu(chain * turned + clip)
    chain = convolve(chain, merge, 1, (0, 0), (4, 4))
    np.testing.assert_allclose(chain, expected, rtol=1e-10, atol=1e-10)


def test_windows_are_aligned_at_the_pixel_of_the_output():
    rng = np.random.default_rng(0)
    small, large = rng.normal(size=(2, 2, 1, 1)), rng.normal(size=(3, 3, 1, 1))
    blocks = [
        KernelBlock(small, 0, 0, (0, 1), (2, 3)),
        KernelBlock(large, 1, 0, (1, 1)),
        KernelBlock(np.ones((1, 1, 1, 1)), 0, 0, (-4, 0)),
    ]
    kernel = assemble_kernel(blocks, 2, 1)
    assert kernel.shape == (6, 4, 2, 1)
    x = rng.normal(size=(9, 8, 2))
    got = convolve(x, kernel, 1, (1, 1), (5, 6))
    want = convolve(x[..., 1:], large, 1, (1, 1), (5, 6))
    want += x[4:, :6, :1]
    dilated = np.zeros((3, 4, 1, 1))
    dilated[::2, ::3] = small
    want += convolve(x[..., :1], dilated, 1, (0, 1), (5, 6))
    np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10)
    assert window([0, 1, -4], [2, 3, 1], [2, 1, 1]) == (1, 6)


def test_a_block_outside_the_layer():
    block = KernelBlock(np.zeros((1, 1, 2, 2)), 3, 0)
    with pytest.raises(ValueError, match=r"\(1, 1, 2, 2\) from channel 3"):
        assemble_kernel([block], 4, 2)
