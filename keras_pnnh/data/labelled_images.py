"""Labelled images in memory."""

from typing import Any, NamedTuple

import numpy as np


class LabelledImages(NamedTuple):
    """Images of one size with their classes.

    Attributes:
        images: `(n, height, width, channels)` uint8, values 0 to 255; an
            `ImageFiles` where they are streamed.
        labels: `(n,)` integers, indices into `class_names`.
        class_names: Names of the classes.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.data import LabelledImages
    >>> images = np.zeros((2, 8, 8, 3), "uint8")
    >>> data = LabelledImages(images, np.array([0, 1]), ("cat", "dog"))
    >>> data.class_names[data.labels[1]]
    'dog'
    """

    images: Any  # an array, or what is indexed and has a shape like one
    labels: np.ndarray
    class_names: tuple[str, ...]

    def split(
        self, share: float, seed: int
    ) -> tuple["LabelledImages", "LabelledImages"]:
        """Part off a random share, the same share of every class.

        Args:
            share: Share of the images in the second part, in [0, 1).
            seed: Seed of the choice.

        Returns:
            Two `LabelledImages`: the rest and the share.

        Raises:
            ValueError: If a class is left empty in the rest.

        Example:

        >>> import numpy as np
        >>> from keras_pnnh.data import LabelledImages
        >>> images = np.zeros((8, 4, 4, 3), "uint8")
        >>> data = LabelledImages(images, np.arange(8) % 2, ("cat", "dog"))
        >>> rest, share = data.split(0.25, seed=0)
        >>> len(rest.labels), len(share.labels)
        (6, 2)
        """
        generator = np.random.default_rng(seed)
        held_out = np.zeros(len(self.labels), bool)
        for label in range(len(self.class_names)):
            members = np.flatnonzero(self.labels == label)
            count = round(share * len(members))
            if count == len(members):
                raise ValueError(
                    "Every class needs at least one image to train on. "
                    f"Received: class '{self.class_names[label]}' with "
                    f"{len(members)} images, {count} of them held out. Add "
                    "images or lower the validation split."
                )
            held_out[generator.permutation(members)[:count]] = True
        return self.subset(~held_out), self.subset(held_out)

    def subset(self, chosen: np.ndarray) -> "LabelledImages":
        """Some of the images; streamed ones stay in their files.

        Args:
            chosen: Booleans or numbers, as an array is indexed.
        """
        take = getattr(self.images, "subset", self.images.__getitem__)
        return self._replace(images=take(chosen), labels=self.labels[chosen])
