"""The command `keras-pnnh list`."""

import argparse

from keras_pnnh.cli.options import (
    MODEL_HELP,
    SubParsers,
)


def add_command(commands: SubParsers) -> None:
    """Add it to the sub-commands of a parser."""
    command = commands.add_parser(
        "list",
        help="list models and weights, or the arguments of one model",
        allow_abbrev=False,
    )
    command.add_argument(
        "name",
        nargs="?",
        metavar="MODEL",
        help=f"{MODEL_HELP}: show what can be set on it",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print every model with its weights, or one with its arguments."""
    if options.name:
        return _list_arguments(options.name)
    from keras_pnnh.applications import list_models
    from keras_pnnh.weights import list_weights

    weights = list_weights()
    for name in list_models():
        tags = [
            key.split(".")[1] for key in weights if key.startswith(name + ".")
        ]
        print(f"{name:24s} weights: {', '.join(tags) or 'none'}")
    return 0


def _list_arguments(name):
    import inspect

    from keras_pnnh.cli.networks import constructor, model_arguments

    model = constructor(name)
    for argument, default in model_arguments(model).items():
        left_open = default is None or default is inspect.Parameter.empty
        print(f"{argument}={'...' if left_open else default}")
    return 0
