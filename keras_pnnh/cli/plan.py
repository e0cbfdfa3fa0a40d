"""The command `keras-pnnh plan`."""

import argparse

from keras_pnnh.cli.options import SubParsers, add_model
from keras_pnnh.cli.train import RECIPES, SETTINGS

PLANNED = ("epochs", "batch_size")


def add_command(commands: SubParsers) -> None:
    """Add it to the sub-commands of a parser."""
    command = commands.add_parser(
        "plan",
        help="estimate input, memory and time of a run, without running it",
        allow_abbrev=False,
    )
    add_model(command, required=True)
    command.add_argument(
        "--data",
        required=True,
        help="imagenet2012, cifar10, cifar100, or the number of images",
    )
    command.add_argument(
        "--devices",
        required=True,
        metavar="NxNAME",
        help="how many and which, such as 8xA100 or 4xTPU-v4",
    )
    command.add_argument(
        "--recipe",
        default="imagenet-resnet50",
        help=f"{RECIPES}; default: imagenet-resnet50",
    )
    command.add_argument(
        "--image-size",
        type=int,
        help="height and width of the images; default: the model's own",
    )
    command.add_argument(
        "--classes", type=int, help="number of classes; default: the model's"
    )
    for name in PLANNED:
        kind, what = SETTINGS[name]
        command.add_argument(
            f"--{name.replace('_', '-')}",
            type=kind,
            help=f"{what}; default: the recipe's",
        )
    command.add_argument(
        "--precision",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
        default="mixed_bfloat16",
        help="of the computation; default: mixed_bfloat16",
    )
    command.add_argument(
        "--utilization",
        type=float,
        default=0.15,
        help="share of the devices' peak that is reached; default: 0.15",
    )
    command.add_argument(
        "--images-per-core",
        type=float,
        default=300.0,
        help="images that one core decodes in a second; default: 300",
    )
    command.add_argument(
        "--peak-tflops",
        type=float,
        help="what one device can do at most; default: by its name",
    )
    command.set_defaults(run=run, weights=None)


def run(options: argparse.Namespace) -> int:
    """Print the estimate."""
    from keras_pnnh.cli.networks import build
    from keras_pnnh.data_format import input_shape
    from keras_pnnh.training import get_recipe, plan_training

    recipe = get_recipe(
        options.recipe, **{name: getattr(options, name) for name in PLANNED}
    )
    given = {}
    if options.image_size is not None:
        size = options.image_size
        given["input_shape"] = input_shape(size, size, 3)
    if options.classes is not None:
        given["classes"] = options.classes
    data = options.data
    plan = plan_training(
        build(options, classifier_activation=None, **given),
        int(data) if data.isdecimal() else data,
        options.devices.replace("-", " "),
        recipe,
        options.precision,
        options.utilization,
        options.images_per_core,
        options.peak_tflops,
    )
    print(plan)
    return 0
