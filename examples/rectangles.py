"""Images of coloured rectangles, and what the examples on them share.

Boxes are `[left, top, right, bottom]` in pixels; where an image has fewer than
the others, label -1 fills up.
"""

import argparse

import numpy as np

from keras_pnnh.applications import PlainResNet, PlainResNet50

SIZE = 128
COLOURS = ((255, 60, 60), (60, 255, 60), (60, 60, 255))


def scenes(count, seed, most=3):
    """Images with one to three rectangles on noise, and their boxes."""
    generator = np.random.default_rng(seed)
    images = generator.uniform(0, 120, (count, SIZE, SIZE, 3))
    boxes = np.zeros((count, most, 4), "float32")
    labels = np.full((count, most), -1.0, "float32")
    for number in range(count):
        for box in range(generator.integers(1, most + 1)):
            height, width = generator.integers(16, SIZE // 2, 2)
            top = generator.integers(SIZE - height)
            left = generator.integers(SIZE - width)
            label = generator.integers(len(COLOURS))
            rows, columns = slice(top, top + height), slice(left, left + width)
            images[number, rows, columns] = COLOURS[label]
            boxes[number, box] = left, top, left + width, top + height
            labels[number, box] = label
    return images.astype("float32"), {"boxes": boxes, "labels": labels}


def make_encoder(backbone):
    """A plain ResNet without its top: a small one, or one of ImageNet."""
    arguments = {"include_top": False, "input_shape": (None, None, 3)}
    if backbone == "imagenet":
        return PlainResNet50(weights="imagenet", **arguments)
    return PlainResNet(
        (1, 1, 1, 1), (8, 16, 24, 32), stem="7x7_pool", **arguments
    )


def make_parser(text):
    """The options of every example, explained by its first line."""
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument(
        "--backbone", choices=("small", "imagenet"), default="small"
    )
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--smoke", action="store_true", help="one quick epoch")
    return parser


def read_options(parser):
    options = parser.parse_args()
    if options.smoke:
        options.images, options.epochs, options.batch_size = 4, 1, 2
    return options
