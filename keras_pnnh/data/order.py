"""Which images a step takes, as a function of seed, epoch and step alone."""

import functools
from typing import Any

import numpy as np


class IndexPlan:
    """Order of the images of every epoch, cut into batches and shards.

    Every epoch has an order of its own. What fills no batch is left out of
    an epoch; the next one leaves out others. Nothing is remembered from one
    step to the next, so a run can go on anywhere, on any number of shards
    that divides the batch.

    Args:
        size: Number of images.
        batch_size: Images of a step, those of all shards together.
        seed: Seed of the order.
        shard: Number of this shard, from 0.
        shards: Number of shards, each of which reads its part of a batch.

    Raises:
        ValueError: If the shards do not divide a batch, there is no such
            shard, or the images fill no batch.

    Example:

    >>> import numpy as np
    >>> from keras_pnnh.data.order import IndexPlan
    >>> plans = [IndexPlan(10, 4, seed=0, shard=i, shards=2) for i in (0, 1)]
    >>> plans[0].steps, plans[0].left_out
    (2, 2)
    >>> read = [plan.indices(0, step) for plan in plans for step in range(2)]
    >>> len(set(np.concatenate(read).tolist()))
    8
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        seed: int = 0,
        shard: int = 0,
        shards: int = 1,
    ) -> None:
        if not 1 <= batch_size <= size:
            raise ValueError(
                "A batch must hold at least one image and at most all of "
                f"them. Received: batch_size={batch_size} with {size} images."
            )
        if shards < 1 or batch_size % shards:
            raise ValueError(
                "`batch_size` must be a multiple of the number of shards. "
                f"Received: batch_size={batch_size} with shards={shards}."
            )
        if not 0 <= shard < shards:
            raise ValueError(
                f"`shard` must be a number from 0 to {shards - 1}. Received: "
                f"shard={shard}."
            )
        self.size = size
        self.batch_size = batch_size
        self.seed = seed
        part = batch_size // shards
        self.part: Any = slice(shard * part, (shard + 1) * part)
        # The batches of an epoch share an order; two at a change of epochs.
        self._order = functools.lru_cache(2)(self._draw)

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.size // self.batch_size

    @property
    def left_out(self) -> int:
        """Images that an epoch leaves out, other ones in every epoch."""
        return self.size % self.batch_size

    def batch(self, epoch: int, step: int) -> np.ndarray:
        """Images of a step, those of all shards.

        Args:
            epoch: Number of the epoch, from 0.
            step: Number of the step in it, from 0.

        Returns:
            `(batch_size,)` integers.
        """
        if not 0 <= step < self.steps:
            raise IndexError(
                f"`step` must be a number from 0 to {self.steps - 1}. "
                f"Received: step={step}."
            )
        first = step * self.batch_size
        return self._order(epoch)[first : first + self.batch_size]

    def indices(self, epoch: int, step: int) -> np.ndarray:
        """Images of a step that this shard must read, see `batch`."""
        return self.batch(epoch, step)[self.part]

    def _draw(self, epoch):
        return np.random.default_rng((self.seed, epoch)).permutation(self.size)
