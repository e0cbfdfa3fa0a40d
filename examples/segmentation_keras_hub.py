"""A DeepLabV3+ of keras-hub on a plain backbone labels every pixel.

Run:      python examples/segmentation_keras_hub.py
          ... --backbone imagenet  (PlainResNet50 with ImageNet weights)
Smoke:    python examples/segmentation_keras_hub.py --smoke
Needs:    the extra hub; TensorFlow or torch.
Measured: not measured.

The scenes are those of rectangles.py: which pixel belongs to a
rectangle of which colour. keras-hub's own metric wants masks with one channel a
class, so they have.
"""

import keras
import keras_hub
import numpy as np
from rectangles import (
    COLOURS,
    SIZE,
    make_encoder,
    make_parser,
    read_options,
    scenes,
)

CLASSES = len(COLOURS) + 1  # and the ground


def main():
    options = read_options(make_parser(__doc__))
    keras.utils.set_random_seed(0)
    segmenter = build(options.backbone)
    segmenter.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.CategoricalCrossentropy(from_logits=False),
        metrics=["accuracy"],
    )
    images, boxes = scenes(options.images, seed=0)
    segmenter.fit(
        images,
        masks(boxes),
        batch_size=options.batch_size,
        epochs=options.epochs,
        verbose=0,
    )
    unseen, boxes = scenes(4, seed=1)
    _, accuracy = segmenter.evaluate(
        unseen, masks(boxes), batch_size=2, verbose=0
    )
    print(f"right pixels of unseen scenes: {100 * accuracy:.1f} %")


def build(backbone):
    encoder = make_encoder(backbone)
    pyramid = keras_hub.models.DeepLabV3Backbone(
        image_encoder=encoder,
        spatial_pyramid_pooling_key="P5",
        low_level_feature_key="P2",
        upsampling_size=8,
        dilation_rates=[1, 2, 3],
        image_shape=(SIZE, SIZE, 3),
    )
    return keras_hub.models.DeepLabV3ImageSegmenter(
        pyramid, num_classes=CLASSES, activation="softmax"
    )


def masks(boxes):
    """`(n, height, width, classes)` with a one for each pixel."""
    kinds = np.zeros((len(boxes["labels"]), SIZE, SIZE), int)
    for number, (corners, labels) in enumerate(
        zip(boxes["boxes"].astype(int), boxes["labels"], strict=True)
    ):
        for (left, top, right, bottom), label in zip(
            corners, labels, strict=True
        ):
            if label >= 0:
                kinds[number, top:bottom, left:right] = int(label) + 1
    return np.eye(CLASSES, dtype="float32")[kinds]


if __name__ == "__main__":
    main()
