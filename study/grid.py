"""The runs of the study: which networks are compared, by which recipe.

A table is a set of networks that are trained alike.
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
        pretext: What the coders are pretrained on, None for nothing.
    """

    table: str
    label: str
    model: str
    architecture: dict
    recipe: object
    size: int
    seed: int
    pretext: str | None = None

    @property
    def name(self):
        return f"{self.table}/{self.label}-seed{self.seed}"

    @property
    def depth(self):
        return int(self.label.rpartition("-")[2])


@dataclasses.dataclass(frozen=True)
class Table:
    """Networks that are trained alike, `networks` by `depths` by `seeds`.

    A network is a dictionary of arguments, and `pretext` if its coders are
    pretrained. `beside` names labels of another table that was trained by the
    same recipe; they are printed first, for comparison.
    """

    title: str
    networks: dict
    depths: tuple = (20,)
    seeds: tuple = (0, 1, 2)
    size: int = 16
    recipe: str = "cifar-short"
    changes: dict = dataclasses.field(default_factory=dict)
    beside: tuple = ()
    model: str = "plain_resnet{depth}"

    def runs(self, name):
        # Seeds outermost: whatever the moment of a stop, whole comparisons
        # are finished.
        for seed, depth, label in itertools.product(
            self.seeds, self.depths, self.networks
        ):
            architecture = dict(self.networks[label])
            pretext = architecture.pop("pretext", None)
            yield Run(
                name,
                f"{label}-{depth}",
                self.model.format(depth=depth),
                architecture,
                get_recipe(self.recipe, **self.changes),
                self.size,
                seed,
                pretext,
            )


PATHS = {
    "coder": {"learner_gain": 1.0},
    "residual": {"internal_path": "residual"},
    "none": {"internal_path": "none"},
}

# One cycle of a single epoch: what learns fast, and nothing more.
ONE_EPOCH = {"epochs": 1, "warmup_epochs": 0.15, "validation_split": 0.04}

# A narrow Transformer whose patches are 4x4 pixels.
SMALL_VIT = {
    "patch_size": 4,
    "hidden_dim": 64,
    "mlp_dim": 256,
    "num_heads": 4,
    "classes": 10,
}

# MobileNetV2 for small images.
SMALL_MOBILENET = {"stem": "3x3", "classes": 10}

# 18 blocks of 3 convolutions: 56 weighted layers, too.
BOTTLENECKS = {"block": "bottleneck", "blocks_per_stage": (6, 6, 6)}

# Learners of half the width beside a code of half the width.
BESIDE = {"code_placement": "concat", "learner_ratio": 0.5, "code_ratio": 0.5}

# Learner and code of full width, in stages so much narrower that the folded
# chain has as many multiplications as the twin's.
NARROW = {"code_placement": "concat", "filters_per_stage": (11, 23, 46)}

# 27 blocks of 2 convolutions, learner and code side by side inside them.
BLOCK_PATH = {"blocks_per_stage": (9, 9, 9)}

# 108 blocks of 2 convolutions, with stem and classifier 218 weighted layers.
DEEPER = {"blocks_per_stage": (36, 36, 36)}

# Table and labels that the tables at 56 layers are compared with.
DEPTH_56 = ("depth", ("coder-learner-gain0.3-56", "residual-56", "none-56"))
HALF_56 = ("depth", (*DEPTH_56[1], "coder-beside-56"))

