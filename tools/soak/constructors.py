"""Random arguments: what is sound is built, what is wrong gets a sentence."""

import numpy as np
from outcomes import REFUSED, RIGHT, WRONG, of_error

from keras_pnnh import applications, layers
from keras_pnnh.pass_through import layers as carrying

NAN, INFINITY = float("nan"), float("inf")
# What is no number, no flag and no name of anything.
STRANGE = (
    NAN,
    INFINITY,
    -1,
    0.5,
    "x",
    "",
    b"x",
    [],
    {},
    (1,),
    object(),
    3 + 1j,
)
COUNT = {
    "good": (1, 2, 3, 4, 8),
    "bad": (0, -1, True, 2.0, NAN, "2", None, [2]),
}
NUMBER = {
    "good": (1.0, 0.3, 0.5, 1),
    "bad": (NAN, INFINITY, True, "1", None, (1.0,), b"1", 1j),
}
SHARE = {"good": (0.0, 0.5, 0.9, 1.0), "bad": (*NUMBER["bad"], -0.5, 1.5)}
FLAG = {"good": (True, False), "bad": ("no", 0, 1.0, None, [], NAN)}
FORMAT = {
    "good": (None, "channels_last"),
    "bad": ("first", 3, True, ["channels_last"]),
}


def choice(*good, bad=()):
    return {"good": good, "bad": ("x", "", True, 3, 0.5, ["x"], (), *bad)}


ODD = {"good": (1, 3, 5), "bad": (*COUNT["bad"], 2, 4)}
CONVOLUTION = {
    "kernel_size": ODD,
    "strides": {**COUNT, "good": (1, 2)},
    "learner_gain": NUMBER,
    "momentum": SHARE,
    "epsilon": {"good": (1e-5, 0.001), "bad": (*NUMBER["bad"], -1.0)},
    "data_format": FORMAT,
}
HEAD = {
    "include_top": FLAG,
    "classes": {"good": (2, 3, 10), "bad": COUNT["bad"]},
    "classifier_activation": {
        "good": ("softmax", None, "linear"),
        "bad": ("softmaxx", 3, ["softmax"], 0.5, True),
    },
    "preprocessing": choice("symmetric", "imagenet", "none", bad=(None,)),
    "coder_training": choice("frozen", "scaled", "free", bad=(None,)),
    "data_format": FORMAT,
    "dtype": {
        "good": (None, "float32", "mixed_bfloat16"),
        "bad": ("int32", "half", 3, ["float32"], 0.5),
    },
    "name": {"good": (None, "soaked"), "bad": ("", 3, ["a"], True)},
}
SHAPES = {
    "good": ((16, 16, 3), [16, 20, 3], (16, 16, 1)),
    "bad": (
        (16, 16),
        (True, 16, 3),
        (16.0, 16, 3),
        ("16", 16, 3),
        (16, 16, -1),
        (16, 16, None),
        (1, 1, 3),
        "16",
        16,
        {},
    ),
}
LISTS = (True, 2, "2", [], [0], [True], [1.0], ["1"], None, {}, [[1]])
STAGES = {
    "blocks_per_stage": {"good": ((1, 1), [1, 2]), "bad": LISTS},
    "filters_per_stage": {"good": ((4, 8), [8, 8]), "bad": (*LISTS, (8, 4))},
    "input_shape": SHAPES,
}
PATHS = choice("coder", "residual", "none", "pass_through", bad=(None,))
# Constructor, arguments that it needs, others.
TABLE = [
    (
        layers.PlainConv2D,
        {"filters": COUNT},
        {
            **CONVOLUTION,
            "norm": choice("learner", "sum", "kernel", None),
            "code_filters": {
                "good": (0,),
                "bad": (-1, True, 1.0, "1", None, 8),
            },
        },
    ),
    (
        layers.PlainDepthwiseConv2D,
        {},
        {
            **CONVOLUTION,
            "norm": choice("learner", "sum", None, bad=("kernel",)),
            "code_filters": {
                "good": (0, 1, 2),
                "bad": (-1, True, 1.0, "1", None),
            },
        },
    ),
    (layers.PlainDense, {"units": COUNT}, {"learner_gain": NUMBER}),
    (
        layers.PlainAttention,
        {"num_heads": {**COUNT, "good": (2, 4)}},
        {
            "token_mixing": choice("softmax", "shaped", bad=(None,)),
            "identity_heads": {
                "good": (0, 1, 2),
                "bad": (-1, True, 1.0, "1", 9),
            },
            "learner_gain": NUMBER,
        },
    ),
    (
        layers.Coder,
        {"filters": COUNT},
        {
            "code_filters": {"good": (None, 2, 4), "bad": COUNT["bad"][:-2]},
            "activation": choice("relu", "gelu", "linear"),
            "initializer": choice("closed_form", "selection", "random"),
            "gradient_scale": SHARE,
            "code_gain": {**NUMBER, "bad": (*NUMBER["bad"], 0, -1.0)},
            "axis": {"good": (-1,), "bad": (0.5, True, "1", None)},
            "seed": {"good": (0, 7), "bad": (0.5, True, "1", None, -1)},
        },
    ),
    (
        layers.SharedKernel,
        {"channels": COUNT, "filters": COUNT},
        {"kernel_size": ODD, "gain": NUMBER},
    ),
    (layers.TokenEmbedding, {}, {"class_token": FLAG, "data_format": FORMAT}),
    (
        layers.ZeroPaddingShortcut,
        {"filters": {**COUNT, "good": (8, 12)}},
        {"strides": {**COUNT, "good": (1, 2)}, "data_format": FORMAT},
    ),
    (
        carrying.CarryActivation,
        {
            "pieces": {
                "good": (
                    [{"inputs": [0, 4], "activation": "relu"}],
                    [{"inputs": [0, 2]}, {"inputs": [0, 4]}],
                ),
                "bad": (
                    None,
                    [],
                    [1],
                    [{}],
                    [{"inputs": 3}],
                    [{"inputs": [0, 4], "activation": "softmax"}],
                    [{"inputs": [0, 4], "activation": "relu", "arguments": 1}],
                ),
            }
        },
        {"data_format": FORMAT},
    ),
    (
        carrying.CarryConv2D,
        {
            "blocks": {
                "good": (
                    [{"kind": "conv", "inputs": [0, 4], "outputs": [0, 3]}],
                    [{"kind": "max", "inputs": [0, 4], "outputs": [0, 4]}],
                ),
                "bad": (
                    None,
                    [1],
                    [{"kind": "conv", "inputs": [0, 4]}],
                    [{"kind": "conv", "inputs": [0, 4], "outputs": [1, 3]}],
                    [
                        {
                            "kind": "conv",
                            "inputs": [0, 3],
                            "outputs": [0, 4],
                            "groups": 0,
                        }
                    ],
                    [
                        {
                            "kind": "conv",
                            "inputs": [0, 4],
                            "outputs": [0, 4],
                            "padding": 1,
                        }
                    ],
                ),
            }
        },
        {"data_format": FORMAT},
    ),
    (
        applications.PlainResNet,
        STAGES,
        {
            **HEAD,
            "internal_path": PATHS,
            "pooling": choice(None, "avg", "max"),
            "block": choice("basic", "bottleneck", bad=(None,)),
            "stem": choice("3x3", bad=(None,)),
            "norm": choice("learner", "kernel", bad=(None, "sum")),
            "code_placement": choice("add", "concat", bad=(None,)),
            "code_ratio": {"good": (1.0, 0.5), "bad": (*NUMBER["bad"], 0, 2.0)},
            "learner_ratio": {"good": (1.0, 0.5), "bad": (*NUMBER["bad"], 0)},
            "shared_learners": {
                "good": ((), (1,), [2]),
                "bad": ((True,), (1.0,), (9,), "1", 1, None),
            },
        },
    ),
    (
        applications.PlainMobileNet,
        {
            **STAGES,
            "strides_per_stage": {"good": ((1, 2),), "bad": LISTS},
            "stem_filters": {**COUNT, "good": (4,)},
            "last_filters": {**COUNT, "good": (8,)},
        },
        {
            **HEAD,
            "stem": choice("3x3", bad=(None,)),
            "internal_path": PATHS,
            "dropout_rate": {
                "good": (0.0, 0.5),
                "bad": (None, "0.1", 1.0, -0.1, NAN, True),
            },
        },
    ),
    (
        applications.PlainViT,
        {
            "num_layers": {**COUNT, "good": (1, 2)},
            "num_heads": {**COUNT, "good": (2,)},
            "hidden_dim": {**COUNT, "good": (8,)},
            "mlp_dim": {**COUNT, "good": (16, 32)},
            "patch_size": {**COUNT, "good": (4,)},
            "input_shape": SHAPES,
        },
        {
            **HEAD,
            "class_token": FLAG,
            "internal_path": PATHS,
            "token_mixing": choice("shaped", "identity_heads", bad=(None,)),
        },
    ),
    (
        applications.PlainResNet20,
        {"input_shape": SHAPES},
        {"classes": HEAD["classes"], "name": HEAD["name"]},
    ),
]
# What such values mean to a constructor of a variant: the default.
OPEN = {applications.PlainResNet20}


