"""The command `keras-pnnh export`."""

import argparse

from keras_pnnh.cli.options import (
    SubParsers,
    add_data,
    add_model,
    add_weights,
)

# Enough for the ranges of the integers to settle; more take only time.
REPRESENTATIVE_IMAGES = 300
RANGE_IMAGES = 100  # the range has a margin
PREPROCESSING = "RGB from 0 to 255; the network normalises"
AS_GIVEN = "RGB, as the network was given; see --pixels"


def add_command(commands: SubParsers) -> None:
    """Add it to the sub-commands of a parser."""
    command = commands.add_parser(
        "export",
        help="write a network for another runtime, and run it there",
        allow_abbrev=False,
    )
    add_model(
        command,
        required=False,
        more=", or a .keras or .h5 file of a whole network of your own",
    )
    add_weights(command, required=False)
    command.add_argument(
        "--convert",
        action="store_true",
        help="make a chain of a residual network first, as from_residual does",
    )
    command.add_argument(
        "--pixels",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="range of the pixels that a network from a file takes, such as "
        "-1 1; what is written takes 0 to 255 then; default: images from 0 to "
        "255 as they are",
    )
    command.add_argument(
        "--format",
        required=True,
        help="saved_model, litert, litert_int8, onnx, onnx_int8, openvino, "
        "openvino_int8 or torch",
    )
    command.add_argument(
        "--output",
        required=True,
        help="file to write; a folder for saved_model and openvino",
    )
    command.add_argument(
        "--fold",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="fold coders and norms into the convolutions first (default)",
    )
    command.add_argument(
        "--keep-pass-through",
        action="store_true",
        help="leave pass-through channels slices and joins in the file; "
        "default: write them out as rows of ordinary kernels",
    )
    command.add_argument(
        "--cost-limit",
        type=float,
        default=2.0,
        metavar="TIMES",
        help="how many times the multiply-accumulates writing them out may "
        "cost; default: 2",
    )
    command.add_argument(
        "--images",
        metavar="DIR",
        help="folder of images, also by class, by which the range of "
        "pass-through channels is fitted: they cost less then, and are exact "
        "within that range; default: exact for every image, and the "
        "representative ones for integers",
    )
    command.add_argument(
        "--representative",
        metavar="DIR",
        help="folder of images, also by class, by which integers get their "
        "ranges; default: the training part of --data",
    )
    command.add_argument(
        "--margin",
        type=float,
        metavar="PART",
        help="how far the range of --images goes beyond their values on either "
        "side, relative to their width; default: 1, and 0 for integers",
    )
    command.add_argument(
        "--batch-size",
        type=int,
        metavar="N",
        help="images in every batch that the file takes; default: any number",
    )
    command.add_argument(
        "--verify",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="run the file and compare it with the Keras model (default)",
    )
    command.add_argument(
        "--time-limit",
        type=float,
        default=1800,
        help="seconds that another process may take to write or run the "
        "file; default: 1800",
    )
    add_data(command, required=False)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the file; print what it is, and its accuracy if there are data."""
    import keras_pnnh
    from keras_pnnh.cli.images import chosen_size
    from keras_pnnh.cli.model_file import names_file, open_model_file
    from keras_pnnh.cli.networks import open_trained
    from keras_pnnh.deployment.formats import get_format

    form = get_format(options.format)
    if form.quantized:
        _require_images(options)
    classifier, preprocessing = None, PREPROCESSING
    if names_file(options.model):
        model, size = open_model_file(options)
        if options.pixels is None:
            preprocessing = AS_GIVEN
    else:
        _require_weights(options)
        model, classifier = open_trained(options, chosen_size(options))
        size = classifier.image_size
    if options.convert:
        model, _ = keras_pnnh.from_residual(model)
    representative = None
    if form.quantized:
        representative = _representative(options, size)
    report = keras_pnnh.export(
        model,
        options.output,
        form.name,
        representative=representative,
        verify=options.verify,
        time_limit=options.time_limit,
        fold=options.fold,
        keep_pass_through=options.keep_pass_through,
        cost_limit=options.cost_limit,
        batch_size=options.batch_size,
        labels=None if classifier is None else classifier.labels,
        preprocessing=preprocessing,
        images=_some(options, "images", size, RANGE_IMAGES),
        margin=options.margin,
    )
    print(report)
    print("\nTo run it without Keras (python run.py PICTURE):\n")
    print(report.script)
    if options.data:
        _print_accuracy(options, model, report, classifier)
    return 0


def _require_images(options):
    if not options.data and not options.representative:
        raise ValueError(
            f"Format '{options.format}' chooses the ranges of its integers by "
            "images of the kind that the network will meet. Received: neither "
            "--data nor --representative. Add --data with the images it was "
            "trained on, or --representative with a folder of some hundred."
        )


def _require_weights(options):
    if not options.weights:
        raise ValueError(
            "What is exported is a trained network. Received: no --weights. "
            "Add --weights, such as --weights plain_resnet20.cifar10, or name "
            "a file of a whole network by --model."
        )
    if options.pixels is not None:
        raise ValueError(
            "`--pixels` belongs to a network from a file; ours take pixels "
            f"from 0 to 255. Received: --pixels with --weights "
            f"{options.weights}. Leave it out."
        )


def _some(options, name, size, count):
    """Images of the folder that an option names; None where it does not."""
    from keras_pnnh.cli.images import as_model_takes, read_some

    folder = getattr(options, name)
    if folder is None:
        return None
    return as_model_takes(read_some(folder, size, count, f"--{name}"))


def _representative(options, size):
    """Those of a folder, or training images in the order of a fixed seed."""
    import numpy as np

    from keras_pnnh.cli.images import as_model_takes, load

    if options.representative:
        return _some(options, "representative", size, REPRESENTATIVE_IMAGES)
    data = load(options, "train", size)
    order = np.random.default_rng(0).permutation(len(data.labels))
    chosen = data.images[np.sort(order[:REPRESENTATIVE_IMAGES])]
    return as_model_takes(chosen)


def _print_accuracy(options, model, report, classifier):
    """Test accuracy of the file and of the Keras model."""
    from keras_pnnh.cli.images import as_model_takes, load
    from keras_pnnh.cli.networks import check_labels
    from keras_pnnh.deployment import run_file

    data = load(options, "test", classifier.image_size)
    check_labels(classifier, data.class_names)
    images = as_model_takes(data.images)
    ours = model.predict(images, batch_size=250, verbose=0)
    theirs = run_file(
        report.path, report.format, images, time_limit=options.time_limit
    )
    for name, results in (("Keras", ours), (report.runtime, theirs)):
        right = (results.argmax(-1) == data.labels).mean()
        print(
            f"  test accuracy in {name}: {100 * right:.2f} % of "
            f"{len(images)} images"
        )
