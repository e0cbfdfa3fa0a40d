"""The commands `keras-pnnh push` and `keras-pnnh verify`."""


def add_commands(commands):
    """Add both to the sub-commands of a parser."""
    _add_push(commands)
    _add_verify(commands)


def _add_push(commands):
    command = commands.add_parser(
        "push", help="publish a run on the Hugging Face Hub"
    )
    command.add_argument("repository", metavar="hf://OWNER/NAME")
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
    command.add_argument("--private", action="store_true")
    command.set_defaults(run=_push)


def _add_verify(commands):
    command = commands.add_parser(
        "verify", help="check published files again and run their self-test"
    )
    command.add_argument(
        "name", help="hf://OWNER/NAME[@REVISION] or <model>.<tag>"
    )
    command.add_argument(
        "--force", action="store_true", help="download everything anew"
    )
    command.set_defaults(run=_verify)


def _push(options):
    from keras_pnnh.publishing.publish import (
        LIMITS,
        push,
    )

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


def _verify(options):
    from keras_pnnh.weights import hub_repository

    if not hub_repository.is_reference(options.name):
        return _verify_tag(options)
    from keras_pnnh.publishing.verify import verify_repository

    result = verify_repository(options.name, force_download=options.force)
    for name, digest in result.files:
        print(f"{digest}  {name}")
    test = "no self-test"
    if result.difference is not None:
        test = f"largest difference of the logits {result.difference:.1e}"
    print(f"{options.name} at {result.commit}: {test}")
    return 0


def _verify_tag(options):
    """A row of the registry: the digest, and that every variable is there."""
    from keras_pnnh.applications import create_model
    from keras_pnnh.weights import registry

    variant, _, tag = options.name.partition(".")
    entry = registry.find_weights(variant, tag)
    create_model(
        variant,
        weights=tag,
        force_download=options.force,
        **({"internal_path": "residual"} if entry.coder == "identity" else {}),
    )
    print(f"{entry.sha256}  {entry.filename}")
    print(f"{options.name}: complete; it has no self-test")
    return 0
