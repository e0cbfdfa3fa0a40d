"""A RetinaNet of keras-hub on a plain backbone finds coloured rectangles.

Run:      python examples/detection_keras_hub.py
          ... --backbone imagenet  (PlainResNet50 with ImageNet weights)
Smoke:    python examples/detection_keras_hub.py --smoke
Needs:    the extra hub; TensorFlow or torch.
Measured: not measured: replace `scenes` by your images to learn more than
          rectangles.
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


def main():
    options = read_options(make_parser(__doc__))
    keras.utils.set_random_seed(0)
    detector = build(options.backbone)
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
    encoder = make_encoder(backbone)
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
