"""OpenVINO: a format of its own, and it runs the ONNX files of integers.

Integers want the hint below; those of a twin that pads the channels of its
shortcuts OpenVINO refuses.
"""

import keras
import numpy as np
import pytest

import keras_pnnh
from keras_pnnh.applications import PlainMobileNet, PlainResNet
from keras_pnnh.deployment import run_file

openvino = pytest.importorskip("openvino")

WRITES = keras.backend.backend() in ("tensorflow", "torch")
pytestmark = pytest.mark.skipif(not WRITES, reason="others write it")
SMALL = {"input_shape": (16, 16, 3), "classes": 3}


@pytest.fixture
def twin():
    return PlainResNet((1, 1), (4, 8), internal_path="residual", **SMALL)


def test_metadata_and_joins_of_a_twin(twin, tmp_path):
    report = keras_pnnh.export(
        twin,
        tmp_path / "net",
        "openvino",
        labels=("ant", "bee", "cat"),
        preprocessing="none: pixels from 0 to 255",
    )
    assert report.joins == 2  # one for each block
    graph = tmp_path / "net" / "network.xml"
    assert not keras_pnnh.audit(graph).plain
    network = openvino.Core().read_model(graph)
    assert network.get_rt_info(["keras_pnnh", "labels"]).value == (
        '["ant", "bee", "cat"]'
    )
    assert "pixels" in (
        network.get_rt_info(["keras_pnnh", "preprocessing"]).value
    )


def test_a_chain_has_no_joins_and_any_batch_or_one(tmp_path):
    chain = PlainResNet((1, 1), (4, 8), **SMALL)
    for batch_size in (None, 1):
        report = keras_pnnh.export(
            chain, tmp_path / "net", "openvino", batch_size=batch_size
        )
        assert report.joins == 0 and report.relative_difference < 1e-4
        found = run_file(tmp_path / "net", "openvino", np.ones((3, 16, 16, 3)))
        assert found.shape == (3, 3)


@pytest.mark.parametrize("damage", ["not xml", "<net/>", "<layers></layers>"])
def test_a_damaged_graph_is_told(damage, tmp_path):
    (tmp_path / "network.xml").write_text(damage)
    with pytest.raises(ValueError, match="format OpenVINO must be complete"):
        keras_pnnh.audit(tmp_path / "network.xml")


@pytest.mark.slow
@pytest.mark.torch_only
@pytest.mark.parametrize(
    "name", ["chain", pytest.param("mobilenet", marks=pytest.mark.full_only)]
)
def test_convolutions_are_of_integers(name, tmp_path):
    networks = {
        "chain": lambda: PlainResNet((1, 1), (4, 8), **SMALL),
        "mobilenet": lambda: PlainMobileNet(
            (1, 2), (8, 8), (1, 2), stem_filters=8, last_filters=16,
            stem="3x3", **SMALL,
        ),
    }  # fmt: skip
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).uniform(0, 255, (24, 16, 16, 3))
    images = images.astype("float32")
    path = tmp_path / "network"
    model = networks[name]()
    keras_pnnh.export(model, path, "openvino_int8", representative=images)
    compiled = openvino.Core().compile_model(
        path / "network.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(compiled(images)[0], expected, atol=0.03)
    kinds = [
        node.get_rt_info()["runtimePrecision"].value
        for node in compiled.get_runtime_model().get_ops()
        if node.get_rt_info()["layerType"].value == "Convolution"
    ]
    assert len(kinds) > 3 and {*kinds} <= {"i8", "u8"}
