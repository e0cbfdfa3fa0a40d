"""Put the weights of a finished run into the package, with their card.

Run:  python tools/bundle_weights.py RUN plain_resnet20.cifar10
Then: enter the printed SHA-256 in keras_pnnh/weights/registry.py and run it
      once more, so that the card states it.
"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path

from keras_pnnh.publishing.card import render_card
from keras_pnnh.weights import registry

ROOT = Path(__file__).parents[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of the run")
    parser.add_argument("name", choices=registry.list_bundled())
    options = parser.parse_args()
    entry = registry.WEIGHTS[options.name]
    record = json.loads((options.run / "record.json").read_text())
    card = render_card(options.name, entry, record)
    folder = ROOT / "weights" / options.name
    folder.mkdir(parents=True, exist_ok=True)
    registry.BUNDLED.mkdir(exist_ok=True)
    target = registry.BUNDLED / entry.filename
    shutil.copy(options.run / "model.weights.h5", target)
    for file in ("record.json", "log.csv", "curves.png"):
        shutil.copy(options.run / file, folder / file)
    (folder / "README.md").write_text(card, encoding="utf-8")
    print(f"{target.name}: {target.stat().st_size} bytes, SHA-256:")
    print(hashlib.sha256(target.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
