"""What the study's smaller networks of 56 layers have and cost.

Count:  python tools/efficiency_counts.py            (without a record)
        python tools/efficiency_counts.py NAME ...   (these again)
Write:  python tools/tables.py                       (in docs/study.md)

The result is kept in `evidence/efficiency_counts.json`.
"""

from pathlib import Path

import kept_counts

from keras_pnnh import audit
from keras_pnnh.applications import PlainResNet56
from keras_pnnh.presentation.text_table import as_markdown

RECORD = Path(__file__).parents[1] / "evidence" / "efficiency_counts.json"
TWIN = "residual twin"
HALF = {"code_placement": "concat", "learner_ratio": 0.5}
NETWORKS = {
    TWIN: {"internal_path": "residual"},
    "coder added to the learner": {},
    "learner beside code": {"code_placement": "concat"},
    "learner beside code, narrow stages": {
        "code_placement": "concat",
        "filters_per_stage": (11, 23, 46),
    },
    "half a learner beside code": HALF,
    "half a learner beside half a code": {**HALF, "code_ratio": 0.5},
    "shared learners, coder added": {"shared_learners": (1, 2)},
    "shared half learners beside half a code": {
        **HALF,
        "code_ratio": 0.5,
        "shared_learners": (1, 2),
    },
}


def read():
    """The counts by name."""
    return kept_counts.read(RECORD)


def count(name):
    """Parameters, and multiply-accumulates of one image, folded."""
    report = audit(PlainResNet56(**NETWORKS[name]))
    return {
        "parameters": report.parameters,
        "folded_parameters": report.folded_parameters,
        "macs": report.macs,
    }


def as_table():
    """One line for each network, with its ratios to the twin."""
    counts = read()
    twin = counts[TWIN]
    return as_markdown(
        [
            {
                # As the records call what is concatenated.
                "network": name.replace(" beside ", " and "),
                "parameters": counts[name]["parameters"],
                "to the twin": _ratio(counts[name], twin, "parameters"),
                "parameters, folded": counts[name]["folded_parameters"],
                "MACs, folded": counts[name]["macs"],
                "MACs, to the twin": _ratio(counts[name], twin, "macs"),
            }
            for name in NETWORKS
        ]
    )


def _ratio(counts, twin, key):
    return f"{counts[key] / twin[key]:.2f}x"


if __name__ == "__main__":
    kept_counts.main(__doc__.splitlines()[0], RECORD, list(NETWORKS), count)
