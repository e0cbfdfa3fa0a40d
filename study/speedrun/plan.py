"""What is trained, in order of importance: what a deadline cuts off is least.

A job is one network and its seeds, so that it is compiled once.
"""

import dataclasses
from typing import Any

from recipe import Recipe
from wide_networks import BRANCHES, PATHS


@dataclasses.dataclass(frozen=True)
class Job:
    """One network, by one recipe, from some seeds.

    Attributes:
        table: What its rows are compared in.
        label: Name of the network in the table.
        network: Arguments of `wide_networks.build`.
        recipe: `Recipe`.
        seeds: Seeds of initial values, order and augmentation.
        keep: Whether the weights are kept.
    """

    table: str
    label: str
    network: dict[str, Any]
    recipe: Recipe
    seeds: tuple[int, ...]
    keep: bool = False


def _wide(widths, convolutions, path="none", **more):
    return {
        "family": "wide",
        "widths": widths,
        "convolutions": convolutions,
        "path": path,
        **more,
    }


def _resnet(blocks, filters, **more):
    return {
        "family": "plain_resnet20",
        "blocks_per_stage": (blocks,) * 3,
        "filters_per_stage": filters,
        **more,
    }


def _chain(blocks, filters, ratio, path="coder"):
    return _resnet(
        blocks,
        filters,
        code_placement="concat",
        learner_ratio=ratio,
        internal_path=path,
    )


# Folded, about the multiplications of ResNet-20 (40.6 M at 32x32 pixels) ...
SMALL = {
    "residual-20": _resnet(3, (16, 32, 64), internal_path="residual"),
    "wide-11-dirac": _wide((32, 92, 144), 3, "dirac"),
    "wide-11-skip": _wide((32, 92, 144), 3, "skip"),
    "wide-11": _wide((32, 92, 144), 3),
    "wide-11-add": _wide((32, 92, 144), 3, "add"),
    "wide-11-concat": _wide((32, 60, 120), 3, "concat"),
    "wide-8": _wide((32, 120, 160), 2),
    "wide-8-add": _wide((32, 120, 160), 2, "add"),
    "chain-m2-14": _chain(2, (12, 22, 46), 2.0),
    "chain-m1-20": _chain(3, (12, 22, 45), 1.0),
    "chain-m3-14": _chain(2, (10, 20, 40), 3.0),
    "chain-m4-14": _chain(2, (9, 18, 36), 4.0),
    "fused4-20": {
        "family": "fused",
        "widths": (10, 20, 40),
        "blocks": 3,
        "expansion": 4,
    },
    "default-20": _resnet(3, (16, 32, 64)),
    # Half of the parameters: more of the multiplications in early stages.
    "wide-11-early": _wide((48, 72, 80), 3, "dirac"),
    "wide-11-half": _wide((32, 56, 64), 3),
}
# ... and of ResNet-56 (125.5 M).
LARGE = {
    "residual-56": _resnet(9, (16, 32, 64), internal_path="residual"),
    "wide-11-dirac": _wide((64, 152, 240), 3, "dirac"),
    "wide-11-skip": _wide((64, 152, 240), 3, "skip"),
    "wide-11-add": _wide((64, 152, 240), 3, "add"),
    "wide-11-concat": _wide((64, 108, 172), 3, "concat"),
    "wide-11": _wide((64, 152, 240), 3),
    "wide-8": _wide((64, 200, 256), 2),
    "chain-m2-38": _chain(6, (12, 22, 45), 2.0),
}


def bundle(seeds=(0,), epochs=80):
    """Candidates for the bundled weights, trained to the end."""
    long = Recipe(epochs=epochs, cutout=8, shift=4)
    return [
        Job(f"bundle-{size}", name, networks[name], long, seeds, keep=True)
        for name in ("wide-11-dirac", "wide-11-add", "wide-11-concat", "wide-8")
        for size, networks in (("large", LARGE), ("small", SMALL))
    ]


def rivals(epochs=12, seeds=(0, 1)):
    """What carries: every path at four depths, one shape (question 2)."""
    recipe = Recipe(epochs=epochs)
    widths = (32, 64, 128)
    return [
        Job(
            "rivals",
            f"{path}-{2 + 3 * n}",
            _wide(widths, n, path),
            recipe,
            seeds,
        )
        for n in (3, 7, 2, 5)
        for path in PATHS
        if n > 2 or path != "concat"
    ]


def final(table, networks, epochs=24, seeds=(0, 1, 2)):
    """Equal cost, one recipe, three seeds (question 1)."""
    return [
        Job(table, label, network, Recipe(epochs=epochs), seeds)
        for label, network in networks.items()
    ]


def branches(epochs=12, seeds=(0, 1)):
    """What is beside a convolution in training and folds away (question 3).

    By the recipe and at widths and depths of `rivals`.
    """
    return [
        Job(
            "branches",
            f"{kind}-{2 + 3 * n}",
            _wide((32, 64, 128), n, branches=kind),
            Recipe(epochs=epochs),
            seeds,
        )
        for n in (3, 7)
        for kind in BRANCHES
    ]


