"""What `--help` says."""

import argparse

import pytest

from keras_pnnh.cli.main import make_parser
from keras_pnnh.training import RECIPES

pytestmark = pytest.mark.torch_only


def commands():
    (found,) = (
        action
        for action in make_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return found.choices


def options(name):
    return {
        action.dest: action.help or "" for action in commands()[name]._actions
    }


@pytest.mark.parametrize("name", list(commands()))
def test_every_option_is_explained(name):
    silent = [option for option, said in options(name).items() if not said]
    assert not silent


def test_recipes_and_archives_are_named():
    said = options("train")
    assert all(recipe in said["recipe"] for recipe in RECIPES)
    assert "zip" in said["data"] and "tar" in said["data"]
