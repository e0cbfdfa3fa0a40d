"""What the library offers is listed in `public_names.txt`, and nowhere else.

A name that is added, renamed or lost shows in the diff of that file. Run this
module as a script to write it anew.
"""

import importlib
import pkgutil
from pathlib import Path

import keras_pnnh

LIST = Path(__file__).with_name("public_names.txt")


def public_names():
    """`package.name` of everything in the `__all__` of a public package."""
    packages = ["keras_pnnh"] + [
        module.name
        for module in pkgutil.walk_packages(keras_pnnh.__path__, "keras_pnnh.")
        if module.ispkg and "._" not in module.name
    ]
    return sorted(
        f"{package}.{name}"
        for package in packages
        for name in getattr(importlib.import_module(package), "__all__", ())
    )


def test_public_names_are_those_of_the_list():
    listed = LIST.read_text(encoding="utf-8").splitlines()
    found = public_names()
    added = sorted(set(found) - set(listed))
    lost = sorted(set(listed) - set(found))
    assert not added and not lost, (
        f"public_names.txt lacks {added} and has {lost}, which are gone. Is "
        "that meant? Then edit it, and CHANGELOG.md."
    )
    assert listed == found, "public_names.txt must be sorted, without doubles"


def test_every_public_name_exists():
    for name in public_names():
        package, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(package), attribute), name


if __name__ == "__main__":
    LIST.write_text("\n".join(public_names()) + "\n", encoding="utf-8")