def prepare(folder):
    """Nothing is shared by the trials."""


def trial(seed, shared):
    """One set of arguments, with none, one or two that are wrong."""
    generator = np.random.default_rng(seed)
    construct, needed, others = TABLE[int(generator.integers(len(TABLE)))]
    tables = dict(needed)
    tables |= {
        name: table
        for name, table in others.items()
        if generator.random() < 0.4
    }
    given = {name: pick(generator, t["good"]) for name, t in tables.items()}
    wrong = []
    for _ in range(int(generator.integers(3))):
        name = str(generator.choice(sorted({**needed, **others})))
        table = {**needed, **others}[name]
        bad = [
            v for v in table["bad"] if v is not None or construct not in OPEN
        ]
        given[name] = pick(generator, bad)
        wrong.append(name)
    if generator.random() < 0.05:
        given["no_such_argument"] = pick(generator, STRANGE)
        wrong.append("no_such_argument")
    shown = ", ".join(f"{name}={value!r}" for name, value in given.items())
    note = f"{construct.__name__}({shown})"[:400]
    try:
        made = construct(**given)
        again = type(made).from_config(made.get_config())
    except Exception as error:
        outcome, text = of_error(error)
        # Keras's own words for an argument that no layer has are clear.
        if "no_such_argument" in str(error):
            outcome = REFUSED
        # Arguments that contradict each other may be sound one by one.
        return outcome, f"{note}: {text}"
    if wrong:
        return WRONG, f"{note}: took {', '.join(wrong)}"
    same = repr(again.get_config()) == repr(made.get_config())
    return (RIGHT if same else WRONG), note


def pick(generator, values):
    return values[int(generator.integers(len(values)))]
