"""The API reference: one page for each package, from what it offers.

MkDocs calls `on_config` and `on_files` (`hooks` in mkdocs.yml), mkdocstrings
the extension `Docstrings`. Nothing is written into `docs/`.
"""

import importlib
import os
import re
from pathlib import Path

import griffe
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
NAMES = ROOT / "tests" / "public_names.txt"

# The names of the package itself are those of its rooms.
DOOR = "keras_pnnh"

# A section of doctests, which are not indented under their title.
EXAMPLE = re.compile(r"^Example:\n\n(.*?)(?=^[A-Z][\w ]+:\n|\Z)", re.M | re.S)


def on_config(config):
    """Add the pages to the navigation, mirrored on the folders."""
    pages = [
        {package.removeprefix(f"{DOOR}."): source(package)}
        for package in offers(load())
    ]
    config.nav.append({"API": ["api/index.md", *pages]})


def on_files(files, config):
    """Add the pages to the site."""
    loaded = load()
    pages = offers(loaded)
    for package, paths in pages.items():
        summary = loaded[package.partition(".")[2]].docstring.value
        entries = "\n\n".join(f"::: {path}" for path in paths)
        text = f"# {package}\n\n{summary}\n\n{entries}\n"
        files.append(File.generated(config, source(package), content=text))
    text = door(loaded, pages)
    files.append(File.generated(config, "api/index.md", content=text))
    return files


def load():
    """The package as griffe reads it, without importing it."""
    return griffe.load(DOOR, search_paths=[ROOT])


def offers(loaded):
    """Paths of public objects by package; each stands once, highest up."""
    names = NAMES.read_text(encoding="utf-8").splitlines()
    packages = {name.rpartition(".")[0] for name in names}
    found, seen = {}, set()
    for name in sorted(names, key=lambda name: name.count(".")):
        package = name.rpartition(".")[0]
        if package == DOOR or name in packages:
            continue
        path = object_path(loaded, name)
        canonical = loaded[path.partition(".")[2]].canonical_path
        if canonical not in seen:
            found.setdefault(package, []).append(path)
        seen.add(canonical)
    return dict(sorted(found.items()))


def object_path(loaded, name):
    """Where an object stands; it may share its name with its module."""
    found = loaded[name.partition(".")[2]]
    last = name.rpartition(".")[2]
    return f"{found.canonical_path}.{last}" if found.is_module else name


def source(package):
    return f"api/{package.partition('.')[2].replace('.', '/')}.md"


def door(loaded, pages):
    """The page of what stands in the package itself, as links."""
    paths = {path.rpartition(".")[2]: path for path in sum(pages.values(), [])}
    lines = [f"# {DOOR}", "", loaded.docstring.value, ""]
    for name in loaded.exports or []:
        if str(name) in paths:
            lines.append(f"- [`{DOOR}.{name}`][{paths[str(name)]}]")
    lines += ["", "| package | |", "|---|---|"]
    for package in pages:
        inner = package.partition(".")[2]
        summary = loaded[inner].docstring.value.splitlines()[0]
        link = source(package).removeprefix("api/")
        lines.append(f"| [`{package}`]({link}) | {summary} |")
    return "\n".join(lines) + "\n"


class Docstrings(griffe.Extension):
    """What the source does not show: constructors that are made, examples."""

    def on_package(self, *, pkg, **kwargs):
        """Replace what `variant` makes by what it is when imported."""
        os.environ.setdefault("KERAS_BACKEND", "torch")
        module = pkg["applications"]
        for path in offers(pkg)[module.path]:
            made = module[path.rpartition(".")[2]]
            if made.is_attribute:
                where = made.canonical_path.rpartition(".")[0]
                importlib.import_module(where)
                family = griffe.inspect(where, filepath=made.filepath)
                function = family[made.name]
                pkg[where.partition(".")[2]].set_member(made.name, function)

    def on_object(self, *, obj, **kwargs):
        """Indent the examples under their title."""
        if obj.docstring is not None:
            obj.docstring.value = EXAMPLE.sub(indent, obj.docstring.value)


def indent(found):
    lines = found[1].strip().splitlines()
    text = "\n".join("    " + line if line else "" for line in lines)
    return f"Examples:\n{text}\n\n"
