"""Learning from a teacher: its soft labels, and where it looks."""

import contextlib
import functools
import hashlib
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_pnnh import graph
from keras_pnnh.data import LabelledImages
from keras_pnnh.data_format import data_format_of
from keras_pnnh.training import requirements


class Teacher:
    """A trained network that another one learns from.

    The student's loss becomes `(1 - weight)` of that of the labels and
    `weight` of the distance between the two distributions of classes, both
    softened by `temperature` (Hinton et al. 2015, arXiv 1503.02531, section
    2). With `stages`, the maps of where the two look are compared as well: the
    squared activations of a stage, summed over its channels and normalised
    (Zagoruyko and Komodakis 2017, arXiv 1612.03928, equation 2). A map has no
    channels, so widths may differ and nothing is added to the student, which
    stays the chain that one deploys.

    Args:
        model: A trained classifier on the student's images and classes. It
            returns logits or probabilities, and is not changed.
        weight: Share of the teacher in the loss of the classes, from 0 to 1.
        temperature: Above 1 the teacher's second and third guess count more.
        stages: What is compared inside: a dictionary from a stage, block or
            layer of the student to one of the teacher, or names that both
            have.
        stage_weight: Factor on that part of the loss.

    Raises:
        ValueError: For a number out of range.

    Example:

    >>> from keras_pnnh.applications import PlainResNet20
    >>> from keras_pnnh.training import Teacher
    >>> teacher = Teacher(PlainResNet20(weights="cifar10"), stages=("stage2",))
    >>> teacher.stages
    {'stage2': 'stage2'}
    """

    def __init__(
        self,
        model: keras.Model,
        weight: float = 0.5,
        temperature: float = 4.0,
        stages: Mapping[str, str] | tuple[str, ...] = (),
        stage_weight: float = 1.0,
    ) -> None:
        for name, number, most in (
            ("weight", weight, 1.0),
            ("temperature", temperature, 1e6),
            ("stage_weight", stage_weight, 1e6),
        ):
            if not 0 < number <= most:
                raise ValueError(
                    f"`{name}` must be above 0 and at most {most:g}. "
                    f"Received: {name}={number}."
                )
        self.model: keras.Model = model
        self.weight: float = weight
        self.temperature: float = temperature
        self.stages: dict[str, str] = (
            dict(stages)
            if isinstance(stages, Mapping)
            else {name: name for name in stages}
        )
        self.stage_weight: float = stage_weight

    def describe(self) -> dict[str, Any]:
        """What a record says of it; a run is resumed with the same."""
        return {
            "name": self.model.name,
            "weights": _digest(self.model),
            "weight": self.weight,
            "temperature": self.temperature,
            "stages": self.stages,
            "stage_weight": self.stage_weight if self.stages else 0,
        }


@contextlib.contextmanager
def taught_by(
    teacher: Teacher | None, student: keras.Model, data: LabelledImages
) -> Iterator[None]:
    """Let a student learn from a teacher inside a `with` block.

    Args:
        teacher: `Teacher`, or None.
        student: The model whose `fit` is called; it returns logits.
        data: What the student learns.

    Raises:
        ValueError: If the two do not fit.
    """
    if teacher is None:
        yield
        return
    lesson = _Lesson(teacher, student, data)
    try:
        student.compute_loss = lesson.loss
        yield
    finally:
        del student.compute_loss
        lesson.close()


