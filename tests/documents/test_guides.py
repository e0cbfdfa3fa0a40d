"""The blocks of the guides run, and their commands are those that exist."""

import re
import shlex
import warnings

import code_blocks
import pytest
from imagenet_hub import imagenet  # noqa: F401

from keras_pnnh.applications import list_models
from keras_pnnh.cli.main import make_parser
from keras_pnnh.cli.model_file import names_file
from keras_pnnh.cli.networks import model_arguments
from keras_pnnh.deployment import list_formats
from keras_pnnh.training import RECIPES

DOCS = sorted((code_blocks.ROOT / "docs").glob("*.md"))
PAGES = [str(path.relative_to(code_blocks.ROOT)) for path in DOCS]
# Its code is a file, which `test_adding_a_family.py` writes.
FAMILY = "docs/adding_a_family.md"
GUIDES = [
    page
    for page in PAGES
    if page != FAMILY and code_blocks.blocks(page, "python")
]
DOCUMENTS = ["README.md", "CONTRIBUTING.md", *PAGES]


@pytest.mark.slow
@pytest.mark.parametrize("page", GUIDES)
def test_the_blocks_run(page, imagenet, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # new heads, few images
        code_blocks.run(page)


def our_commands():
    for page in DOCUMENTS:
        for line in code_blocks.commands(page):
            if line.startswith("keras-pnnh "):
                yield pytest.param(line, id=f"{page}: {line}"[:70])


@pytest.mark.parametrize("line", list(our_commands()))
def test_a_command_has_these_options(line):
    words = shlex.split(line)[1:]
    if "..." in words:  # data and folder, left out for brevity
        words.remove("...")
        for option in ("--model", "--data", "--output"):
            words += [] if option in words else [option, "plain_resnet20"]
    options = make_parser().parse_args(words)
    model = getattr(options, "model", None) or "plain_resnet20"
    known = model in [*list_models(), "plain_vgg4"]
    assert known or names_file(model)
    if model in list_models():
        from keras_pnnh.applications.catalog import MODELS

        for assignment in getattr(options, "set", ()):
            name = assignment.partition("=")[0]
            assert name in model_arguments(MODELS[model])
    assert getattr(options, "recipe", "cifar") in RECIPES
    formats = getattr(options, "formats", None) or []
    formats += [getattr(options, "format", None) or "onnx"]
    assert set(formats) <= set(list_formats())


@pytest.mark.parametrize("page", DOCUMENTS)
def test_scripts_and_targets_exist(page):
    targets = re.findall(
        r"^([\w -]+):", (code_blocks.ROOT / "Makefile").read_text(), re.M
    )
    known = set(" ".join(targets).split())
    for line in code_blocks.commands(page):
        for script in re.findall(r"python ([\w/]+\.py)", line):
            assert (code_blocks.ROOT / script).is_file(), line
        if line.startswith("make "):
            assert set(line.split()[1:]) <= known, line
