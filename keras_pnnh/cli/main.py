"""The command `keras-pnnh`: train, evaluate, classify, analyze, list, ..."""

import argparse
import sys

from keras_pnnh._version import __version__
from keras_pnnh.cli import (
    deployment as deployment_commands,
)
from keras_pnnh.cli import (
    hub as hub_commands,
)
from keras_pnnh.cli.options import (
    add_data,
    add_model,
    architecture,
    check_labels,
    load,
    refuse_foreign_options,
)

# What a user can mend; anything else is a fault of ours and keeps its trace.
USER_ERRORS = (ValueError, OSError, FloatingPointError, ModuleNotFoundError)


def main(arguments=None):
    """Run the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except KeyboardInterrupt:
        print(
            "\nInterrupted. A training run goes on from its last finished "
            "epoch with --resume.",
            file=sys.stderr,
        )
        return 130
    except USER_ERRORS as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser():
    parser = argparse.ArgumentParser(
        prog="keras-pnnh",
        description="Deep image models without skip connections.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands)
    _add_evaluate(commands)
    _add_classify(commands)
    _add_analyze(commands)
    deployment_commands.add_commands(commands)
    hub_commands.add_commands(commands)
    command = commands.add_parser("list", help="list models and weights")
    command.set_defaults(run=_list)
    return parser


def _add_train(commands):
    command = commands.add_parser("train", help="train a model by a recipe")
    add_model(command)
    add_data(command)
    command.add_argument(
        "--output", required=True, help="folder of the run, made if absent"
    )
    command.add_argument("--recipe", default="cifar", help="default: cifar")
    command.add_argument("--resume", action="store_true")
    command.add_argument(
        "--weights",
        help="start from these, a tag or a file (a second cycle, fine-tuning)",
    )
    command.add_argument("--seed", type=int, default=0)
    for name, kind in (
        ("epochs", int),
        ("batch-size", int),
        ("learning-rate", float),
        ("warmup-epochs", float),
        ("weight-decay", float),
        ("label-smoothing", float),
        ("crop-padding", int),
        ("crop-fill", str),
        ("erasing", float),
        ("validation-split", float),
    ):
        command.add_argument(
            f"--{name}", type=kind, help="in place of the recipe's value"
        )
    command.add_argument(
        "--tensorboard",
        action="store_true",
        help="write TensorBoard logs (needs TensorFlow)",
    )
    command.set_defaults(run=_train)


def _add_evaluate(commands):
    command = commands.add_parser(
        "evaluate", help="accuracy of weights on the test part of a data set"
    )
    add_model(command)
    command.add_argument("--weights", required=True, help="a tag or a file")
    add_data(command)
    command.add_argument("--batch-size", type=int, default=250)
    command.add_argument(
        "--record", help="run folder whose record shall keep the result"
    )
    command.set_defaults(run=_evaluate)


def _add_classify(commands):
    command = commands.add_parser("classify", help="classify image files")
    command.add_argument("images", nargs="+", metavar="IMAGE")
    add_model(command, default="plain_resnet20")
    command.add_argument(
        "--weights", default="cifar10", help="a tag or a file; default: cifar10"
    )
    command.add_argument("--top", type=int, default=3)
    command.set_defaults(run=_classify)


def _add_analyze(commands):
    command = commands.add_parser(
        "analyze",
        help="what arrives in each layer of a model, beside its twins",
    )
    command.add_argument(
        "--model",
        required=True,
        help="a name from `keras-pnnh list`, or a .keras file",
    )
    command.add_argument(
        "--weights", help="a tag or a file: show the trained model, too"
    )
    add_data(command)
    command.add_argument(
        "--output", required=True, help="folder of the report, made if absent"
    )
    command.add_argument(
        "--images", type=int, default=128, help="how many; default: 128"
    )
    command.add_argument("--seed", type=int, default=0)
    command.set_defaults(run=_analyze)


def _train(options):
    import keras

    from keras_pnnh.applications import create_model
    from keras_pnnh.data_format import input_shape
    from keras_pnnh.publishing.lineage import describe_weights
    from keras_pnnh.training import get_recipe, train

    recipe = get_recipe(
        options.recipe,
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        warmup_epochs=options.warmup_epochs,
        weight_decay=options.weight_decay,
        label_smoothing=options.label_smoothing,
        crop_padding=options.crop_padding,
        crop_fill=options.crop_fill,
        erasing=options.erasing,
        validation_split=options.validation_split,
    )
    data = load(options, "train")
    keras.utils.set_random_seed(options.seed)
    with refuse_foreign_options(options):
        model = create_model(
            options.model,
            classes=len(data.class_names),
            input_shape=input_shape(*data.images.shape[1:]),
            classifier_activation=None,
            weights=options.weights,
            **architecture(options),
        )
    train(
        model,
        data,
        recipe,
        options.output,
        seed=options.seed,
        resume=options.resume,
        description={"source": options.data.rstrip("/").split("/")[-1]},
        initial_weights=options.weights
        and describe_weights(options.model, options.weights),
        tensorboard=options.tensorboard,
    )
    print(f"weights, record and curves: {options.output}")
    return 0


def _evaluate(options):
    from keras_pnnh.applications import create_model
    from keras_pnnh.data_format import input_shape
    from keras_pnnh.training import evaluate

    data = load(options, "test")
    check_labels(options, data)
    with refuse_foreign_options(options):
        model = create_model(
            options.model,
            weights=options.weights,
            classes=len(data.class_names),
            input_shape=input_shape(*data.images.shape[1:]),
            **architecture(options),
        )
    result = evaluate(model, data, options.batch_size, options.record)
    print(
        f"{options.model}, weights {options.weights}: "
        f"{100 * result['accuracy']:.2f} % of {result['images']} images, "
        f"loss {result['loss']:.4f}"
    )
    return 0


def _classify(options):
    from rich.console import Console

    from keras_pnnh.training import classify

    with refuse_foreign_options(options):
        predictions = classify.classify_files(
            options.model,
            options.weights,
            options.images,
            options.top,
            **architecture(options),
        )
    Console().print(classify.as_table(predictions))
    return 0


def _analyze(options):
    import keras
    import numpy as np

    from keras_pnnh.analysis import write_report
    from keras_pnnh.data_format import as_data_format

    data = load(options, "test")
    keras.utils.set_random_seed(options.seed)
    order = np.random.default_rng(options.seed).permutation(len(data.labels))
    chosen = order[: options.images]
    results = write_report(
        _models_to_analyze(options, data),
        as_data_format(data.images[chosen], keras.config.image_data_format()),
        options.output,
        title=f"{options.model} on {len(chosen)} images",
    )
    for label, result in results.items():
        print(f"{label}: {result}")
    print(f"report: {options.output}/report.html")
    return 0


def _models_to_analyze(options, data):
    """The model, its twins before training, and the trained one."""
    import keras

    from keras_pnnh.applications import create_model
    from keras_pnnh.data_format import input_shape

    if options.model.endswith(".keras"):
        if options.weights is not None:
            raise ValueError(
                "A `.keras` file brings its own weights. Received: --model "
                f"{options.model} with --weights {options.weights}. Leave "
                "--weights out, or name the model as `keras-pnnh list` does."
            )
        return {options.model: keras.saving.load_model(options.model)}
    arguments = {
        "classes": len(data.class_names),
        "input_shape": input_shape(*data.images.shape[1:]),
    }
    models = {
        label: create_model(options.model, internal_path=path, **arguments)
        for label, path in (
            ("no path", "none"),
            ("residual", "residual"),
            ("coder (PNNH)", "coder"),
        )
    }
    if options.weights is not None:
        models[f"trained: {options.weights}"] = create_model(
            options.model, weights=options.weights, **arguments
        )
    return models


def _list(options):
    from keras_pnnh.applications import list_models
    from keras_pnnh.weights import list_weights

    weights = list_weights()
    for name in list_models():
        tags = [
            key.split(".")[1] for key in weights if key.startswith(name + ".")
        ]
        print(f"{name:24s} weights: {', '.join(tags) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
