"""Images of coloured rectangles with their boxes, for the detectors.

Boxes are `[left, top, right, bottom]` in pixels; where an image has fewer than
the others, label -1 fills up.
"""

import numpy as np

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
