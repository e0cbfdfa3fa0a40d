"""What the bridge from a residual network to a plain chain costs.

Count:  python tools/conversion_costs.py            (what has no record yet)
        python tools/conversion_costs.py NAME ...   (these again)
Write:  python tools/tables.py           (the table in docs/conversion.md)

Converts networks of random weights at their default size of image and audits
them; the result is kept in `evidence/conversion_costs.json`. About two minutes
on one core.
"""

import functools
from pathlib import Path

import kept_counts
import keras
import numpy as np

from keras_pnnh import audit, from_residual
from keras_pnnh.applications import create_model
from keras_pnnh.presentation.text_table import as_markdown

RECORD = Path(__file__).parents[1] / "evidence" / "conversion_costs.json"


def twin(name):
    return functools.partial(create_model, name, internal_path="residual")


# The networks of this library have the names of `list_models`.
SOURCES = {
    "plain_resnet20": twin("plain_resnet20"),
    "plain_resnet18": twin("plain_resnet18"),
    "plain_resnet34": twin("plain_resnet34"),
    "keras.applications.ResNet50": keras.applications.ResNet50,
    "keras.applications.ResNet50V2": keras.applications.ResNet50V2,
    "keras.applications.MobileNetV2": keras.applications.MobileNetV2,
}


def read():
    """The counts by name."""
    return kept_counts.read(RECORD)


def count(name):
    """The counts of a network before and after."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(0)
    model = SOURCES[name](weights=None)
    probe = np.random.default_rng(0).uniform(
        0, 255, (1, *model.input_shape[1:])
    )
    plain, certificate = from_residual(model, probe=probe.astype("float32"))
    certificate.raise_if_not_exact()
    return {
        "input_shape": list(model.input_shape[1:]),
        "pass_through_channels": certificate.pass_through_channels,
        "macs": {
            "source": certificate.source_macs,
            "chain": certificate.macs,
            "written_out": certificate.written_out_macs,
            "in_range": certificate.in_range_macs,
        },
        "parameters": {
            "source": certificate.source_parameters,
            "chain": certificate.parameters,
            "written_out": certificate.written_out_parameters,
            "in_range": certificate.in_range_parameters,
        },
        "peak_activation": {
            "source": audit(model).peak_activation,
            "chain": audit(plain).peak_activation,
        },
    }


def as_table():
    """One line for each network; the source's own counts, and ratios."""
    return as_markdown(
        [
            {
                "source": f"`{name}`",
                "pass-through channels": counts["pass_through_channels"],
                "MACs": counts["macs"]["source"],
                "chain": _ratio(counts["macs"], "chain"),
                "written out": _ratio(counts["macs"], "written_out"),
                "in a range": _ratio(counts["macs"], "in_range"),
                "parameters": counts["parameters"]["source"],
                "chain ": _ratio(counts["parameters"], "chain"),
                "written out ": _ratio(counts["parameters"], "written_out"),
                "in a range ": _ratio(counts["parameters"], "in_range"),
                "peak activation": counts["peak_activation"]["source"],
                "chain  ": _ratio(counts["peak_activation"], "chain"),
            }
            for name, counts in read().items()
        ]
    )


def _ratio(counts, form):
    return f"{counts[form] / counts['source']:.2f}x"


if __name__ == "__main__":
    kept_counts.main(__doc__.splitlines()[0], RECORD, SOURCES, count)
