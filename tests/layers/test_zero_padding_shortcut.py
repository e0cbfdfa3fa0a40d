import numpy as np
import pytest
from harness import check_layer, to_numpy

from keras_pnnh.layers import ZeroPaddingShortcut


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_is_a_well_behaved_layer(tmp_path, data_format):
    kwargs = {"filters": 7, "strides": 2, "data_format": data_format}
    shape = (4, 3, 5, 6) if data_format == "channels_first" else (4, 5, 6, 3)
    check_layer(ZeroPaddingShortcut, kwargs, [shape], 0, tmp_path)


@pytest.mark.parametrize("filters", [3, 5])
@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("size", [(6, 6), (5, 7), (1, 2)])
def test_subsamples_and_adds_zeros(size, strides, filters):
    x = normal(2, *size, 3)
    outputs = to_numpy(ZeroPaddingShortcut(filters, strides)(x))
    assert outputs.shape[-1] == filters
    np.testing.assert_array_equal(outputs[..., :3], x[:, ::strides, ::strides])
    np.testing.assert_array_equal(outputs[..., 3:], 0)
    first = ZeroPaddingShortcut(filters, strides, "channels_first")
    swapped = to_numpy(first(np.moveaxis(x, -1, 1)))
    np.testing.assert_array_equal(np.moveaxis(swapped, 1, -1), outputs)


def test_cannot_drop_channels():
    rule = "only add channels. Received: inputs with 3 channels, filters=2"
    with pytest.raises(ValueError, match=rule):
        ZeroPaddingShortcut(2)(normal(2, 4, 4, 3))


@pytest.mark.parametrize(
    ("kwargs", "rule", "received"),
    [
        ({"filters": 0}, "`filters` must be a positive", "filters=0"),
        ({"strides": 1.5}, "`strides` must be a positive", "strides=1.5"),
        ({"data_format": "first"}, "channels_first", "data_format='first'"),
    ],
)
def test_arguments_out_of_range(kwargs, rule, received):
    with pytest.raises(ValueError) as error:
        ZeroPaddingShortcut(**{"filters": 4, **kwargs})
    assert rule in str(error.value)
    assert f"Received: {received}" in str(error.value)
