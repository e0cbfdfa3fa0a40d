"""The command `keras-pnnh evaluate`."""

import argparse

from keras_pnnh.cli.options import (
    SubParsers,
    add_data,
    add_devices,
    add_model,
    add_streaming,
    add_weights,
)


def add_command(commands: SubParsers) -> None:
    """Add it to the sub-commands of a parser."""
    command = commands.add_parser(
        "evaluate",
        help="accuracy of weights on the test part of a data set",
        allow_abbrev=False,
    )
    add_model(command, required=False)
    add_weights(command)
    add_data(command)
    add_streaming(command)
    command.add_argument(
        "--batch-size",
        type=int,
        default=250,
        help="images per step; default: 250",
    )
    command.add_argument(
        "--record", help="folder of the run whose record shall keep the result"
    )
    add_devices(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print loss and accuracy."""
    from keras_pnnh.cli.images import load
    from keras_pnnh.cli.networks import (
        check_labels,
        constructor,
        find_classifier,
        open_trained,
    )
    from keras_pnnh.training import evaluate, use_devices

    weights = options.weights
    if options.model is not None:
        constructor(options.model)  # a wrong name before the images are read
    classifier = find_classifier(options)
    data = load(options, "test", classifier.image_size)
    check_labels(classifier, data.class_names)
    height, width = data.images.shape[1:3]
    with use_devices(options.devices):
        model, _ = open_trained(options, (height, width))
        result = evaluate(model, data, options.batch_size, options.record)
    path = model.get_config().get("internal_path")
    print(
        f"{model.name}{path and f' ({path})' or ''}, weights {weights}: "
        f"{100 * result['accuracy']:.2f} % of {result['images']} images, "
        f"loss {result['loss']:.4f}"
    )
    return 0
