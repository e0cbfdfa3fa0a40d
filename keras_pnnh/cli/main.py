"""The command `keras-pnnh`: find the sub-command, run it, explain errors."""

import argparse
import re
import sys
import warnings
from collections.abc import Sequence

from keras_pnnh._version import __version__
from keras_pnnh.cli import (
    analyze,
    bench,
    classify,
    evaluate,
    export,
    plan,
    push,
    train,
    unpack,
    verify,
)
from keras_pnnh.cli import list as list_models
from keras_pnnh.presentation.plain_text import as_plain_text

COMMANDS = (
    list_models,
    classify,
    plan,
    unpack,
    train,
    evaluate,
    analyze,
    export,
    bench,
    push,
    verify,
)

# What a user can put right; anything else is a fault of ours and keeps its
# traceback.
USER_ERRORS = (ValueError, OSError, FloatingPointError, ModuleNotFoundError)

# Arguments of the library that the command line calls otherwise, and names
# that belong to no flag.
CALLED = {
    "size": "image_size",
    "internal_path": "path",
    "force_download": "force",
    "freeze_until": "freeze",
    "until": "freeze",
    "profile_steps": "profile",
    "stream_images": "stream",
}
NO_FLAGS = ("run", "folder", "name", "images", "repository", "set")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: What follows the command's name; that of the process if
            None.

    Returns:
        The exit status: 0, 1 after an error that the user can put right, 130
        after Ctrl-C, 143 after SIGTERM in a training run. A wrong option
        ends in `SystemExit`, as argparse does.

    Example:

    >>> from keras_pnnh.cli import main
    >>> main(["list"])
    plain_mobilenet_v2_035 ...
    plain_resnet20           weights: cifar10
    ...
    0
    """
    parser = make_parser()
    options = parser.parse_args(arguments)
    formatter = warnings.formatwarning
    warnings.formatwarning = _warning
    try:
        _register()
        return options.run(options)
    except KeyboardInterrupt as error:
        status = getattr(error, "exit_status", 130)
        if status != 130:  # a run that has kept its state
            print("\nStopped. The run goes on with --resume.", file=sys.stderr)
            return status
        print(
            "\nInterrupted. A training run goes on from its last finished "
            "epoch with --resume.",
            file=sys.stderr,
        )
        return 130
    except USER_ERRORS as error:
        print(f"error: {as_flags(str(error), options)}", file=sys.stderr)
        return 1
    finally:
        warnings.formatwarning = formatter


def _warning(message, category, filename, lineno, line=None):
    """Those of the library are for the user, without a line of its code."""
    return f"warning: {as_plain_text(' '.join(str(message).split()))}\n"


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="keras-pnnh",
        description="Deep image models without skip connections.",
        epilog="`keras-pnnh COMMAND --help` explains a command.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_command(commands)
    return parser


def as_flags(message: str, options: argparse.Namespace) -> str:
    """A message of the library, its arguments called as the command does.

    The library says `resume=True`, the command line `--resume`. What comes
    from files is printed as text, on one line.
    """

    def translate(found):
        name = CALLED.get(found[1], found[1])
        if name not in vars(options) or name in NO_FLAGS:
            return found[0]
        value = (found[2] or "").replace("=", " ").replace(" True", "")
        return f"`--{name.replace('_', '-')}{value}`"

    text = as_plain_text(" ".join(message.split()))
    return re.sub(r"`(\w+)(=[^`]+)?`", translate, text)


def _register() -> None:
    """Let `keras.saving` know the layers, which the command has put off."""
    import keras_pnnh

    keras_pnnh._register()


if __name__ == "__main__":
    sys.exit(main())
