"""A tiny `imagenet2012`, prepared in a folder: `python ... FOLDER [FORMAT]`.

The real data set's name, version and thousand classes, and pictures made up.
"""

import sys

import numpy as np
import tensorflow_datasets as tfds

IMAGES = {"train": 18, "validation": 6}


class Imagenet2012(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("5.1.0")

    def _info(self):
        names = [f"n{number:08d}" for number in range(1000)]
        features = {
            "image": tfds.features.Image(encoding_format="jpeg"),
            "label": tfds.features.ClassLabel(names=names),
            "file_name": tfds.features.Text(),
        }
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features)
        )

    def _split_generators(self, manager):
        return {part: self._generate_examples(part) for part in IMAGES}

    def _generate_examples(self, part):
        generator = np.random.default_rng(len(part))
        for number in range(IMAGES[part]):
            shape = (90 + number, 120, 3)
            yield (
                f"{number}.jpg",
                {
                    "image": generator.integers(0, 256, shape, np.uint8),
                    "label": int(generator.integers(1000)),
                    "file_name": f"{number}.jpg",
                },
            )


if __name__ == "__main__":
    folder, *more = sys.argv[1:]
    form = more[0] if more else "array_record"
    Imagenet2012(data_dir=folder, file_format=form).download_and_prepare()