TABLES = {
    "paths": Table(
        "The three paths at depth 20",
        {**PATHS, "coder-beside": BESIDE},
        seeds=(0,),
        size=32,
        changes={"epochs": 5, "validation_split": 0.04},
    ),
    "gain": Table(
        "Learner gain, norm and training of the coder at depth 20",
        {
            "coder-gain0.3": {"learner_gain": 0.3},
            "coder-gain1": {"learner_gain": 1.0},
            "coder-gain2": {"learner_gain": 2.0},
            "coder-gain0.3-scaled": {"coder_training": "scaled"},
            "coder-gain1-sum": {"learner_gain": 1.0, "norm": "sum"},
            "residual": {"internal_path": "residual"},
            "none": {"internal_path": "none"},
        },
        seeds=(0,),
        size=32,
        changes=ONE_EPOCH,
    ),
    "rate": Table(
        "Twice the learning rate at depth 20",
        {"coder-gain1": {"learner_gain": 1.0}},
        seeds=(0,),
        size=32,
        changes={**ONE_EPOCH, "learning_rate": 0.1},
    ),
    "depth": Table(
        "Small images at 20 to 110 layers",
        {
            "coder-learner-gain0.3": {"norm": "learner", "learner_gain": 0.3},
            "residual": {"internal_path": "residual"},
            "none": {"internal_path": "none"},
            "coder-beside": {"norm": "learner", "learner_gain": 0.3, **BESIDE},
        },
        depths=(56, 110, 20, 32, 44),
        changes=ONE_EPOCH,
    ),
    "norm": Table(
        "Norm and learner gain at depth 56",
        {
            "coder-learner-gain1": {"norm": "learner", "learner_gain": 1.0},
            "coder-sum-gain0.3": {"norm": "sum", "learner_gain": 0.3},
            "coder-kernel-gain0.3": {"norm": "kernel", "learner_gain": 0.3},
            "coder-learner-gain0.1": {"norm": "learner", "learner_gain": 0.1},
            "coder-kernel-gain0.6": {"norm": "kernel", "learner_gain": 0.6},
            "coder-kernel-gain0.15": {"norm": "kernel", "learner_gain": 0.15},
            "coder-beside-kernel-gain0.3": {
                "norm": "kernel",
                "learner_gain": 0.3,
                **BESIDE,
            },
        },
        depths=(56,),
        changes=ONE_EPOCH,
        beside=HALF_56,
    ),
    # All with a gain of 0.3 and the norm on the learner, as the first line.
    "coder": Table(
        "Other coders at depth 56",
        {
            "selection-three-quarters": {
                "coder_initializer": "selection",
                "code_ratio": 0.75,
            },
            "selection-half": {
                "coder_initializer": "selection",
                "code_ratio": 0.5,
            },
            "pretrained": {
                "coder_initializer": "random",
                "pretext": "rectified_normal",
            },
            "random": {"coder_initializer": "random"},
            "orthogonal-pairs": {"coder_initializer": "orthogonal_pairs"},
            "averages-half": {"code_ratio": 0.5},
            "trained-scaled": {"coder_training": "scaled"},
            "trained-free": {"coder_training": "free"},
            "own-per-block-free": {
                "coder_sharing": "block",
                "coder_training": "free",
            },
            "selection-quarter": {
                "coder_initializer": "selection",
                "code_ratio": 0.25,
            },
            "pretrained-on-activations": {
                "coder_initializer": "random",
                "pretext": "activations",
            },
            "pretrained-on-uniform": {
                "coder_initializer": "random",
                "pretext": "uniform",
            },
            "pretrained-on-normal": {
                "coder_initializer": "random",
                "pretext": "normal",
            },
        },
        depths=(56,),
        changes=ONE_EPOCH,
        beside=DEPTH_56,
    ),
    "deeper": Table(
        "A depth of 218",
        {
            "coder-learner-gain0.3": {**DEEPER, "learner_gain": 0.3},
            "residual": {**DEEPER, "internal_path": "residual"},
            "coder-beside-full": {**DEEPER, "code_placement": "concat"},
            "none": {**DEEPER, "internal_path": "none"},
        },
        depths=(218,),
        seeds=(0,),
        changes=ONE_EPOCH,
        beside=("depth", ("coder-learner-gain0.3-110", "residual-110")),
        model="plain_resnet110",
    ),
    # The code in channels of its own, across both non-linearities of a block.
    "structure": Table(
        "One path per block at depth 56",
        {
            "learner-full-code-full": {**BLOCK_PATH},
            "learner-half-code-half": {
                **BLOCK_PATH,
                "learner_ratio": 0.5,
                "code_ratio": 0.5,
                "coder_initializer": "selection",
            },
            "learner-half-averages-half": {
                **BLOCK_PATH,
                "learner_ratio": 0.5,
                "code_ratio": 0.5,
            },
            "learner-half-code-full": {**BLOCK_PATH, "learner_ratio": 0.5},
            "learner-three-quarters-averages-quarter": {
                **BLOCK_PATH,
                "learner_ratio": 0.75,
                "code_ratio": 0.25,
            },
            "learner-quarter-averages-three-quarters": {
                **BLOCK_PATH,
                "learner_ratio": 0.25,
                "code_ratio": 0.75,
            },
        },
        depths=(56,),
        changes=ONE_EPOCH,
        beside=HALF_56,
        model="block_path_resnet",
    ),
    "structure-longer": Table(
        "Three epochs of one path per block at depth 56",
        {
            "learner-half-averages-half": {
                **BLOCK_PATH,
                "learner_ratio": 0.5,
                "code_ratio": 0.5,
            },
            "learner-half-code-full": {**BLOCK_PATH, "learner_ratio": 0.5},
            "learner-full-code-full": {**BLOCK_PATH},
        },
        depths=(56,),
        changes={"epochs": 3, "validation_split": 0.04},
        beside=("longer", ("coder-56", "coder-beside-56", "residual-56")),
        model="block_path_resnet",
    ),
    "structure-deeper": Table(
        "One path per block at depth 110",
        {
            "learner-full-code-full": {"blocks_per_stage": (18, 18, 18)},
        },
        depths=(110,),
        changes=ONE_EPOCH,
        beside=(
            "depth",
            ("coder-learner-gain0.3-110", "coder-beside-110", "residual-110"),
        ),
        model="block_path_resnet",
    ),
    "bottleneck": Table(
        "Bottlenecks at depth 56",
        {
            "coder": BOTTLENECKS,
            "residual": {**BOTTLENECKS, "internal_path": "residual"},
            "none": {**BOTTLENECKS, "internal_path": "none"},
            "coder-pairs-shared": {**BOTTLENECKS, "shared_learners": (1, 3)},
        },
        depths=(56,),
        seeds=(0, 1),
        changes=ONE_EPOCH,
    ),
    "longer": Table(
        "Three epochs at depth 56",
        {
            "coder": {},
            "residual": {"internal_path": "residual"},
            "coder-both-shared": {"shared_learners": (1, 2)},
            "coder-second-shared": {"shared_learners": (2,)},
            "none": {"internal_path": "none"},
            "coder-beside": BESIDE,
            "coder-beside-both-shared": {**BESIDE, "shared_learners": (1, 2)},
            "coder-gain1": {"learner_gain": 1.0},
            "coder-gain0.1": {"learner_gain": 0.1},
        },
        depths=(56,),
        changes={"epochs": 3, "validation_split": 0.04},
    ),
    "confirmation": Table(
        "Twenty epochs at depth 20",
        {
            "residual": {"internal_path": "residual"},
            "coder": {},
            "coder-beside-full": {"code_placement": "concat"},
            "coder-beside": BESIDE,
            "none": {"internal_path": "none"},
            "coder-beside-narrow": NARROW,
        },
        changes={"epochs": 20, "validation_split": 0.04},
    ),
    "longest": Table(
        "Eight epochs at depth 56",
        {
            "residual": {"internal_path": "residual"},
            "coder-beside": BESIDE,
            "coder-beside-narrow": NARROW,
        },
        depths=(56,),
        seeds=(0,),
        changes={"epochs": 8, "validation_split": 0.04},
    ),
    # (1, 2): both 3x3 convolutions of all blocks of a stage; (2,): the second.
    "efficient": Table(
        "Learners shared by the blocks of a stage at depth 56",
        {
            "coder-second-shared": {"shared_learners": (2,)},
            "coder-both-shared": {"shared_learners": (1, 2)},
            "coder-beside-both-shared": {**BESIDE, "shared_learners": (1, 2)},
            "residual-second-shared": {
                "internal_path": "residual",
                "shared_learners": (2,),
            },
            "residual-both-shared": {
                "internal_path": "residual",
                "shared_learners": (1, 2),
            },
        },
        depths=(56,),
        changes=ONE_EPOCH,
        beside=HALF_56,
    ),
    "vit": Table(
        "Small Transformers of 12 blocks, patches of 4x4 pixels",
        {
            "coder": SMALL_VIT,
            "none": {**SMALL_VIT, "internal_path": "none"},
            "residual": {**SMALL_VIT, "internal_path": "residual"},
        },
        depths=(12,),
        seeds=(0, 1),
        recipe="cifar-vit-short",
        changes={**ONE_EPOCH, "batch_size": 128},
        model="plain_vit_tiny16",
    ),
    "vit-coder": Table(
        "Other coders of the small Transformers",
        {
            "coder-gain1": {**SMALL_VIT, "learner_gain": 1.0},
            "coder-identity-heads": {
                **SMALL_VIT,
                "token_mixing": "identity_heads",
            },
            "coder-gain0.1": {**SMALL_VIT, "learner_gain": 0.1},
            "coder-softmax": {**SMALL_VIT, "token_mixing": "softmax"},
        },
        depths=(12,),
        seeds=(0,),
        recipe="cifar-vit-short",
        changes={**ONE_EPOCH, "batch_size": 128},
        beside=("vit", ("coder-12", "residual-12", "none-12")),
        model="plain_vit_tiny16",
    ),
    "mobilenet": Table(
        "MobileNetV2 at half width with the stem for small images",
        {
            "coder-gain0.3": {**SMALL_MOBILENET, "learner_gain": 0.3},
            "none": {**SMALL_MOBILENET, "internal_path": "none"},
            "residual": {**SMALL_MOBILENET, "internal_path": "residual"},
            "coder-gain1": {**SMALL_MOBILENET, "learner_gain": 1.0},
        },
        depths=(53,),
        seeds=(0, 1),
        changes={**ONE_EPOCH, "batch_size": 128},
        model="plain_mobilenet_v2_050",
    ),
}


def all_runs(tables=TABLES):
    """Every run of the named tables, in the order of importance."""
    return [run for name in tables for run in TABLES[name].runs(name)]
