"""Refuse a release whose tag is not the version of the package.

Run:   python tools/check_release.py v0.1.0

Needs nothing but Python: it runs before anything is installed.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSION = re.compile(r'^__version__ = "(.+)"$', re.M)


def check(tag, root=ROOT):
    """Why a tag may not be released, or None if it may."""
    source = (root / "keras_pnnh" / "_version.py").read_text(encoding="utf-8")
    version = VERSION.search(source)[1]
    if tag != f"v{version}":
        return (
            "A tag must be `v` and the version in keras_pnnh/_version.py. "
            f"Received: {tag!r}, and the version is {version}. Change one of "
            "them."
        )
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    if f"## [{version}]" not in changes:
        return (
            f"CHANGELOG.md must have a section `## [{version}]`. Received: "
            "none. Rename `[Unreleased]`, and begin a new one above it."
        )
    return None


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(check(sys.argv[1]))
