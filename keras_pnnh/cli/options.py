"""Options that several commands share, and what they stand for."""

import contextlib


def add_model(command, default=None):
    """Which model, and what of its architecture decides on the weights."""
    command.add_argument(
        "--model",
        required=default is None,
        default=default,
        help="a name from `keras-pnnh list`",
    )
    command.add_argument(
        "--path",
        choices=("coder", "pass_through", "residual", "none"),
        help="internal path: PNNH's coder, pass-through channels, the residual "
        "twin or the plain baseline; default: what the weights say, or coder",
    )
    command.add_argument(
        "--norm",
        choices=("learner", "kernel"),
        help="what is normalised where a coder is added: the learner's output "
        "or its kernel",
    )
    command.add_argument(
        "--patch-size",
        type=int,
        help="of a Transformer: 4 for images of 32x32 pixels; default: 16",
    )
    command.add_argument(
        "--stem",
        help="of a MobileNetV2: 3x3 for images of 32x32 pixels; default: "
        "3x3_stride2",
    )


def add_data(command, required=True):
    """Where the images are."""
    command.add_argument(
        "--data",
        required=required,
        help="folder of images by class (or with train/ and test/ of such), "
        "tar archive of one, or a TensorFlow Datasets name",
    )
    command.add_argument(
        "--data-dir", help="where TensorFlow Datasets keeps its files"
    )
    command.add_argument(
        "--image-size",
        type=int,
        help="resize to this height and width (default: as they are)",
    )


def _size(options):
    size = options.image_size
    return None if size is None else (size, size)


def load(options, split):
    """The images of a split, with a bar where there is a terminal."""
    from rich.console import Console
    from rich.progress import track

    from keras_pnnh.data import load_images

    # Standard output is for results, also when it is a pipe.
    console = Console(stderr=True)

    def with_bar(items):
        return track(
            items,
            f"reading {options.data} ({split})",
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    return load_images(
        options.data, split, _size(options), with_bar, options.data_dir
    )


def architecture(options):
    """Arguments of the model that decide which weights fit."""
    given = {
        "internal_path": options.path,
        "norm": options.norm,
        "patch_size": options.patch_size,
        "stem": options.stem,
    }
    return {key: value for key, value in given.items() if value is not None}


@contextlib.contextmanager
def refuse_foreign_options(options):
    """One line for an option that the model does not have."""
    try:
        yield
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
        raise ValueError(
            "Options must fit the model. Received: --model "
            f"{options.model}, which says: {error}. Leave that option out."
        ) from error


def check_labels(options, data):
    """Raise a ValueError unless the weights are for the classes of the data."""
    from keras_pnnh.weights import find_classifier

    labels = find_classifier(options.model, options.weights).labels
    if labels != data.class_names:
        raise ValueError(
            "Weights are evaluated on data with the same classes in the same "
            f"order. Received: weights for {', '.join(labels)}; data with "
            f"{', '.join(data.class_names)}. Take weights that were trained "
            "on these classes (`--weights RUN/model.weights.h5`), or name the "
            "class folders as the weights do."
        )