def norm_free(epochs=12, seeds=(0, 1)):
    """Normalised kernels in place of batch norms (question 5)."""
    jobs = []
    for rate, clips in (
        (0.2, {"clip": 1.0}),
        (0.8, {"clip": 1.0}),
        (0.4, {"adaptive_clip": 0.04}),
        (0.8, {"adaptive_clip": 0.04}),
    ):
        recipe = Recipe(epochs=epochs, learning_rate=rate, **clips)
        adaptive = "-adaptive" if "adaptive_clip" in clips else ""
        for path, gain in (("add", 0.3), ("add", 0.8), ("none", 1.0)):
            network = _wide((32, 92, 144), 3, path, norm="kernel", gain=gain)
            label = f"{path}-gain{gain}-rate{rate}{adaptive}"
            jobs.append(Job("norm-free", label, network, recipe, seeds))
    return jobs


def blocks(epochs=12, seeds=(0, 1)):
    """Bottleneck, MobileNetV2 and ViT beside their twins (question 6)."""
    shape = {"input_shape": (32, 32, 3), "classes": 10}
    neck = {
        "block": "bottleneck",
        "blocks_per_stage": (2, 2, 2),
        "filters_per_stage": (16, 32, 64),
    }
    families = {
        "bottleneck": ("plain_resnet20", neck, Recipe(epochs=epochs)),
        "mobilenet": (
            "plain_mobilenet_v2_050",
            {"stem": "3x3", **shape},
            Recipe(epochs=epochs, learning_rate=0.4),
        ),
        "vit": (
            "plain_vit_tiny16",
            {"patch_size": 4, **shape},
            Recipe(epochs=epochs, learning_rate=0.1, clip=1.0),
        ),
    }
    return [
        Job(
            "blocks",
            f"{name}-{path}",
            {"family": family, "internal_path": path, **arguments},
            recipe,
            seeds,
        )
        for name, (family, arguments, recipe) in families.items()
        for path in ("coder", "residual", "none")
    ]


def depth(epochs=6, seeds=(0,)):
    """56 and 110 layers of wide learners beside their twin (question 7)."""
    return [
        Job(
            "depth",
            f"{path}-{6 * count + 2}",
            _chain(count, (8, 16, 32), 2.0, path),
            Recipe(epochs=epochs, learning_rate=0.4),
            seeds,
        )
        for count in (9, 18)
        for path in ("coder", "residual", "none")
    ]


def everything():
    """All of it, the most important first."""
    first = bundle()
    return [
        *first[:4],
        *rivals(),
        *final("final-small", SMALL),
        *first[4:],
        *final("final-large", LARGE),
        *blocks(),
        *norm_free(),
        *depth(),
        *bundle(seeds=(1, 2))[:4],
    ]


def smoke():
    """Every kind of network, a few steps on a few images."""
    tiny = Recipe(epochs=1, batch_size=16, compute="float32")
    seen, jobs = set(), []
    for job in everything() + second():
        network = job.network
        kind = (
            job.table,
            network["family"],
            network.get("path", network.get("internal_path")),
            network.get("branches"),
            job.recipe.adaptive_clip,
        )
        if kind not in seen:
            seen.add(kind)
            jobs.append(dataclasses.replace(job, recipe=tiny, seeds=(0,)))
    return jobs


def rest():
    """What the deadline of `everything` had cut off, for a second call."""
    large = ("residual-56", "wide-11-dirac", "wide-11-skip", "wide-11-concat")
    small = [
        name for name in SMALL if name not in ("wide-8-add", "wide-11-add")
    ]
    norms = norm_free()
    return [
        *final("final-small", {name: SMALL[name] for name in small}),
        *final(
            "final-large", {name: LARGE[name] for name in large}, seeds=(0, 1)
        ),
        norms[0],
        *blocks(),
        *norms[1:],
    ]


def last():
    """Wider than ResNet-56 costs: as large as a bundled file may be."""
    network = _wide((80, 184, 280), 3, "dirac")
    recipe = Recipe(epochs=80, cutout=8, shift=4)
    label = "wide-11-dirac-wider"
    return [Job("bundle-large", label, network, recipe, (0,), keep=True)]


def second():
    """What no call had reached, and the questions that came up since."""
    small = ("wide-11-early", "chain-m2-14", "chain-m1-20", "fused4-20")
    ratios = ("chain-m3-14", "chain-m4-14", "default-20")
    large = ("wide-11-dirac", "residual-56", "wide-11-skip", "wide-11-concat")
    skip = [job for job in rivals() if job.label == "skip-23"]
    norms = norm_free()
    longer = Recipe(epochs=160, cutout=12, shift=4)
    wider = dataclasses.replace(last()[0], table="longer", recipe=longer)
    return [
        *final("final-small", {name: SMALL[name] for name in small}),
        *skip,
        *branches(),
        *depth(),
        *blocks(),
        *norms[6:],
        *final("final-large", {name: LARGE[name] for name in large}),
        wider,
        *norms[1:6],
        *final("final-small", {name: SMALL[name] for name in ratios}),
    ]


PLANS = {
    "everything": everything,
    "rest": rest,
    "last": last,
    "second": second,
    "rivals": rivals,
    "smoke": smoke,
}
