"""Tensors become bytes and come back."""

import matplotlib.image
import numpy as np
import pytest

import keras_pnnh
from keras_pnnh.applications import PlainResNet
from keras_pnnh.deployment import pack, plot_cuts, unpack

pytestmark = pytest.mark.torch_only

VALUES = np.random.default_rng(0).normal(0, 3, (1, 4, 4, 8))


@pytest.mark.parametrize(
    ("dtype", "size", "error"),
    [("float32", 512, 1e-6), ("float16", 256, 5e-3), ("int8", 128, 0.05)],
)
def test_values_come_back(dtype, size, error):
    content = pack(VALUES, dtype)
    assert 0 < len(content) - size < 32
    again = unpack(content)
    assert again.dtype == np.float32 and again.shape == VALUES.shape
    assert np.abs(again - VALUES).max() < error


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 3)])
def test_odd_tensors_come_back(shape, dtype):
    np.testing.assert_array_equal(
        unpack(pack(np.full(shape, -2.0), dtype)), np.full(shape, -2.0)
    )


def test_the_ends_of_the_range_are_exact_in_int8():
    again = unpack(pack(np.array([-1.0, 0.3, 5.0]), "int8"))
    assert again[0] == -1.0 and abs(again[2] - 5.0) < 1e-5


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(value):
    with pytest.raises(ValueError, match="must be finite"):
        pack(np.array([1.0, value]), "int8")


def test_float16_overflows_in_a_sentence():
    with pytest.raises(ValueError, match="up to 65,504. Received: .* 100,000"):
        pack(np.array([1e5]))
    assert unpack(pack(np.array([1e5]), "int8")) == 1e5


def test_unknown_dtypes():
    with pytest.raises(ValueError, match="'float32', 'float16', 'int8'"):
        pack(VALUES, "uint8")


@pytest.mark.parametrize(
    "content", [b"", b"GET / HTTP/1.1", pack(VALUES)[:-1], pack(VALUES) + b"0"]
)
def test_other_bytes_are_refused(content):
    with pytest.raises(ValueError, match="none, or not all"):
        unpack(content)


def test_the_picture(tmp_path):
    model = PlainResNet((1,), (4,), input_shape=(8, 8, 3))
    twin = PlainResNet(
        (1,), (4,), input_shape=(8, 8, 3), internal_path="residual"
    )
    models = {"chain": keras_pnnh.fold(model), "twin": keras_pnnh.fold(twin)}
    plot_cuts(models, tmp_path / "cuts.png")
    assert matplotlib.image.imread(tmp_path / "cuts.png").std() > 0
    with pytest.raises(ValueError, match="at least one model"):
        plot_cuts({}, tmp_path / "cuts.png")
    open_size = PlainResNet((1,), (4,), include_top=False)
    with pytest.raises(ValueError, match="of one size. Received"):
        plot_cuts({"open": open_size}, tmp_path / "cuts.png")
