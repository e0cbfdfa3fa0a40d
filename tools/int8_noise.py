"""Where the noise of 8-bit integers enters along the depth of a network.

Measure:  KERAS_BACKEND=tensorflow python tools/int8_noise.py --model FILE
          --data CIFAR10_FOLDER
Smoke:    ... --smoke    (8 pictures, no record)
Write:    python tools/tables.py      (the table in docs/deployment.md)

FILE is that of `tools/dog_breeds.py`, as it came, with its skips, and as
chains, in a range without a margin; beside it are the bundled networks,
folded. Each is prepared as `export` does for integers. Pictures then run
through it twice, exactly and with kernels, what layers with kernels read, and
what is added in 8 bits, and the outputs of each such layer are compared. 64
pictures of the training part calibrate, 32 others of it are compared on.
Ranges of kernels are those of the folded networks before that: the largest
magnitude in an output channel beside the median one that is not zero, and
beside that of the learner's own kernel, of a network that is folded without
its coder.
"""

import json
from pathlib import Path

import dog_breeds
import keras
import numpy as np

import keras_pnnh
from keras_pnnh import environment, graph
from keras_pnnh.applications import from_weights
from keras_pnnh.data import load_images
from keras_pnnh.deployment.comparison import signal_to_noise
from keras_pnnh.deployment.deployed_form import deployed_form
from keras_pnnh.deployment.quantization.correction import round_layers
from keras_pnnh.deployment.quantization.links import WEIGHTED
from keras_pnnh.deployment.quantization.preparation import equalize
from keras_pnnh.deployment.quantization.rounding import in_8_bits
from keras_pnnh.files import write_text
from keras_pnnh.presentation.text_table import as_markdown

RECORD = Path(__file__).parents[1] / "evidence/deployment/int8_noise.json"
BUNDLED = (
    "plain_resnet20.cifar10",
    "plain_wide11_small.cifar10",
    "plain_wide11.cifar10",
)
PLACES = (0.25, 0.5, 0.75)  # of the layers with kernels


def main(arguments=None):
    options = dog_breeds.parse(arguments, __doc__, ())
    calibrating, comparing = (8, 4) if options.smoke else (64, 32)
    count = calibrating + comparing
    small = chosen(options.data, count).astype("float32")
    record = {
        **dog_breeds.origin(options.model),
        "calibrating": calibrating,
        "comparing": comparing,
        "rows": [],
    }
    for name in BUNDLED:
        model = from_weights(name)
        row = measure(keras_pnnh.fold(model), small, calibrating)
        row["coder_bits"] = coder_bits(model)
        record["rows"].append({"network": name, **row})
        print(name, row["noise"][-1], flush=True)
    source = dog_breeds.load(options.model)
    large = dog_breeds.enlarge(small, source.input_shape[1:3])
    chain, _ = keras_pnnh.from_residual(source)
    forms = {
        "with skips": deployed_form(source).model,
        "chain": keras_pnnh.write_out(chain),
        "chain in a range": keras_pnnh.write_out(
            chain, images=large[:calibrating], margin=0.0
        ),
    }
    for name, form in forms.items():
        row = measure(form, large, calibrating)
        record["rows"].append({"network": name, **row})
        print(name, row["noise"][-1], flush=True)
    print(as_table(record))
    if not options.smoke:
        write_text(RECORD, json.dumps(record, indent=1) + "\n")


def chosen(data, count):
    images = load_images(data, "train").images
    return images[np.random.default_rng(0).permutation(len(images))[:count]]


def measure(model, images, calibrating):
    """Ranges of the kernels, and noise of each layer in 8 bits."""
    ratios = np.concatenate(
        [
            (largest / median)[largest > 0].ravel()
            for largest, median in map(kernel_ranges, kernels(model))
        ]
    )
    exact, rounded = copy(model), copy(model)
    for each in (exact, rounded):
        equalize(each, images[:calibrating])
    round_layers(rounded, images[:calibrating])
    return {
        "ratio_median": float(np.median(ratios)),
        "ratio_worst": float(np.percentile(ratios, 99)),
        "noise": noise(exact, rounded, images[calibrating:]),
        "without_additions": noise(
            exact, rounded, images[calibrating:], additions=False
        )[-1][1],
    }


def copy(model):
    made = keras.models.clone_model(model)
    made.set_weights(model.get_weights())
    return made


def kernels(model):
    """Pairs of a kernel and whether it is depthwise."""
    for layer in model.layers:
        if type(layer) in WEIGHTED:
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            yield keras.ops.convert_to_numpy(layer.kernel), depthwise


