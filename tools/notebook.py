"""The notebook of `examples/transfer_learning.py`, made of its source.

Run:    python tools/notebook.py
Check:  python tools/notebook.py --check   (exit 1 if it is stale)
"""

import argparse
import ast
import json
import sys
import textwrap
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"
SOURCE = EXAMPLES / "transfer_learning.py"
NOTEBOOK = EXAMPLES / "transfer_learning.ipynb"

INTRODUCTION = """# Transfer learning with a plain network

{claim}

Choose a GPU or TPU runtime first. This notebook is made of
`examples/transfer_learning.py`, which does the same from the command line.
"""
INSTALL = """# Read when Keras is imported; "tensorflow" and "torch" will do.
# %pip install "keras-pnnh[jax,train]"
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
"""
OPTIONS = """
# Yours: a folder of images by class, or a name of TensorFlow Datasets.
# options.data = "tf_flowers"
"""


def build() -> str:
    """The notebook as JSON."""
    source = SOURCE.read_text(encoding="utf-8")
    tree = ast.parse(source)
    claim = (ast.get_docstring(tree) or "").partition("\nRun:")[0].strip()
    (main,) = (node for node in tree.body if _name(node) == "main")
    others = [
        node
        for node in tree.body[1:]
        if node is not main and not isinstance(node, ast.If)
    ]
    heading = [n for n in others if isinstance(n, (ast.Import, ast.ImportFrom))]
    helpers = [n for n in others if n not in heading]
    cells = [
        _cell("markdown", INTRODUCTION.format(claim=claim)),
        _cell("code", INSTALL),
        _cell("code", _lines(source, heading)),
        _cell("markdown", "## What the steps below use"),
        *(_cell("code", _lines(source, [node])) for node in helpers),
        _cell("markdown", "## Train"),
        *(_cell("code", text) for text in _paragraphs(source, main)),
    ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {
                "display_name": "Python 3",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1) + "\n"


def _name(node):
    return getattr(node, "name", None)


def _lines(source, nodes):
    lines = source.splitlines()
    first = min(node.lineno for node in nodes)
    last = max(node.end_lineno for node in nodes)
    return "\n".join(lines[first - 1 : last])


def _paragraphs(source, main):
    """The body of `main`, cut at its empty lines."""
    body = textwrap.dedent(_lines(source, main.body))
    for here, there in (
        ("description=__doc__.splitlines()[0]", ""),
        ("parse_args()", "parse_args([])" + OPTIONS),
    ):
        body = body.replace(here, there, 1)
    return [part for part in body.split("\n\n") if part.strip()]


def _cell(kind, text):
    cell = {
        "cell_type": kind,
        "metadata": {},
        "source": text.strip("\n").splitlines(keepends=True),
    }
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if not options.check:
        NOTEBOOK.write_text(build(), encoding="utf-8")
    elif NOTEBOOK.read_text(encoding="utf-8") != build():
        sys.exit(f"{NOTEBOOK.name} is stale: run `python tools/notebook.py`")


if __name__ == "__main__":
    main()
