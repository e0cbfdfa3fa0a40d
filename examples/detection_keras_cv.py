"""A RetinaNet of keras-cv on a plain backbone finds coloured rectangles.

Run:      python examples/detection_keras_cv.py
          ... --backbone imagenet  (PlainResNet50 with ImageNet weights)
Smoke:    python examples/detection_keras_cv.py --smoke
Needs:    the extra cv and TensorFlow (the last release of keras-cv, 0.9.0 of
          2024, needs it on every backend). For new work take keras-hub:
          `examples/detection_keras_hub.py`.
Measured: not measured: replace `scenes` by your images to learn more than
          rectangles.
"""

import keras
import keras_cv
import numpy as np
from rectangles import COLOURS, make_encoder, make_parser, read_options, scenes


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--output", default="detector.keras")
    options = read_options(parser)
    keras.utils.set_random_seed(0)
    detector = build(options.backbone)
    detector.compile(
        classification_loss="focal",
        box_loss="smoothl1",
        optimizer=keras.optimizers.Adam(1e-3, global_clipnorm=10.0),
    )
    images, boxes = scenes(options.images, seed=0)
    boxes["classes"] = boxes.pop("labels")
    history = detector.fit(
        images,
        boxes,
        batch_size=options.batch_size,
        epochs=options.epochs,
        verbose=0,
    )
    print(f"loss: {history.history['loss'][-1]:.3f}")
    detector.save(options.output)
    again = keras.saving.load_model(options.output)
    unseen, _ = scenes(2, seed=1)
    difference = max(
        float(np.abs(np.asarray(a) - np.asarray(b)).max())
        for a, b in zip(
            keras.tree.flatten(detector(unseen)),
            keras.tree.flatten(again(unseen)),
            strict=True,
        )
    )
    print(f"loaded again, the detector differs by {difference:g}")
    found = again.predict(unseen, verbose=0)
    for number in range(len(unseen)):
        count = int(np.sum(found["confidence"][number] > 0.5))
        print(f"image {number}: {count} boxes with a confidence above 0.5")


def build(backbone):
    encoder = make_encoder(backbone)
    return keras_cv.models.RetinaNet(
        num_classes=len(COLOURS),
        bounding_box_format="xyxy",
        backbone=encoder,
    )


if __name__ == "__main__":
    main()
