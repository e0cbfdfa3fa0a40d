"""The runs of the study: which networks are compared, by which recipe.

A table is a set of networks that differ in one thing and are trained alike.
"""

import dataclasses
import itertools

from keras_pnnh.training import get_recipe


@dataclasses.dataclass(frozen=True)
class Run:
    """One network, trained once.

    Attributes:
        table: Name of the table it belongs to.
        label: Name of the network in the table.
        model: Name for `keras_pnnh.create_model`.
        architecture: Arguments of the model.
        recipe: `Recipe`.
        size: Height and width that the images are shrunk to.
        seed: Seed of weights, validation split, order and augmentation.
    """

    table: str
    label: str
    model: str
    architecture: dict
    recipe: object
    size: int
    seed: int

    @property
    def name(self):
        return f"{self.table}/{self.label}-seed{self.seed}"


@dataclasses.dataclass(frozen=True)
class Table:
    """Networks that are trained alike, `networks` by `depths` by `seeds`."""

    title: str
    networks: dict
    depths: tuple = (20,)
    seeds: tuple = (0, 1, 2)
    size: int = 16
    recipe: str = "cifar-short"
    changes: dict = dataclasses.field(default_factory=dict)

    def runs(self, name):
        for depth, label, seed in itertools.product(
            self.depths, self.networks, self.seeds
        ):
            yield Run(
                name,
                f"{label}-{depth}",
                f"plain_resnet{depth}",
                self.networks[label],
                get_recipe(self.recipe, **self.changes),
                self.size,
                seed,
            )


PATHS = {
    "coder": {"learner_gain": 1.0},
    "residual": {"internal_path": "residual"},
    "none": {"internal_path": "none"},
}

TABLES = {
    "paths": Table(
        "The three paths at depth 20, full images",
        PATHS,
        seeds=(0,),
        size=32,
        changes={"epochs": 5, "validation_split": 0.04},
    ),
}


def all_runs(tables=TABLES):
    """Every run of the named tables, in the order of importance."""
    return [run for name in tables for run in TABLES[name].runs(name)]
