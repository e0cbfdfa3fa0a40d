"""The command `keras-pnnh unpack`."""

import argparse

from keras_pnnh.cli.options import SubParsers


def add_command(commands: SubParsers) -> None:
    """Add it to the sub-commands of a parser."""
    command = commands.add_parser(
        "unpack",
        help="write an archive or a TensorFlow data set as a folder of image "
        "files, which `train --stream` reads",
        allow_abbrev=False,
    )
    command.add_argument(
        "--data",
        required=True,
        help="tar or zip archive, or a TensorFlow Datasets name",
    )
    command.add_argument(
        "--output", required=True, help="folder to make, absent or empty"
    )
    command.add_argument(
        "--data-dir",
        help="where TensorFlow Datasets keeps its files; default: its own "
        "choice",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the folder, and say where it is."""
    from keras_pnnh.data import write_folder

    print(write_folder(options.data, options.output, options.data_dir))
    return 0
