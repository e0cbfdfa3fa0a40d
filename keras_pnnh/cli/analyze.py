"""The command `keras-pnnh analyze`."""

import argparse

from keras_pnnh.cli.options import (
    MODEL_HELP,
    WEIGHTS_HELP,
    SubParsers,
    add_data,
    add_seed,
)


def add_command(commands: SubParsers) -> None:
    """Add it to the sub-commands of a parser."""
    command = commands.add_parser(
        "analyze",
        help="what arrives in each layer of a model and of its twins",
        allow_abbrev=False,
    )
    command.add_argument(
        "--model", required=True, help=f"{MODEL_HELP}, or a .keras file"
    )
    command.add_argument(
        "--weights", help=f"show the trained model, too: {WEIGHTS_HELP}"
    )
    add_data(command)
    command.add_argument(
        "--output", required=True, help="folder of the report, made if absent"
    )
    command.add_argument(
        "--images", type=int, default=128, help="how many; default: 128"
    )
    add_seed(command, "the choice of images and the initial values")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the report; print a verdict for each network."""
    import keras
    import numpy as np

    from keras_pnnh.analysis import write_report
    from keras_pnnh.cli.images import as_model_takes, load

    data = load(options, "test")
    keras.utils.set_random_seed(options.seed)
    order = np.random.default_rng(options.seed).permutation(len(data.labels))
    chosen = order[: options.images]
    results = write_report(
        _models(options, data),
        as_model_takes(data.images[chosen]),
        options.output,
        title=f"{options.model} on {len(chosen)} images",
    )
    for label, result in results.items():
        print(f"{label}: {result}")
    print(f"report: {options.output}/report.html")
    return 0


def _models(options, data):
    """The model, its twins before training, and the trained one."""
    import keras

    from keras_pnnh.applications import create_model
    from keras_pnnh.cli.networks import find_weights
    from keras_pnnh.data_format import input_shape
    from keras_pnnh.presentation.plain_text import as_plain_text

    if options.model.endswith(".keras"):
        if options.weights is not None:
            raise ValueError(
                "A `.keras` file brings its own weights. Received: --model "
                f"{options.model} with --weights {options.weights}. Leave "
                "--weights out, or name the model as `keras-pnnh list` does."
            )
        model = keras.saving.load_model(options.model)
        return {as_plain_text(options.model): model}
    arguments = {
        "classes": len(data.class_names),
        "input_shape": input_shape(*data.images.shape[1:]),
    }
    models = {
        label: create_model(options.model, internal_path=path, **arguments)
        for label, path in (
            ("no path", "none"),
            ("residual", "residual"),
            ("coder (PNNH)", "coder"),
        )
    }
    if options.weights is not None:
        label = as_plain_text(f"trained: {options.weights}")
        models[label] = create_model(
            options.model, weights=find_weights(options), **arguments
        )
    return models
