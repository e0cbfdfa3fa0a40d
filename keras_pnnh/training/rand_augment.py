"""RandAugment (Cubuk et al. 2019, arXiv 1909.13719) by Keras or keras-cv."""

from typing import Any

import keras

from keras_pnnh.training.recipe import Recipe


def rand_augment(recipe: Recipe, seed: int, images: Any) -> Any:
    """A batch, augmented by the magnitude of a recipe.

    The layer is made for every batch: that of Keras 3.15 draws from its own
    seed alone. keras-cv's draws otherwise in another process or instance,
    whatever the seed.

    Args:
        recipe: `Recipe`.
        seed: Seed of the batch.
        images: `(n, height, width, 3)`, 0 to 255.

    Raises:
        ModuleNotFoundError: If keras-cv is asked for and not installed.
    """
    if recipe.rand_augment_by == "keras_cv":
        return _keras_cv().RandAugment(
            value_range=(0, 255),
            magnitude=recipe.rand_augment / 10,
            seed=seed % 2**31,
        )(images)
    layer = keras.layers.RandAugment(
        value_range=(0, 255),
        factor=recipe.rand_augment / 10,
        seed=seed,
        data_format="channels_last",
    )
    draw = layer.get_random_transformation(images, training=True)
    return layer.transform_images(images, draw, training=True)


def check_installed(recipe: Recipe) -> None:
    """Raise a ModuleNotFoundError unless what a recipe names is there."""
    if recipe.rand_augment and recipe.rand_augment_by == "keras_cv":
        _keras_cv()


def _keras_cv():
    try:
        import keras_cv
    except ImportError as error:
        raise ModuleNotFoundError(
            "RandAugment of keras-cv needs its package and TensorFlow. "
            f"Received: rand_augment_by='keras_cv' ({error}). Run "
            "`pip install 'keras-pnnh[cv]'`, or leave `rand_augment_by` out."
        ) from error
    return keras_cv.layers
