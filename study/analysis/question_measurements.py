"""What `questions.py` measures: one function per table, rows of a record."""

import sys
from pathlib import Path

import keras
import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

import networks
from dissipation import SAMPLES, draw_images

from keras_pnnh import audit, fold, theory
from keras_pnnh.analysis import measure_signal, predict_survival
from keras_pnnh.applications import create_model
from keras_pnnh.layers import Coder
from keras_pnnh.theory import survival_simulation

WIDTH = 64
LAYERS = 54  # of 56, those on the path
FILTERS = (16, 32, 64)


def survival():
    """Share of surviving units, by theory alone."""
    return [
        {
            "layers passed": layers,
            "no path": 0.5,
            "internal path": round(float(theory.survival_of_walk(layers)), 3),
        }
        for layers in (1, 2, 4, 8, 16, 54, 108)
    ]


def gains():
    """What the scale of the learner beside the coder costs."""
    rows = []
    for gain, path in ((0.1, True), (0.3, True), (1.0, True), (1.0, False)):
        steps = theory.walk([gain] * LAYERS, path)
        preserved = theory.input_preservation(steps, WIDTH)
        rows.append(
            {
                "path": "coder" if path else "none",
                "learner gain": gain,
                "survival in layer 54": round(float(steps[-1].survival), 2),
                **{
                    f"R2 after {layers} layers": round(
                        float(preserved[layers - 1]), 2
                    )
                    for layers in (1, 8, LAYERS)
                },
            }
        )
    return rows


def coders():
    """Error on the pretext task, beside the bound for linear coders."""
    rows = []
    for width in (16, 32, 64, 128):
        row = {
            "code width": f"{width / WIDTH:g} d",
            "bound": round(theory.reconstruction_error_bound(WIDTH, width), 3),
        }
        for initializer in ("closed_form", "orthogonal_pairs", "random"):
            coder = Coder(WIDTH, width, initializer=initializer)
            coder(np.zeros((1, WIDTH), "float32"))
            error = float(coder.reconstruction_error())
            row[initializer] = round(error, 3)
        rows.append(row)
    return rows


def sharing():
    """Parameters that the shared coders add."""
    rows = []
    for depth in (20, 56, 110):
        name = f"plain_resnet{depth}"
        coder, plain = (
            create_model(name),
            create_model(name, internal_path="none"),
        )
        shared = [layer for layer in coder.layers if isinstance(layer, Coder)]
        rows.append(
            {
                "layers": depth,
                "no path": plain.count_params(),
                "with coders": coder.count_params(),
                "of these in coders": sum(
                    layer.count_params() for layer in shared
                ),
                "folded": audit(coder).folded_parameters,
            }
        )
    return rows


def norms():
    """Where the batch norm stands, 56 layers before training."""
    images = draw_images(SAMPLES, 30, seed=0)
    rows = []
    for norm in ("learner", "sum", "kernel", None):
        keras.utils.set_random_seed(0)
        model = networks.resnet((9, 9, 9), FILTERS, norm=norm)
        report = measure_signal(model, images, training=True, gradients=False)
        predicted = predict_survival(model, images)
        last = report.trunk()[-1]
        rows.append(
            {
                "norm": repr(norm),
                "survival, theory": round(predicted[last.name], 2),
                "survival, measured": round(last.survival, 2),
                "R2 of the input": round(last.preservation, 2),
                "variance": float(f"{last.variance:.2g}"),
            }
        )
    return rows


def efficiency():
    """What is counted, for the networks as they are deployed."""
    rows = []
    for path in ("coder", "residual"):
        report = audit(fold(create_model("plain_resnet56", internal_path=path)))
        rows.append(
            {
                "network, folded": path,
                "one chain": "yes" if report.chain else "no",
                "layers where paths merge": len(report.merges),
                "parameters": report.folded_parameters,
                "multiply-accumulates": report.macs,
                "peak activation, floats": report.peak_activation,
            }
        )
    return rows


def assumptions():
    """Each assumption of the walk, broken: survival in layer 12."""
    gain = 0.3
    predicted = theory.walk([gain] * 12)[-1].survival
    normal = survival_simulation.normal_learner(gain)
    cases = {
        "none broken": (normal, {}),
        "weights orthogonal, not normal": (
            survival_simulation.orthogonal_learner(gain),
            {},
        ),
        "learner not symmetric (shifted by -g/2)": (
            survival_simulation.shifted_learner(gain, -0.5),
            {},
        ),
        "learner shared by all layers": (
            survival_simulation.shared_learner(gain),
            {},
        ),
        "no norm on the learner": (
            survival_simulation.unnormalized_learner(1.0),
            {},
        ),
        "norm after the sum": (normal, {"norm_after_sum": True}),
        "coder rotates": (survival_simulation.rotating_coder(gain), {}),
    }
    rows = []
    for name, (learner, options) in cases.items():
        shares, preserved = survival_simulation.simulate(learner, **options)
        rows.append(
            {
                "assumption broken": name,
                "predicted": round(float(predicted), 3),
                "simulated": round(float(shares[-1]), 3),
                "R2 of the input": round(float(preserved), 2),
            }
        )
    return rows


MEASUREMENTS = {
    "survival": survival,
    "gains": gains,
    "coders": coders,
    "sharing": sharing,
    "norms": norms,
    "efficiency": efficiency,
    "assumptions": assumptions,
}
