"""A network of the user's own, whole in a file of Keras."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

SUFFIXES = (".keras", ".h5")


def names_file(text: str | None) -> bool:
    """Whether `--model` names a file instead of one of our models."""
    return text is not None and text.endswith(SUFFIXES)


def open_model_file(
    options: argparse.Namespace,
) -> tuple["keras.Model", tuple[int, int]]:
    """The network of a file, and the size of its images.

    Args:
        options: Those of `keras-pnnh export`.

    Returns:
        A model that takes pixels from 0 to 255, and `(height, width)`.

    Raises:
        ValueError: If it is no file of a whole model, takes no images of a
            known size, or the options do not fit.
    """
    import keras

    path = Path(options.model)
    _check(options, path)
    try:
        model = keras.models.load_model(path, compile=False)
    # Damaged files, and layers that Keras does not know: it raises much.
    except Exception as error:
        raise ValueError(
            "`--model` is a name from `keras-pnnh list`, or a file that "
            "`model.save` of Keras wrote. Received: "
            f"'{path}', which cannot be loaded: "
            f"{' '.join(str(error).split())[:300]}"
        ) from error
    shape = model.input_shape
    # Several inputs have a list or a dictionary of shapes.
    one_image = isinstance(shape, tuple) and len(shape) == 4
    first = keras.config.image_data_format() == "channels_first"
    size: Any = (shape[2:] if first else shape[1:3]) if one_image else (None,)
    if None in size:
        raise ValueError(
            "A network from a file takes images of one size. Received: "
            f"'{path}', with inputs of shape {shape}. Build it with the size "
            "and save it again."
        )
    if options.pixels is None:
        return model, size
    low, high = options.pixels
    if not low < high:
        raise ValueError(
            "`--pixels` is the lowest and the highest value of a pixel. "
            f"Received: --pixels {low:g} {high:g}. Try --pixels -1 1."
        )
    image = keras.Input(shape[1:], name="pixels")
    scaled = keras.layers.Rescaling((high - low) / 255, low)(image)
    return keras.Model(image, model(scaled), name=model.name), size


def _check(options, path):
    if not path.is_file():
        raise FileNotFoundError(f"There is no file '{path}'.")
    for name in ("weights", "path", "image_size", "data"):
        if getattr(options, name):
            raise ValueError(
                "A file holds the whole network and no names of classes. "
                f"Received: --{name.replace('_', '-')} beside --model {path}. "
                "Leave it out; images for integers come by --representative."
            )
    if options.set:
        raise ValueError(
            "A file holds the whole network. Received: --set beside --model "
            f"{path}. Leave it out."
        )