class _Lesson:
    """The loss of a student, as Keras asks for it in every step."""

    def __init__(self, teacher, student, data):
        _check_shapes(teacher.model, student)
        self._teacher, self._student = teacher, student
        self._base = student.compute_loss
        self._axes = [
            1 if data_format_of(model) == "channels_first" else -1
            for model in (student, teacher.model)
        ]
        ours = [_last_of(student, name) for name in teacher.stages]
        its = [_last_of(teacher.model, n) for n in teacher.stages.values()]
        _check_maps(teacher.stages, ours, its, self._axes)
        self._model = keras.Model(
            teacher.model.inputs[0],
            [teacher.model.outputs[0], *(output for _, output in its)],
        )
        self._logits = requirements.returns_logits(teacher.model, data)
        # Last, so that what is refused leaves the student as it was.
        self._taps = [_Tap(student.get_layer(name)) for name, _ in ours]
        # On torch, what is trained keeps what its gradient needs.
        self._was_trainable = teacher.model.trainable
        teacher.model.trainable = False

    def close(self):
        self._teacher.model.trainable = self._was_trainable
        for tap in self._taps:
            tap.close()

    def loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        own = self._base(x, y, y_pred, sample_weight, training=training)
        if not training:
            return own
        teacher = self._teacher
        seen, *maps = keras.tree.flatten(self._model(x, training=False))
        seen = ops.stop_gradient(ops.cast(seen, "float32"))
        if not self._logits:
            seen = ops.log(ops.maximum(seen, 1e-7))
        heat = teacher.temperature
        known = ops.log_softmax(seen / heat)
        guess = ops.log_softmax(ops.cast(y_pred, "float32") / heat)
        distance = ops.sum(ops.exp(known) * (known - guess), axis=-1)
        share = teacher.weight
        total = (1 - share) * own + share * heat**2 * ops.mean(distance)
        for tap, other in zip(self._taps, maps, strict=True):
            ours = _attention(tap.value, self._axes[0])
            its = ops.stop_gradient(_attention(other, self._axes[1]))
            apart = ops.mean(ops.sum(ops.square(ours - its), axis=-1))
            total = total + teacher.stage_weight * apart
        return total


class _Tap:
    """Keeps what a layer has returned, in each thread that calls it."""

    def __init__(self, layer):
        self._layer, self._local = layer, threading.local()
        call = layer.call

        @functools.wraps(call)
        def keep(*args, **kwargs):
            self._local.value = call(*args, **kwargs)
            return self._local.value

        layer.call = keep

    @property
    def value(self):
        return self._local.value

    def close(self):
        del self._layer.call


def _attention(values, axis):
    """Where a stage looks: one normalised map an image, flat."""
    values = ops.cast(values, "float32")
    maps = ops.sum(ops.square(values), axis=axis)
    maps = ops.reshape(maps, (ops.shape(maps)[0], -1))
    return maps / (ops.norm(maps, axis=-1, keepdims=True) + 1e-6)


def _positions(values, axis):
    sizes = list(values.shape[1:])
    del sizes[axis if axis < 0 else axis - 1]
    return sizes


def _last_of(model, name):
    """Name and output of the last layer of a stage, block or layer."""
    found = graph.layer_outputs(model)
    fitting = [n for n in found if n == name] or [
        n for n in found if n.startswith(f"{name}_")
    ]
    if not fitting:
        names = list(found)
        raise ValueError(
            "`stages` names stages, blocks or layers of both networks. "
            f"Received: {name!r} for '{model.name}', which has "
            f"{', '.join(names[:6])}, ..., {', '.join(names[-3:])}."
        )
    return fitting[-1], found[fitting[-1]][-1]


def _check_maps(stages, ours, its, axes):
    """Raise unless the compared stages have as many positions."""
    for names, *pair in zip(stages.items(), ours, its, strict=True):
        sizes = [
            _positions(output, axis)
            for (_, output), axis in zip(pair, axes, strict=True)
        ]
        if sizes[0] != sizes[1] or not sizes[0]:
            raise ValueError(
                "Stages that are compared have maps of one size. Received: "
                f"'{names[0]}' of the student with {sizes[0]}, '{names[1]}' "
                f"of the teacher with {sizes[1]} positions. Compare stages of "
                "the same stride."
            )


def _check_shapes(teacher, student):
    if teacher is student:
        raise ValueError(
            "A teacher is another network than its student. Received: "
            f"'{student.name}' for both. Load the teacher again."
        )
    if not graph.has_graph(teacher) or len(teacher.inputs) != 1:
        raise ValueError(
            "A teacher is a functional or sequential model with one input. "
            f"Received: '{teacher.name}'."
        )
    for what, its, ours in (
        ("images", teacher.input_shape[1:], student.input_shape[1:]),
        ("classes", teacher.output_shape[1:], student.output_shape[1:]),
    ):
        fits = len(its) == len(ours) and all(
            a is None or b is None or a == b
            for a, b in zip(its, ours, strict=True)
        )
        if not fits:
            raise ValueError(
                f"Teacher and student have the same {what}. Received: "
                f"'{teacher.name}' with {its}, '{student.name}' with {ours}. "
                + (
                    "Train the teacher on these classes first."
                    if what == "classes"
                    else "Build both for one size."
                )
            )


def _digest(model):
    found = hashlib.sha256()
    for value in model.get_weights():
        found.update(np.ascontiguousarray(value).tobytes())
    return found.hexdigest()
