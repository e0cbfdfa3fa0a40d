"""What PlainResNet50 holds in memory over its depth, beside its twin.

Run:    python tools/live_memory.py      (docs/figures/live_memory.png)

Counted by `audit` from the graphs of the folded networks; no weights needed.
"""

import argparse
from pathlib import Path

from keras_pnnh import audit, fold
from keras_pnnh.applications import create_model
from keras_pnnh.auditing import (
    compare,
    plot_memory,
)

FIGURE = Path(__file__).parents[1] / "docs" / "figures" / "live_memory.png"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="plain_resnet50")
    parser.add_argument("--output", type=Path, default=FIGURE)
    options = parser.parse_args(arguments)
    reports = {
        label: audit(fold(create_model(options.model, internal_path=path)))
        for label, path in (("plain", "coder"), ("residual twin", "residual"))
    }
    plot_memory(reports, options.output)
    print(compare(reports))
    print(options.output)


if __name__ == "__main__":
    main()
