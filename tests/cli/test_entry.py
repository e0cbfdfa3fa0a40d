"""The door of the command: quick, complete, and in the user's words."""

import argparse
import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import keras_pnnh
from keras_pnnh.cli import train
from keras_pnnh.cli.main import as_flags, main, make_parser
from keras_pnnh.training import RECIPES

PACKAGE = Path(keras_pnnh.__file__).parent
COMMANDS = next(
    action
    for action in make_parser()._actions
    if isinstance(action, argparse._SubParsersAction)
).choices

WITHOUT_KERAS = """
import sys
import keras_pnnh_command
sys.argv = ["keras-pnnh", *sys.argv[1:]]
try:
    keras_pnnh_command.main()
except SystemExit as error:
    loaded = {"keras", "jax", "torch", "tensorflow", "numpy"} & {*sys.modules}
    sys.exit(str(sorted(loaded)) if loaded else error.code)
"""


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)],
    ids=" ".join,
)
def test_answers_without_keras_in_half_a_second(arguments):
    """Of the processor, whatever else goes on on the machine."""

    def used():
        times = os.times()
        return times.children_user + times.children_system

    seconds = []
    for _ in range(5):
        start = used()
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_KERAS, *arguments],
            capture_output=True,
            text=True,
        )
        seconds.append(used() - start)
        assert done.returncode == 0, done.stderr
        assert done.stdout
        if seconds[-1] < 0.5:
            return
    pytest.fail(f"took {seconds}")


@pytest.mark.slow
def test_the_command_loads_what_was_saved(tmp_path):
    """It puts the registration of the layers off, but not for ever."""
    code = (
        "import sys, keras_pnnh_command; sys.argv = ['keras-pnnh', 'list'];"
        "keras_pnnh_command.main(); import keras;"
        "assert keras.saving.get_registered_object('keras_pnnh>PlainConv2D')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_help_text(name):
    for action in COMMANDS[name]._actions:
        assert action.help, action.option_strings or action.dest


def test_help_names_the_recipes():
    assert set(re.split(r"[ ,()]+", train.RECIPES)) >= set(RECIPES)


def strings(path):
    """All strings of a module but docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    ]


def test_no_message_of_the_library_names_a_flag_of_the_command():
    flags = {
        flag
        for parser in COMMANDS.values()
        for action in parser._actions
        for flag in action.option_strings
        if flag.startswith("--")
    }
    assert "--resume" in flags
    named = [
        f"{path.relative_to(PACKAGE)}: {text}"
        for path in PACKAGE.rglob("*.py")
        if "cli" not in path.relative_to(PACKAGE).parts
        for text in strings(path)
        if flags & set(re.findall(r"--[a-z-]+", text))
    ]
    assert not named


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Pass `resume=True`.", "Pass `--resume`."),
        ("another folder as `output`", "another folder as `--output`"),
        (
            "Received: epochs=0, `epochs` is",
            "Received: epochs=0, `--epochs` is",
        ),
        ("in their files: `stream_images`.", "in their files: `--stream`."),
        ("with `internal_path='none'`", "with `--path 'none'`"),
        ("`make test` and `other`", "`make test` and `other`"),
        ("two\nlines \x1b[2J", r"two lines \x1b[2J"),
    ],
)
def test_arguments_are_called_as_the_command_does(message, said):
    options = make_parser().parse_args(
        ["train", "--model", "m", "--data", "d", "--output", "o"]
    )
    assert as_flags(message, options) == said


@pytest.mark.parametrize(
    ("model", "nearest"),
    [
        ("PlainResNet20", "Nearest: plain_resnet20"),
        ("plain-resnet-20", "Nearest: plain_resnet20"),
        ("plain_vit_small", "plain_vit_small16"),
        ("", "Nearest: "),
    ],
)
def test_the_nearest_model_is_offered(model, nearest, capsys):
    arguments = ["--weights", "cifar10", "--data", "none"]
    assert main(["evaluate", "--model", model, *arguments]) == 1
    printed = capsys.readouterr().err
    assert nearest in printed and printed.count("\n") == 1


def test_list_shows_the_arguments_of_a_model(capsys):
    assert main(["list", "plain_resnet20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("code_placement=") for line in lines)
    assert not any(line.startswith("weights=") for line in lines)
    assert main(["list", "plain_resnet21"]) == 1
    assert "plain_resnet20" in capsys.readouterr().err
