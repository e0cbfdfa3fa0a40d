"""Our networks inside the models of keras-hub, with the real keras-hub.

Its import takes as long as all else here, so one backend does; the others were
tried by hand.
"""

import importlib.util

import keras
import numpy as np
import pytest
from harness import randomize, to_numpy

from keras_pnnh.applications import PlainResNet

pytestmark = [
    pytest.mark.slow,
    pytest.mark.torch_only,
    pytest.mark.skipif(
        importlib.util.find_spec("keras_hub") is None,
        reason="needs the extra `hub`",
    ),
    # Of its own dependencies.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def hub():
    # Not at the top: every worker of pytest collects, one runs this.
    import keras_hub

    return keras_hub


@pytest.fixture
def backbone():
    model = PlainResNet(
        (1, 1, 1, 1),
        (4, 4, 6, 8),
        include_top=False,
        stem="7x7_pool",
        input_shape=(None, None, 3),
    )
    randomize(model, seed=1)
    return model


@pytest.fixture
def photographs():
    generator = np.random.default_rng(0)
    return generator.uniform(0, 255, (2, 64, 64, 3)).astype("float32")


def check_preset(task, images, folder):
    """Saved and loaded, a task gives equal outputs."""
    randomize(task, seed=2)
    expected = keras.tree.map_structure(to_numpy, task(images))
    task.save_to_preset(folder)
    loaded = type(task).from_preset(str(folder))
    outputs = keras.tree.map_structure(to_numpy, loaded(images))
    keras.tree.map_structure(np.testing.assert_array_equal, outputs, expected)
    assert loaded.count_params() == task.count_params()
    return loaded


def test_image_classifier(hub, backbone, photographs, tmp_path):
    task = hub.models.ImageClassifier(backbone=backbone, num_classes=3)
    assert task(photographs).shape == (2, 3)
    loaded = check_preset(task, photographs, tmp_path / "preset")
    assert type(loaded.backbone) is PlainResNet
    assert loaded.backbone.get_config() == backbone.get_config()
    before = loaded.backbone.get_layer("stem_conv").get_weights()[0]
    loaded.compile(keras.optimizers.SGD(0.01))
    history = loaded.fit(photographs, np.arange(2), verbose=0, shuffle=False)
    assert np.isfinite(history.history["loss"]).all()
    after = loaded.backbone.get_layer("stem_conv").get_weights()[0]
    assert np.abs(after - before).max() > 0


def test_segmenter(hub, backbone, photographs, tmp_path):
    pyramid = hub.models.DeepLabV3Backbone(
        image_encoder=backbone,
        spatial_pyramid_pooling_key="P5",
        low_level_feature_key="P2",
        upsampling_size=8,
        dilation_rates=[1, 2],
        image_shape=(64, 64, 3),
    )
    task = hub.models.DeepLabV3ImageSegmenter(pyramid, num_classes=3)
    assert task(photographs).shape == (2, 64, 64, 3)
    loaded = check_preset(task, photographs, tmp_path / "preset")
    assert type(loaded.backbone.image_encoder) is PlainResNet


def test_detector(hub, backbone, photographs, tmp_path):
    pyramid = hub.models.RetinaNetBackbone(
        image_encoder=backbone,
        min_level=3,
        max_level=6,
        use_p5=False,
        image_shape=(64, 64, 3),
    )
    task = hub.models.RetinaNetObjectDetector(
        pyramid, num_classes=3, pre_logits_num_conv_layers=1
    )
    anchors = 9 * (8 * 8 + 4 * 4 + 2 * 2 + 1)
    outputs = task(photographs)
    assert outputs["cls_logits"].shape == (2, anchors, 3)
    assert outputs["bbox_regression"].shape == (2, anchors, 4)
    loaded = check_preset(task, photographs, tmp_path / "preset")
    assert type(loaded.backbone.image_encoder) is PlainResNet
    boxes = {
        "boxes": np.array([[[4.0, 4.0, 40.0, 40.0]]] * 2, "float32"),
        "labels": np.array([[1.0], [2.0]], "float32"),
    }
    loaded.compile(optimizer=keras.optimizers.SGD(0.01), box_loss="auto")
    history = loaded.fit(photographs, boxes, verbose=0, shuffle=False)
    assert np.isfinite(history.history["loss"]).all()
