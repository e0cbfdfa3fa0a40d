"""The blocks of code in a Markdown document."""

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=indent)```$",
    re.M | re.S,
)
SKIPPED = re.compile(r"<!-- not run: (.+?) -->\n$", re.S)


class Block(NamedTuple):
    """A fenced block; `skipped` is the reason why it is not run, or None."""

    language: str
    title: str | None
    code: str
    line: int
    skipped: str | None


def blocks(path, language):
    """The blocks of one language, in order; `""` for those of the shell."""
    text = (ROOT / path).read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        given, _, options = match["info"].strip().partition(" ")
        title = re.search('title="(.+?)"', options)
        reason = SKIPPED.search(text[: match.start()])
        found.append(
            Block(
                given,
                title and title[1],
                textwrap.dedent(match["code"]),
                text.count("\n", 0, match.start("code")),
                reason and reason[1],
            )
        )
    return [block for block in found if block.language == language]


def run(path, **names):
    """Run a document's blocks of Python, one after the other."""
    for block in blocks(path, "python"):
        if block.skipped or block.title:  # a title: a file of its own
            continue
        # As many lines before it as in the document, for the traceback.
        code = "\n" * block.line + block.code
        exec(compile(code, str(ROOT / path), "exec"), names)
    return names


def commands(path):
    """The lines of a document's blocks of shell, without comments."""
    lines = []
    for block in blocks(path, ""):
        code = block.code.replace("\\\n", " ")
        lines += [line.partition(" #")[0].strip() for line in code.split("\n")]
    return [line for line in lines if line]
