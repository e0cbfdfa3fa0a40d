"""Cropped images of the next steps, decoded while the device computes."""

from typing import Any

import numpy as np

from keras_pnnh.data.image_files import ImageFiles
from keras_pnnh.data.order import IndexPlan


class PrefetchedCrops:
    """Random crops of streamed images, a few steps ahead.

    The crop and the mirroring of an image are drawn from seed, epoch, step
    and its place in the batch, so neither the number of shards nor that of
    threads changes them.

    Args:
        files: `ImageFiles`.
        plan: `IndexPlan`.
        least_area: Least share of an image that a crop keeps; 0 takes the
            centre, as in evaluation.
        flip: Whether to mirror every second image.
        whole: Whether to read the batch of all shards, for what mixes its
            images.
        ahead: Steps that are decoded in advance.
    """

    def __init__(
        self,
        files: ImageFiles,
        plan: IndexPlan,
        least_area: float,
        flip: bool,
        whole: bool = False,
        ahead: int = 2,
    ) -> None:
        self.files = files
        self.plan = plan
        self.least_area = least_area
        self.flip = flip
        self.whole = whole
        self.places: Any = range(plan.batch_size)
        if not whole:
            self.places = self.places[plan.part]
        self.ahead = ahead
        self._pending: dict[tuple[int, int], tuple[np.ndarray, list[Any]]] = {}

    def take(self, epoch: int, step: int) -> np.ndarray:
        """Images of a step.

        Returns:
            `(n, height, width, 3)` uint8 array.

        Raises:
            ValueError: If a file cannot be decoded; it is named.
        """
        wanted = [(epoch, step)]
        for _ in range(self.ahead):
            epoch, step = wanted[-1]
            last = step + 1 == self.plan.steps
            wanted.append((epoch + 1, 0) if last else (epoch, step + 1))
        # A step that nobody asks for any more, such as after a resume.
        for key in set(self._pending) - set(wanted):
            for future in self._pending.pop(key)[1]:
                future.cancel()
        for key in wanted:
            if key not in self._pending:
                self._pending[key] = self._start(*key)
        images, futures = self._pending.pop(wanted[0])
        for future in futures:
            _result(future)
        return images

    def _start(self, epoch, step):
        chosen = self.plan.batch(epoch, step).tolist()
        images = np.empty((len(self.places), *self.files.size, 3), np.uint8)
        seed = (self.plan.seed, epoch, step)

        def fill(row, place):
            generator = np.random.default_rng((*seed, place))
            images[row] = self.files.crop(
                chosen[place], self.least_area, self.flip, generator
            )

        submit = self.files.pool.submit
        return images, [
            submit(fill, row, place) for row, place in enumerate(self.places)
        ]


def _result(future):
    try:
        return future.result()
    except ValueError as error:
        raise ValueError(
            f"{error} With `skip_bad`, streaming reads every file once at the "
            "beginning and leaves out the bad ones."
        ) from error
