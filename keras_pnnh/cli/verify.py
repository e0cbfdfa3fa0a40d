"""The command `keras-pnnh verify`."""

import argparse

from keras_pnnh.cli.options import SubParsers


def add_command(commands: SubParsers) -> None:
    """Add it to the sub-commands of a parser."""
    command = commands.add_parser(
        "verify",
        help="check published files again and run their self-test",
        allow_abbrev=False,
    )
    command.add_argument(
        "name",
        metavar="NAME",
        help="hf://OWNER/NAME[@REVISION] or MODEL.TAG",
    )
    command.add_argument(
        "--force",
        action="store_true",
        help="download everything again",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the digest of every file, and the result of the self-test."""
    from keras_pnnh.weights import hub_repository

    if not hub_repository.is_reference(options.name):
        return _verify_tag(options)
    from keras_pnnh.presentation.plain_text import as_plain_text
    from keras_pnnh.publishing.verify import verify_repository

    result = verify_repository(options.name, force_download=options.force)
    for name, digest in result.files:
        print(f"{digest}  {as_plain_text(name)}")
    test = "no self-test"
    if result.difference is not None:
        test = f"largest difference of the logits {result.difference:.1e}"
    print(f"{options.name} at {result.commit}: {test}")
    return 0


def _verify_tag(options):
    """A row of the registry: the digest, and that every variable is there."""
    from keras_pnnh.applications import create_model
    from keras_pnnh.weights import references

    name, entry = references.find_entry(None, options.name)
    variant, _, tag = name.partition(".")
    create_model(
        variant,
        weights=tag,
        force_download=options.force,
        # As it is published: what `pass_through` makes of it is converted.
        internal_path="residual" if entry.repo_id else None,
    )
    print(f"{entry.sha256}  {entry.filename}")
    print(f"{options.name}: complete; it has no self-test")
    return 0
