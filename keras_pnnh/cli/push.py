"""The command `keras-pnnh push`."""

import argparse

from keras_pnnh.cli.options import SubParsers


def add_command(commands: SubParsers) -> None:
    """Add it to the sub-commands of a parser."""
    command = commands.add_parser(
        "push",
        help="publish a run on the Hugging Face Hub",
        allow_abbrev=False,
    )
    command.add_argument(
        "repository", metavar="hf://OWNER/NAME", help="made if it is new"
    )
    command.add_argument(
        "--run", required=True, dest="folder", help="folder of the run"
    )
    command.add_argument(
        "--twin", help="folder of the run of the residual twin, for the card"
    )
    command.add_argument("--tag", help="version; default: the next of v1, v2")
    command.add_argument(
        "--license", default="apache-2.0", help="default: apache-2.0"
    )
    command.add_argument("--limits", help="sentences for the card")
    command.add_argument(
        "--private",
        action="store_true",
        help="only you and your organisation see the repository",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Publish; print address, tag and commit."""
    from keras_pnnh.publishing.publish import LIMITS, push

    published = push(
        options.folder,
        options.repository,
        tag=options.tag,
        license=options.license,
        limits=options.limits or LIMITS,
        twin=options.twin,
        private=options.private,
    )
    print(f"{published.url} {published.tag} {published.commit}")
    return 0
