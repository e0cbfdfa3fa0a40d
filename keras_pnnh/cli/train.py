"""The command `keras-pnnh train`."""

import argparse

from keras_pnnh.cli.options import (
    SubParsers,
    add_data,
    add_devices,
    add_hosts,
    add_model,
    add_seed,
    add_streaming,
    add_teacher,
    add_weights,
)

RECIPES = (
    "cifar, cifar-steps, cifar-short, cifar-vit-short (Transformers), speedrun "
    "(plain_wide11), imagenet-resnet50, imagenet-resnet50-a2 (300 epochs), "
    "imagenet-mobilenetv2 or imagenet-deit-small"
)

# Settings of a recipe that an option replaces.
SETTINGS: dict[str, tuple[type, str]] = {
    "epochs": (int, "passes over the training images"),
    "batch_size": (int, "images per step"),
    "learning_rate": (float, "largest learning rate"),
    "warmup_epochs": (float, "epochs until it is reached"),
    "weight_decay": (float, "share of every kernel that a step takes off"),
    "label_smoothing": (float, "share of the label given to all classes"),
    "crop_padding": (int, "largest shift of an image in pixels"),
    "crop_fill": (str, "what fills the border after a shift: zeros or reflect"),
    "erasing": (float, "share of the images that lose a rectangle"),
    "scaled_batch": (int, "images of an update that the rate is for; 0: any"),
    "accumulation": (int, "steps that make one update"),
    "average": (float, "share of the weights' average an update keeps (EMA)"),
    "clip": (float, "largest norm of an update's gradients; 0: any"),
    "crop_area": (float, "least share of an image that a crop keeps; 0: none"),
    "rand_augment": (float, "magnitude of RandAugment, 0 to 10; 0: none"),
    "rand_augment_by": (
        str,
        "who computes RandAugment: keras, or keras_cv (extra cv), which is "
        "faster and draws otherwise after a resume",
    ),
    "mixup": (float, "parameter of MixUp; 0: none"),
    "cutmix": (float, "parameter of CutMix; 0: none"),
    "validation_split": (float, "share of the images that is held out"),
}


def add_command(commands: SubParsers) -> None:
    """Add it to the sub-commands of a parser."""
    command = commands.add_parser(
        "train", help="train a model by a recipe", allow_abbrev=False
    )
    add_model(command, required=True)
    add_data(command)
    add_streaming(command)
    command.add_argument(
        "--output", required=True, help="folder of the run, made if absent"
    )
    command.add_argument(
        "--recipe", default="cifar", help=f"{RECIPES}; default: cifar"
    )
    command.add_argument(
        "--resume",
        action="store_true",
        help="go on with the interrupted run in the folder",
    )
    add_weights(
        command,
        required=False,
        more="; start from these (a second cycle, fine-tuning)",
    )
    command.add_argument(
        "--freeze",
        metavar="STAGE",
        help="leave everything before this stage, block or layer as it is, "
        "such as stage3; head trains the classifier alone",
    )
    add_teacher(command)
    add_seed(command, "initial values, order and augmentation")
    add_devices(command)
    add_hosts(command)
    command.add_argument(
        "--precision",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
        help="of the computation; default: Keras's own, float32",
    )
    for name, (kind, what) in SETTINGS.items():
        command.add_argument(
            f"--{name.replace('_', '-')}",
            type=kind,
            help=f"{what}; default: the recipe's",
        )
    command.add_argument(
        "--checkpoint-steps",
        type=int,
        default=0,
        metavar="N",
        help="keep the run every N steps, too; default: every epoch",
    )
    command.add_argument(
        "--peak-tflops",
        type=float,
        metavar="X",
        help="what one device can do at most, for the share of it that is "
        "reached; default: by its name, where it is known",
    )
    command.add_argument(
        "--profile",
        type=int,
        default=0,
        metavar="STEPS",
        help="let the backend trace so many steps into profile/",
    )
    command.add_argument(
        "--tensorboard",
        action="store_true",
        help="write TensorBoard logs (needs TensorFlow)",
    )
    command.add_argument(
        "--wandb",
        metavar="PROJECT",
        help="log every epoch to this project of Weights & Biases (needs the "
        "package wandb)",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train; everything about the run is kept in its folder."""
    import keras

    from keras_pnnh.cli.images import load
    from keras_pnnh.cli.networks import (
        architecture,
        build,
        constructor,
        find_weights,
    )
    from keras_pnnh.cli.teaching import find_teacher
    from keras_pnnh.data_format import input_shape
    from keras_pnnh.publishing.lineage import describe_weights
    from keras_pnnh.training import (
        get_recipe,
        hosts,
        join_hosts,
        train,
        use_devices,
    )

    # What is wrong in the options is said before the images are read.
    architecture(options, constructor(options.model))
    recipe = get_recipe(
        options.recipe, **{name: getattr(options, name) for name in SETTINGS}
    )
    callbacks = _callbacks(options, recipe)
    join_hosts(
        options.hosts, options.processes, options.process, options.host_timeout
    )
    data = load(options, "train")
    weights = find_weights(options)
    # The model stays on the devices that it was built on.
    with use_devices(options.devices):
        keras.utils.set_random_seed(options.seed)
        precision = {"dtype": options.precision} if options.precision else {}
        model = build(
            options,
            classes=len(data.class_names),
            input_shape=input_shape(*data.images.shape[1:]),
            classifier_activation=None,
            **precision,
        )
        train(
            model,
            data,
            recipe,
            options.output,
            teacher=find_teacher(options, data),
            callbacks=callbacks,
            seed=options.seed,
            resume=options.resume,
            description={"source": options.data.rstrip("/").split("/")[-1]},
            initial_weights=(
                describe_weights(options.model, weights) if weights else None
            ),
            tensorboard=options.tensorboard,
            freeze_until=options.freeze,
            checkpoint_steps=options.checkpoint_steps,
            peak_tflops=options.peak_tflops,
            profile_steps=options.profile,
        )
    if hosts.is_first():
        print(f"weights, record and curves: {options.output}")
    return 0


def _callbacks(options, recipe):
    """What else looks at the run."""
    if options.wandb is None:
        return []
    import dataclasses

    from keras_pnnh.training import LogToWandb

    config = {"model": options.model, **dataclasses.asdict(recipe)}
    name = options.output.rstrip("/").split("/")[-1]
    return [LogToWandb(options.wandb, name, config)]
