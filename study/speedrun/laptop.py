"""One run of the recipe `speedrun` on one core, from its record.

Trained by   keras-pnnh train --model plain_wide11_small --data DIR
                 --recipe speedrun --output runs/laptop
and tested by   keras-pnnh evaluate --weights runs/laptop --data DIR
                    --record runs/laptop
"""

import json
from pathlib import Path

from keras_pnnh import environment
from keras_pnnh.presentation.text_table import as_markdown
from keras_pnnh.publishing.card import describe_hardware

RECORD = Path(__file__).parents[2] / "evidence" / "laptop.json"


def as_table():
    """What came out, and how long an epoch takes."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    epochs, test = record["epochs"], record["test"]
    fastest = min(epoch["seconds"] for epoch in epochs)
    row = {
        "network": f"`{record['model']['name']}`",
        "epochs": len(epochs),
        "seeds": 1,
        "fastest epoch, s": f"{fastest:.0f}",
        "all at that pace, min": f"{fastest * len(epochs) / 60:.0f}",
        "validation, %": f"{100 * epochs[-1]['val_accuracy']:.1f}",
        "test, %": f"{100 * test['accuracy']:.1f}",
    }
    versions = record["versions"]
    return (
        f"{as_markdown([row])}\n\n{test['images']:,} test images of the JPEG "
        f"copy of CIFAR-10, one view; {describe_hardware(record['hardware'])}; "
        f"{environment.backend(versions)}. Other processes shared the machine, "
        "so slower epochs say nothing."
    )