def kernel_ranges(found):
    """Largest magnitude in each output channel, and median one but zeros."""
    kernel, depthwise = found
    axes = tuple(range(kernel.ndim - (2 if depthwise else 1)))
    sizes = np.abs(kernel)
    present = np.where(sizes > 0, sizes, np.nan)
    present = np.where(sizes.max(axes) > 0, present, 1)
    return sizes.max(axes), np.nanmedian(present, axes)


def coder_bits(model):
    """Bits that the coder takes from the learner's kernel, by channel.

    Median and 99th percentile over the channels of the layers to which a
    coder is added; None for a network without one.
    """
    whole = keras_pnnh.fold(model)
    scaled = [
        layer
        for layer in model.layers
        if getattr(layer, "coder_scale", None) is not None
    ]
    if not scaled:
        return None
    kept = [layer.coder_scale.numpy() for layer in scaled]
    for layer in scaled:
        layer.coder_scale.assign(np.zeros_like(layer.coder_scale.numpy()))
    alone = keras_pnnh.fold(model)
    for layer, value in zip(scaled, kept, strict=True):
        layer.coder_scale.assign(value)
    bits = []
    for layer in scaled:
        largest = [
            kernel_ranges((folded.get_layer(layer.name).get_weights()[0], 0))[0]
            for folded in (whole, alone)
        ]
        alive = largest[1] > 1e-6 * largest[1].max()
        bits.append(np.log2(largest[0][alive] / largest[1][alive]))
    bits = np.concatenate(bits)
    return [float(np.median(bits)), float(np.percentile(bits, 99))]


def noise(exact, rounded, images, additions=True):
    """Pairs of a layer's name and its signal to noise in dB, in order."""
    layers = {layer.name: layer for layer in rounded.layers}
    found = []

    def run(layer, args, kwargs):
        if additions and isinstance(layer, keras.layers.Add):
            both = [halves(tensor) for tensor in args[0]]
            wanted = layer([pair[0] for pair in both])
            made = layer([in_8_bits(pair[1]) for pair in both])
            return keras.ops.concatenate([wanted, made])
        if isinstance(layer, keras.layers.Rescaling):
            true, rough = halves(args[0])  # which `round_layers` moves
            made = layers[layer.name](rough)
            return keras.ops.concatenate([layer(true), made])
        if type(layer) not in WEIGHTED:
            return layer(*args, **kwargs)
        true, rough = halves(args[0])
        wanted = keras.ops.convert_to_numpy(layer(true))
        made = layers[layer.name](in_8_bits(rough))
        made = keras.ops.convert_to_numpy(made)
        found.append((layer.name, signal_to_noise(made, wanted)))
        return keras.ops.convert_to_tensor(np.concatenate([wanted, made]))

    given = keras.ops.convert_to_tensor(np.concatenate([images, images]))
    graph.replay(exact, [given], run)
    return found


def halves(tensor):
    return np.split(keras.ops.convert_to_numpy(tensor), 2)


def as_table(record=None):
    """One line for each network."""
    record = record or json.loads(RECORD.read_text(encoding="utf-8"))
    rows = []
    for row in record["rows"]:
        heights = [height for _, height in row["noise"]]
        bits = row.get("coder_bits")
        bundled = "." in row["network"]
        rows.append(
            {
                "network": f"`{row['network']}`" if bundled else row["network"],
                "layers": len(heights),
                **{
                    f"after {part:.0%}": f"{heights[at(part, heights)]:.1f} dB"
                    for part in PLACES
                },
                "last layer": f"{heights[-1]:.1f} dB",
                "additions exact": f"{row['without_additions']:.1f} dB"
                if row["network"] == "with skips"
                else "",
                "largest / median": f"{row['ratio_median']:.1f} "
                f"({row['ratio_worst']:.0f})",
                "bits for the coder": f"{bits[0]:.2f} ({bits[1]:.2f})"
                if bits
                else "",
            }
        )
    versions = record["versions"]
    return (
        f"{as_markdown(rows)}\n\nSignal to noise of a layer's outputs, in 8 "
        "bits by simulation, after a part of the layers with kernels. Ranges "
        "of kernels: median over the output channels, and 99th percentile. "
        f"Without a name: `{record['file']}` (SHA-256 "
        f"`{record['sha256'][:12]}`). {record['calibrating']} pictures "
        f"calibrated, {record['comparing']} others; keras "
        f"{versions['keras']}, {environment.backend(versions)}."
    )


def at(part, heights):
    return max(round(part * len(heights)) - 1, 0)


if __name__ == "__main__":
    main()
