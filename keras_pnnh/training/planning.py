"""What a run will need, before a device is paid for."""

import math
import re
from typing import Any, NamedTuple

import keras

from keras_pnnh.auditing import audit
from keras_pnnh.training.optimizer import make_optimizer
from keras_pnnh.training.peaks import nearest, peak_of
from keras_pnnh.training.recipe import Recipe

# Training images of data sets that are known by their name.
IMAGES = {
    "imagenet2012": 1_281_167,
    "cifar10": 50_000,
    "cifar100": 50_000,
}
BYTES = {"float32": 4, "mixed_bfloat16": 2, "mixed_float16": 2}


class TrainingPlan(NamedTuple):
    """What `plan_training` estimates; `print` shows it line by line.

    Attributes:
        devices: How many there are, and what they are called.
        images: Training images.
        epochs: Passes over them.
        batch_size: Images of a step, on all devices together.
        steps: Of the whole run.
        teraflops: Operations of the whole run, in 10^12.
        images_per_second: Rate at the stated share of the peak, which the
            input must keep up with.
        input_cores: Processor cores for that, at the stated rate of a core.
        hours: Time of the training steps.
        activation_memory: Bytes a device keeps of its part of a batch for the
            way back.
        state_memory: Bytes of weights, gradients and optimizer on a device.
        checkpoint: Bytes of a checkpoint.
        assumed: What the estimate rests on, in words.

    Example:

    >>> from keras_pnnh.applications import PlainResNet20
    >>> from keras_pnnh.training import get_recipe, plan_training
    >>> model = PlainResNet20(classifier_activation=None)
    >>> plan = plan_training(model, "cifar10", "2xA100", get_recipe("cifar"))
    >>> plan.images, plan.epochs, plan.steps
    (50000, 164, 63960)
    """

    devices: str
    images: int
    epochs: int
    batch_size: int
    steps: int
    teraflops: float
    images_per_second: float
    input_cores: int
    hours: float
    activation_memory: int
    state_memory: int
    checkpoint: int
    assumed: str

    def __str__(self) -> str:
        lines = {
            "devices": self.devices,
            "images": f"{self.images:,}, {self.epochs:,} epochs",
            "steps": f"{self.steps:,} of {self.batch_size:,} images",
            "operations": f"{self.teraflops:,.0f} TFLOP",
            "input": f"{self.images_per_second:,.0f} images/s",
            "cores for it": f"{self.input_cores:,}",
            "time": f"{self.hours:,.1f} hours",
            "activations": f"{_size(self.activation_memory)} a device",
            "weights and state": f"{_size(self.state_memory)} a device",
            "checkpoint": _size(self.checkpoint),
        }
        width = max(map(len, lines)) + 2
        text = [f"{name:{width}}{value}" for name, value in lines.items()]
        return "\n".join([*text, self.assumed])


