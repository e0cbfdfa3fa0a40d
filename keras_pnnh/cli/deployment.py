"""The commands `keras-pnnh export` and `keras-pnnh bench`."""

import argparse
import json

from keras_pnnh.cli.options import (
    add_data,
    add_model,
    architecture,
    check_labels,
    load,
    refuse_foreign_options,
)

# Enough for the ranges of the integers to settle; more take only time.
REPRESENTATIVE_IMAGES = 300


def add_commands(commands):
    """Add them to the sub-commands of a parser."""
    _add_export(commands)
    _add_bench(commands)


def _add_export(commands):
    command = commands.add_parser(
        "export", help="write a network for another runtime, and run it there"
    )
    add_model(command)
    command.add_argument(
        "--weights", required=True, help="a tag or a file of trained weights"
    )
    command.add_argument(
        "--format",
        required=True,
        help="saved_model, litert, litert_int8, onnx or torch",
    )
    command.add_argument(
        "--output", required=True, help="file to write; a folder: saved_model"
    )
    command.add_argument(
        "--fold",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="fold coders and norms into the convolutions first (default)",
    )
    command.add_argument(
        "--verify",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="run the file and compare it with the Keras model (default)",
    )
    add_data(command, required=False)
    command.set_defaults(run=_export)


def _add_bench(commands):
    command = commands.add_parser(
        "bench", help="time and memory of a plain network beside its twins"
    )
    command.add_argument(
        "--model", required=True, help="a name from `keras-pnnh list`"
    )
    command.add_argument(
        "--image-size", type=int, help="default: that of the model"
    )
    command.add_argument(
        "--formats",
        nargs="+",
        metavar="FORMAT",
        help="default: onnx litert saved_model",
    )
    for name, default in (("batch-size", 8), ("rounds", 11), ("threads", 1)):
        command.add_argument(
            f"--{name}",
            type=int,
            default=default,
            help=f"default: {default}",
        )
    command.add_argument("--output", help="also write the result as JSON")
    command.set_defaults(run=_bench)


def _bench(options):
    import sys

    from keras_pnnh.deployment import benchmark
    from keras_pnnh.files import write_text

    record = benchmark.measure(
        options.model,
        image_size=options.image_size,
        formats=options.formats or benchmark.FORMATS,
        batch_size=options.batch_size,
        rounds=options.rounds,
        threads=options.threads,
        progress=lambda record: print(
            f"measured: {record['rows'][-1]['runtime']}",
            file=sys.stderr,
            flush=True,
        ),
    )
    print(benchmark.as_text(record["rows"]))
    if options.output:
        write_text(options.output, json.dumps(record, indent=1) + "\n")
    return 0


def _export(options):
    import keras_pnnh
    from keras_pnnh.deployment.formats import get_format

    form = get_format(options.format)
    images = None
    if form.quantized:
        _require_data(options)
        images = _representative(options)
    model = _load_model(options)
    if options.fold:
        model = keras_pnnh.fold(model)
    report = keras_pnnh.export(
        model,
        options.output,
        form.name,
        representative=images,
        verify=options.verify,
    )
    print(report)
    if options.data:
        _print_accuracy(options, model, report)
    return 0


def _require_data(options):
    if not options.data:
        raise ValueError(
            f"Format '{options.format}' chooses the ranges of its integers by "
            "images of the kind that the network will meet. Received: no "
            "--data. Add --data with the images it was trained on."
        )


def _load_model(options):
    from keras_pnnh.applications import create_model
    from keras_pnnh.data_format import input_shape
    from keras_pnnh.weights import find_classifier

    classifier = find_classifier(options.model, options.weights)
    size = (options.image_size,) * 2
    with refuse_foreign_options(options):
        return create_model(
            options.model,
            weights=options.weights,
            classes=len(classifier.labels),
            input_shape=input_shape(
                *(size if options.image_size else classifier.image_size)
            ),
            **architecture(options),
        )


def _representative(options):
    """Some training images, in the order of a fixed seed."""
    import numpy as np

    data = load(options, "train")
    order = np.random.default_rng(0).permutation(len(data.labels))
    chosen = data.images[np.sort(order[:REPRESENTATIVE_IMAGES])]
    return _as_model_takes(chosen)


def _as_model_takes(images):
    import keras

    from keras_pnnh.data_format import as_data_format

    return as_data_format(images, keras.config.image_data_format())


def _print_accuracy(options, model, report):
    """Test accuracy of the file beside that of the Keras model."""
    from keras_pnnh.deployment import run_file

    data = load(options, "test")
    check_labels(options, data)
    images = _as_model_takes(data.images)
    for name, results in (
        ("Keras", model.predict(images, batch_size=250, verbose=0)),
        (report.runtime, run_file(report.path, report.format, images)),
    ):
        right = (results.argmax(-1) == data.labels).mean()
        print(
            f"  test accuracy in {name}: {100 * right:.2f} % of "
            f"{len(images)} images"
        )
