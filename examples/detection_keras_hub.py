"""A RetinaNet of keras-hub on a plain backbone finds coloured rectangles.

Run:      python examples/detection_keras_hub.py
          ... --backbone imagenet  (PlainResNet50 with ImageNet weights)
Smoke:    python examples/detection_keras_hub.py --smoke
Needs:    the extra hub; TensorFlow or torch.
Measured: not measured: replace `scenes` by your images to learn more than
          rectangles.
"""

import argparse

import keras
import keras_hub
import numpy as np
from rectangles import COLOURS, SIZE, scenes

from keras_pnnh.applications import PlainResNet, PlainResNet50


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", choices=("small", "imagenet"))
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    if options.smoke:
        options.images, options.epochs, options.batch_size = 4, 1, 2
    keras.utils.set_random_seed(0)
    detector = build(options.backbone or "small")
    detector.compile(optimizer=keras.optimizers.Adam(1e-3), box_loss="auto")
    images, boxes = scenes(options.images, seed=0)
    history = detector.fit(
        images,
        boxes,
        batch_size=options.batch_size,
        epochs=options.epochs,
        verbose=0,
    )
    print(f"loss: {history.history['loss'][-1]:.3f}")
    unseen, _ = scenes(2, seed=1)
    found = detector.predict(unseen, verbose=0)
    for number in range(len(unseen)):
        count = int(np.sum(found["confidence"][number] > 0.5))
        print(f"image {number}: {count} boxes with a confidence above 0.5")


def build(backbone):
    arguments = {"include_top": False, "input_shape": (None, None, 3)}
    if backbone == "imagenet":
        encoder = PlainResNet50(weights="imagenet", **arguments)
    else:
        encoder = PlainResNet(
            (1, 1, 1, 1), (8, 16, 24, 32), stem="7x7_pool", **arguments
        )
    pyramid = keras_hub.models.RetinaNetBackbone(
        image_encoder=encoder,
        min_level=3,
        max_level=6,
        use_p5=False,
        image_shape=(SIZE, SIZE, 3),
    )
    return keras_hub.models.RetinaNetObjectDetector(
        pyramid, num_classes=len(COLOURS), pre_logits_num_conv_layers=1
    )


if __name__ == "__main__":
    main()