def plan_training(
    model: keras.Model,
    data: str | int,
    devices: str,
    recipe: Recipe,
    precision: str = "mixed_bfloat16",
    utilization: float = 0.15,
    images_per_core: float = 300.0,
    peak_tflops: float | None = None,
) -> TrainingPlan:
    """Estimate what a run needs: input, memory, time.

    Six operations for every multiply-accumulate of an image (forwards, and
    twice as much backwards), and every output of a layer kept for the way
    back. Nothing is run.

    Args:
        model: The `keras.Model` to train, at the size of its images.
        data: Number of training images, or `"imagenet2012"`, `"cifar10"` or
            `"cifar100"`.
        devices: How many and which, such as `"8xA100"`, `"TPU v4"`.
        recipe: `Recipe`.
        precision: `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"`.
        utilization: Share of the devices' peak that is reached: measure it on
            one (the progress line says it); `docs/study.md` has ours.
        images_per_core: Images that one core decodes and crops in a second:
            measure it by `benchmarks/input_pipeline.py`.
        peak_tflops: Peak of one device, where its name tells nothing.

    Returns:
        A `TrainingPlan`.

    Raises:
        ValueError: For a device or a data set that is not known, a size that
            the model leaves open, or a number out of range.

    Example:

    >>> from keras_pnnh.applications import PlainResNet20
    >>> from keras_pnnh.training import get_recipe, plan_training
    >>> model = PlainResNet20(classifier_activation=None)
    >>> plan = plan_training(model, 10_000, "A100", get_recipe("cifar"))
    >>> plan.images, plan.activation_memory > plan.checkpoint
    (10000, True)
    """
    count, name = _parse(devices)
    images = _images(data)
    if precision not in BYTES:
        raise ValueError(
            f"`precision` must be one of {tuple(BYTES)}. Received: "
            f"precision={precision!r}."
        )
    for label, number, most in (
        ("utilization", utilization, 1.0),
        ("images_per_core", images_per_core, math.inf),
        ("peak_tflops", 1 if peak_tflops is None else peak_tflops, math.inf),
    ):
        if not 0 < number <= most:
            raise ValueError(
                f"`{label}` must be above 0 and at most {most:g}. "
                f"Received: {label}={number}."
            )
    peak = peak_tflops or peak_of(name)
    if peak is None:
        raise ValueError(
            "The peak of a device is known by its name, or given. Received: "
            f"devices={devices!r}. Known: {', '.join(nearest(name))}. For "
            "another take `peak_tflops`, as its data sheet says."
        )
    if precision == "float32" and peak_tflops is None:
        raise ValueError(
            "Peaks are known in 16 bits only. Received: precision='float32'. "
            "Give `peak_tflops`."
        )
    report = audit(model, leave_out_unknown=True)
    steps = recipe.epochs * (images // recipe.batch_size)
    if not steps:
        raise ValueError(
            f"An epoch has at least one batch. Received: {images:,} images in "
            f"batches of {recipe.batch_size:,}."
        )
    rate = 1e12 * count * peak * utilization / (6 * report.macs)
    kept = sum(math.prod(row.output_shape) for row in report.layers)
    part = math.ceil(recipe.batch_size / count)
    optimizer = make_optimizer(recipe, images // recipe.batch_size, model)
    weights = _numbers(model.weights)
    trained = _numbers(model.trainable_weights)
    state = weights + _numbers(optimizer.variables)
    return TrainingPlan(
        devices=f"{count} x {name}",
        images=images,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        steps=steps,
        teraflops=6 * report.macs * steps * recipe.batch_size / 1e12,
        images_per_second=rate,
        input_cores=math.ceil(rate / images_per_core),
        hours=steps * recipe.batch_size / rate / 3600,
        activation_memory=part * kept * BYTES[precision],
        state_memory=4 * (state + trained),
        checkpoint=4 * state,
        assumed=(
            f"Assumed: {100 * utilization:.0f} % of a peak of {peak:g} TFLOPS "
            f"a device in {precision}, {images_per_core:g} images a second "
            "decoded by a core."
        ),
    )


def _parse(devices):
    """How many there are, and their name."""
    found = re.fullmatch(r"\s*(?:(\d+)\s*[xX*]\s*)?(\S.*?)\s*", str(devices))
    if not found or found[1] == "0":
        raise ValueError(
            "`devices` says how many and which. Received: "
            f"devices={devices!r}. Write for example '8xA100'."
        )
    return int(found[1] or 1), found[2]


def _images(data):
    if isinstance(data, int) and not isinstance(data, bool) and data > 0:
        return data
    if data not in IMAGES:
        raise ValueError(
            "A plan needs the number of training images. Received: "
            f"data={data!r}. Known by name: {', '.join(IMAGES)}; for others "
            "give the number."
        )
    return IMAGES[data]


def _numbers(variables: Any) -> int:
    return sum(math.prod(variable.shape) for variable in variables)


def _size(count):
    if count < 1e9:
        return f"{count / 1e6:,.1f} MB"
    return f"{count / 1e9:,.1f} GB"
