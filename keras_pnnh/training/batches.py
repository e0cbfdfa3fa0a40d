"""Shuffled, augmented batches that depend on seed, epoch and step alone."""

import time
from typing import Any

import keras
import numpy as np

from keras_pnnh.data import LabelledImages
from keras_pnnh.data.image_files import ImageFiles
from keras_pnnh.data.order import IndexPlan
from keras_pnnh.data.prefetch import PrefetchedCrops
from keras_pnnh.data_format import as_data_format
from keras_pnnh.training import devices, hosts
from keras_pnnh.training.mixing import mix, resized_crops
from keras_pnnh.training.rand_augment import check_installed, rand_augment
from keras_pnnh.training.recipe import CROP_FILLS, Recipe


class TrainingBatches(keras.utils.PyDataset):
    """Batches of one epoch after another.

    Order and augmentation of a batch are drawn from `(seed, epoch, step)`, so
    a resumed run sees what the unbroken one would have seen.

    Args:
        data: `LabelledImages`.
        recipe: `Recipe`; batch size, crop and flip are used.
        seed: Seed of the run.
        data_format: Data format of the model.

    If several processes share a batch, each one gets its part, in the order
    of the processes.

    Raises:
        ValueError: If the devices do not divide a batch, or there is no image
            for each of them.
    """

    def __init__(
        self,
        data: LabelledImages,
        recipe: Recipe,
        seed: int,
        data_format: str = "channels_last",
    ) -> None:
        super().__init__()
        self.data = data
        self.batch_size: int = _batch_size(recipe.batch_size, len(data.labels))
        self.plan: Any = IndexPlan(
            len(data.labels),
            self.batch_size,
            seed,
            hosts.number(),
            hosts.count(),
        )
        self.recipe = recipe
        self.seed = seed
        self.epoch = 0
        self.seconds: Any = 0.0  # that making batches took
        self.first_step = 0  # of an epoch that is gone on with
        self.data_format = data_format
        streamed = isinstance(data.images, ImageFiles)
        with hosts.undistributed():
            self.augmentations = _augmentations(
                recipe, data.images.shape[1:3], flip=not streamed
            )
        self.crops: Any = None
        if streamed:
            # What draws for a batch, or mixes it, needs that of all hosts.
            together = self.augmentations or recipe.mixup or recipe.cutmix
            self.crops = PrefetchedCrops(
                data.images,
                self.plan,
                recipe.crop_area,
                recipe.flip,
                whole=bool(together),
            )

    def __len__(self) -> int:
        # The last, smaller batch is left out: its batch-norm statistics would
        # be noisier, and a second shape would be compiled.
        return self.steps - self.first_step

    @property
    def steps(self) -> int:
        """Steps of a whole epoch."""
        return self.plan.steps

    @property
    def left_out(self) -> int:
        """Images that an epoch leaves out, other ones in every epoch."""
        return self.plan.left_out

    def __getitem__(self, step: Any) -> Any:
        start = time.monotonic()
        batch = self._make(step + self.first_step)
        self.seconds += time.monotonic() - start
        return batch

    def _make(self, step):
        chosen = self.plan.batch(self.epoch, step)
        labels = one_hot(self.data.labels[chosen], self.data.class_names)
        generator = np.random.default_rng((self.seed, self.epoch, step))
        if self.crops:
            images = self.crops.take(self.epoch, step)
            if not self.crops.whole:  # nothing else is done to them
                labels = labels[self.plan.part]
                return as_data_format(images, self.data_format), labels
        else:
            images = self.data.images[chosen]
            if self.recipe.crop_area:
                area = self.recipe.crop_area
                images = resized_crops(images, area, generator)
        images = images.astype("float32")
        if self.augmentations:
            images = self._augment(images, step)
        mixup, cutmix = self.recipe.mixup, self.recipe.cutmix
        images, labels = mix(images, labels, mixup, cutmix, generator)
        # All hosts draw the whole batch, and take their part.
        part = self.plan.part
        return as_data_format(images[part], self.data_format), labels[part]

    def _augment(self, images, step):
        drawn = np.random.SeedSequence((self.seed, self.epoch, step))
        number = int(drawn.generate_state(1)[0] >> 1)
        with hosts.undistributed():
            seed = keras.random.SeedGenerator(number)
            for layer in self.augmentations:
                if layer is rand_augment:
                    images = rand_augment(self.recipe, number, images)
                    continue
                draw = layer.get_random_transformation(
                    images, training=True, seed=seed
                )
                images = layer.transform_images(images, draw, training=True)
            return keras.ops.convert_to_numpy(images)


def _batch_size(wanted, images):
    replicas = devices.replicas()
    if wanted % replicas:
        below = wanted - wanted % replicas
        near = f"{below} or {below + replicas}" if below else str(replicas)
        raise ValueError(
            "`batch_size` must be a multiple of the number of devices, which "
            f"share a batch. Received: batch_size={wanted} on {replicas} "
            f"devices. Take {near}."
        )
    size = min(wanted, images - images % replicas)
    if not size:
        raise ValueError(
            "Every device needs an image of a batch. Received: "
            f"{images} training images on {replicas} devices. Use fewer "
            "devices."
        )
    return size


def _augmentations(recipe, size, flip):
    layers = []
    if recipe.crop_padding:
        height, width = (recipe.crop_padding / pixels for pixels in size)
        # A shift is a crop of the padded image, drawn for each image.
        layers.append(
            keras.layers.RandomTranslation(
                height,
                width,
                fill_mode=CROP_FILLS[recipe.crop_fill],
                interpolation="nearest",
                data_format="channels_last",
            )
        )
    if recipe.flip and flip:
        layers.append(
            keras.layers.RandomFlip("horizontal", data_format="channels_last")
        )
    if recipe.rand_augment:
        check_installed(recipe)
        layers.append(rand_augment)
    if recipe.erasing:
        layers.append(
            keras.layers.RandomErasing(
                # For a single number Keras draws the share again each time.
                factor=(recipe.erasing, recipe.erasing),
                scale=(0.02, 0.2),
                fill_value=127.5,
                data_format="channels_last",
            )
        )
    return layers


def one_hot(labels: np.ndarray, class_names: tuple[str, ...]) -> np.ndarray:
    """`(n, classes)` float32 array with a one for each label."""
    return np.eye(len(class_names), dtype="float32")[labels]
