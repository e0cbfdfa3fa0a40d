"""Which runs led to a weight file."""

import hashlib
import json
from pathlib import Path

from keras_pnnh.weights import registry


def describe_weights(weights):
    """What the record of a run says about the weights that a run starts from.

    Args:
        weights: A tag of the registry, or the path of a weight file.

    Returns:
        A JSON-like dict: `source` and, for a file, `sha256` and the `record`
        of the run that it lies in, if it does.
    """
    if not registry.is_path(weights):
        return {"source": str(weights)}
    path = Path(weights)
    described = {
        "source": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    record = path.with_name("record.json")
    if record.is_file():
        described["record"] = json.loads(record.read_text(encoding="utf-8"))
    return described


def runs(record):
    """The runs that led to a record, the first one first."""
    earlier = record.get("initial_weights", {}).get("record")
    return [*(runs(earlier) if earlier else []), record]
