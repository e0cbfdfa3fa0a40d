"""A student learns from a teacher."""

import keras
import numpy as np
import pytest
from harness import to_numpy
from keras import ops

from keras_pnnh.training import Teacher, train
from keras_pnnh.training.distillation import taught_by


@pytest.fixture
def teacher_model(make_model):
    return make_model(seed=3)


def linear(size, classes):
    return keras.Sequential(
        [
            keras.Input((size, size, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(classes),
        ]
    )


def as_floats(data):
    return data.images[:4].astype("float32")


def loss_of(student, teacher, data, x, y):
    """The loss of one step, without a step."""
    student.compile(loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    with taught_by(teacher, student, data):
        logits = student(x, training=True)
        return float(
            to_numpy(student.compute_loss(x=x, y=y, y_pred=logits))
        ), to_numpy(logits)


def softened(logits, temperature):
    scores = np.exp(
        logits / temperature - (logits / temperature).max(-1, keepdims=True)
    )
    return scores / scores.sum(-1, keepdims=True)


@pytest.mark.parametrize("probabilities", [False, True])
def test_the_loss_is_hintons(
    make_model, teacher_model, tiny_data, probabilities
):
    x = as_floats(tiny_data)
    y = np.eye(3, dtype="float32")[tiny_data.labels[:4]]
    known = to_numpy(teacher_model(x))
    model = teacher_model
    if probabilities:
        model = keras.Sequential([teacher_model, keras.layers.Softmax()])
    teacher = Teacher(model, weight=0.25, temperature=3.0)
    loss, logits = loss_of(make_model(), teacher, tiny_data, x, y)
    own = -(y * np.log(softened(logits, 1.0))).sum(-1).mean()
    p, q = softened(known, 3.0), softened(logits, 3.0)
    far = (p * np.log(p / q)).sum(-1).mean()
    np.testing.assert_allclose(loss, 0.75 * own + 0.25 * 9 * far, rtol=1e-4)


def test_where_the_two_look_is_compared(make_model, teacher_model, tiny_data):
    x = as_floats(tiny_data)
    y = np.eye(3, dtype="float32")[tiny_data.labels[:4]]
    student = make_model()
    plain, _ = loss_of(student, Teacher(teacher_model), tiny_data, x, y)
    with_maps = Teacher(teacher_model, stages=("stage1",), stage_weight=10.0)
    more, _ = loss_of(student, with_maps, tiny_data, x, y)
    assert more > plain + 1e-3
    # Of a network with the same weights nothing is apart inside.
    same = Teacher(make_model(), stages=("stage1",), stage_weight=10.0)
    bare = Teacher(make_model())
    student = make_model()
    outputs = [
        # In inference, so that the norms of both do the same.
        _loss_in_inference(student, each, tiny_data, x, y)
        for each in (same, bare)
    ]
    assert outputs[0] == pytest.approx(outputs[1], abs=1e-4)


def _loss_in_inference(student, teacher, data, x, y):
    student.compile(loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    with taught_by(teacher, student, data):
        logits = student(x, training=False)
        return float(to_numpy(student.compute_loss(x=x, y=y, y_pred=logits)))


def test_a_run_is_taught_recorded_and_resumed(
    make_model, teacher_model, tiny_data, tiny_recipe, tmp_path
):
    before = teacher_model.get_weights()
    alone = train(make_model(), tiny_data, tiny_recipe, tmp_path / "alone")
    teacher = Teacher(teacher_model, stages={"stage1": "stage1"})
    student = make_model()
    record = train(
        student, tiny_data, tiny_recipe, tmp_path / "run", teacher=teacher
    )
    assert record["teacher"]["temperature"] == 4.0
    assert len(record["teacher"]["weights"]) == 64
    assert "teacher" not in alone
    assert record["epochs"][-1]["loss"] != alone["epochs"][-1]["loss"]
    # Validation is that of the labels.
    assert "compute_loss" not in vars(student)
    assert "call" not in vars(student.get_layer("stage1_block1_relu2"))
    assert teacher_model.trainable
    for now, then in zip(teacher_model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)

    other = Teacher(make_model(seed=4), stages={"stage1": "stage1"})
    with pytest.raises(ValueError, match="other settings: teacher"):
        train(
            make_model(), tiny_data, tiny_recipe, tmp_path / "run",
            resume=True, teacher=other,
        )  # fmt: skip


def test_the_teacher_gets_no_gradient(make_model, teacher_model, tiny_data):
    if keras.backend.backend() != "torch":
        pytest.skip("torch keeps gradients in the variables")
    x = as_floats(tiny_data)
    y = np.eye(3, dtype="float32")[tiny_data.labels[:4]]
    student = make_model()
    student.compile(loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    with taught_by(
        Teacher(teacher_model, stages=("stage1",)), student, tiny_data
    ):
        logits = student(ops.convert_to_tensor(x), training=True)
        student.compute_loss(x=x, y=y, y_pred=logits).backward()
    assert all(v.value.grad is None for v in teacher_model.weights)
    assert any(v.value.grad is not None for v in student.trainable_weights)


@pytest.mark.torch_only
@pytest.mark.parametrize(
    ("teacher", "said"),
    [
        (lambda make: Teacher(make(), stages=("stage9",)), "stages, blocks or"),
        (
            lambda make: Teacher(make(), stages={"stage1": "stage2"}),
            "maps of one size",
        ),
        (lambda make: Teacher(make(), stages=("head",)), "maps of one size"),
        (lambda make: Teacher(make(), weight=0), "above 0 and at most 1"),
        (lambda make: Teacher(make(), temperature=-1), "`temperature`"),
        (
            lambda make: Teacher(
                keras.Sequential(
                    [
                        keras.Input((8, 8, 3)),
                        keras.layers.Flatten(),
                        keras.layers.Dense(5),
                    ]
                )
            ),
            "the same classes",
        ),
        (
            lambda make: Teacher(
                keras.Sequential(
                    [
                        keras.Input((9, 9, 3)),
                        keras.layers.Flatten(),
                        keras.layers.Dense(3),
                    ]
                )
            ),
            "the same images",
        ),
    ],
)
def test_what_does_not_fit(
    teacher, said, make_model, tiny_data, tiny_recipe, tmp_path
):
    with pytest.raises(ValueError, match="Received") as caught:
        train(
            make_model(), tiny_data, tiny_recipe, tmp_path / "run",
            teacher=teacher(make_model),
        )  # fmt: skip
    assert said in str(caught.value)


@pytest.mark.torch_only
def test_nobody_teaches_himself(make_model, tiny_data, tiny_recipe, tmp_path):
    model = make_model()
    with pytest.raises(ValueError, match="another network than its student"):
        train(
            model, tiny_data, tiny_recipe, tmp_path / "run",
            teacher=Teacher(model),
        )  # fmt: skip


@pytest.mark.torch_only
def test_what_is_refused_leaves_the_student_as_it_was(make_model, tiny_data):
    student, teacher = make_model(), make_model(seed=1)
    # Neither logits nor probabilities.
    odd = keras.Sequential([teacher, keras.layers.Activation("relu")])
    names = {"stage1": teacher.name}
    with pytest.raises(ValueError, match="Received"):
        with taught_by(Teacher(odd, stages=names), student, tiny_data):
            pass
    odd = keras.Model(teacher.input, odd.layers[-1](teacher.output))
    with pytest.raises(ValueError, match="logits, or probabilities"):
        with taught_by(Teacher(odd, stages=("stage1",)), student, tiny_data):
            pass
    assert "compute_loss" not in vars(student)
    assert not any("call" in vars(layer) for layer in student.layers)
