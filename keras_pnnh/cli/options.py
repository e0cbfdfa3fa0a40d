"""Options that several commands share."""

import argparse
from typing import TypeAlias

# What `add_subparsers` returns; quoted, since no index is defined on it.
SubParsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

MODEL_HELP = "a name from `keras-pnnh list`"
WEIGHTS_HELP = (
    "a weight file, the folder of a run, hf://OWNER/NAME[@REVISION], or "
    "published weights such as plain_resnet20.cifar10 (see `keras-pnnh list`)"
)


def add_model(
    command: argparse.ArgumentParser,
    required: bool,
    default: str = "",
    more: str = "",
) -> None:
    """Which network; what is left open is what the weights say."""
    command.add_argument(
        "--model",
        required=required,
        help=f"{MODEL_HELP}{more}{default and '; default: ' + default}",
    )
    command.add_argument(
        "--path",
        choices=("coder", "pass_through", "residual", "none"),
        help="internal path: the coder, channels converted from a residual "
        "network, the residual twin, or the plain baseline",
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other argument of the model, such as "
        "code_placement=concat, filters_per_stage=12,23,46 or patch_size=4; "
        "may be repeated; `keras-pnnh list MODEL` shows them all",
    )


def add_weights(
    command: argparse.ArgumentParser,
    required: bool = True,
    default: str | None = None,
    more: str = "",
) -> None:
    """Which trained weights."""
    command.add_argument(
        "--weights",
        required=required,
        default=default,
        help=WEIGHTS_HELP + more,
    )


def add_data(command: argparse.ArgumentParser, required: bool = True) -> None:
    """Where the images are."""
    command.add_argument(
        "--data",
        required=required,
        help="folder of images by class (or with train/ and test/ of such), "
        "tar or zip archive of one, or a TensorFlow Datasets name",
    )
    command.add_argument(
        "--data-dir",
        help="where TensorFlow Datasets keeps its files; default: its own "
        "choice",
    )
    command.add_argument(
        "--image-size",
        type=int,
        help="resize to this height and width; default: the size that the "
        "weights were trained on, without weights as the images are",
    )


def add_streaming(command: argparse.ArgumentParser) -> None:
    """Whether the images stay in their files."""
    command.add_argument(
        "--stream",
        action="store_true",
        help="decode the images of a folder when they are needed, instead of "
        "holding them in memory; needs --image-size where no weights say it",
    )
    command.add_argument(
        "--skip-bad",
        action="store_true",
        help="with --stream: decode every file once first, and leave out, "
        "named and counted, those that cannot be",
    )


def add_teacher(command: argparse.ArgumentParser) -> None:
    """From whom a network learns, besides the labels."""
    command.add_argument(
        "--teacher",
        metavar="WEIGHTS",
        help="learn from this trained network as well: a .keras file, or what "
        "--weights takes",
    )
    command.add_argument(
        "--teacher-weight",
        type=float,
        default=0.5,
        help="share of the teacher in the loss of the classes; default: 0.5",
    )
    command.add_argument(
        "--teacher-temperature",
        type=float,
        default=4.0,
        help="by which both networks' logits are softened; default: 4",
    )
    command.add_argument(
        "--teacher-stages",
        default="",
        metavar="NAMES",
        help="stages whose maps are compared, too, such as stage2,stage3, or "
        "stage3=conv4 where the teacher calls them otherwise",
    )


def add_seed(command: argparse.ArgumentParser, what: str) -> None:
    """One seed for everything random."""
    command.add_argument(
        "--seed", type=_seed, default=0, help=f"of {what}; default: 0"
    )


def add_devices(command: argparse.ArgumentParser) -> None:
    """On how many devices."""
    command.add_argument(
        "--devices",
        type=_devices,
        metavar="N",
        help="share each batch among so many devices, or all; default: one",
    )


def add_hosts(command: argparse.ArgumentParser) -> None:
    """Which processes train together."""
    command.add_argument(
        "--hosts",
        metavar="ADDRESS:PORT",
        help="of process 0, where several train together (JAX), or auto: as "
        "SLURM or a TPU slice says; start the same command on every host. "
        "Default: the variables KERAS_DISTRIBUTION_JOB_ADDRESSES, "
        "..._NUM_PROCESSES and ..._PROCESS_ID, or none",
    )
    command.add_argument(
        "--processes", type=int, metavar="N", help="how many there are"
    )
    command.add_argument(
        "--process", type=int, metavar="I", help="number of this one, from 0"
    )
    command.add_argument(
        "--host-timeout",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="how long to wait for the others; default: 300",
    )


def _seed(text):
    try:
        number = int(text)
    except ValueError:
        number = -1
    if not 0 <= number < 2**32:
        raise argparse.ArgumentTypeError(
            f"must be a whole number from 0 to {2**32 - 1}: {text!r}"
        )
    return number


def _devices(text):
    if text == "all":
        return text
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be 'all' or a whole number: {text!r}"
        ) from None
