"""What a run will need: counted by hand."""

import keras
import pytest

from keras_pnnh.cli.main import main
from keras_pnnh.training import Recipe, plan_training

pytestmark = pytest.mark.torch_only

RECIPE = Recipe(epochs=2, batch_size=8, momentum=0.9)


@pytest.fixture
def model():
    """27 * 2 weights and 2 biases on 4x4 positions; two outputs."""
    return keras.Sequential(
        [
            keras.Input((4, 4, 3)),
            keras.layers.Conv2D(2, 3, padding="same", name="conv"),
            keras.layers.GlobalAveragePooling2D(name="pool"),
        ]
    )


def test_numbers_are_those_worked_out_by_hand(model):
    plan = plan_training(
        model, 20, "2xA100", RECIPE, utilization=0.5, images_per_core=1e6
    )
    macs = 27 * 2 * 16
    assert (plan.devices, plan.images, plan.epochs) == ("2 x A100", 20, 2)
    assert plan.steps == 2 * (20 // 8)
    rate = 2 * 312e12 * 0.5 / (6 * macs)
    assert plan.images_per_second == pytest.approx(rate)
    assert plan.hours == pytest.approx(4 * 8 / rate / 3600)
    assert plan.teraflops == pytest.approx(6 * macs * 4 * 8 / 1e12)
    assert plan.input_cores == -(-rate // 1e6)
    # Input, convolution and pooling, four images on a device, 2 bytes each.
    assert plan.activation_memory == 4 * 2 * (4 * 4 * 3 + 4 * 4 * 2 + 2)
    # Weights, momentum, and the optimizer's own few numbers.
    assert 0 <= plan.checkpoint - 4 * (56 + 56) < 20
    assert plan.state_memory == plan.checkpoint + 4 * 56


def test_the_average_and_adam_cost_memory(model):
    sizes = [
        plan_training(model, 20, "A100", recipe).checkpoint
        for recipe in (
            RECIPE,
            Recipe(epochs=2, batch_size=8, optimizer="adamw"),
            Recipe(epochs=2, batch_size=8, optimizer="adamw", average=0.9),
        )
    ]
    assert [b - a for a, b in zip(sizes, sizes[1:], strict=False)] == [224] * 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"devices": "8xA10O"}, "Known: A100"),
        ({"devices": "0xA100"}, "how many and which"),
        ({"devices": ""}, "how many and which"),
        ({"data": "imagenet"}, "Known by name: imagenet2012"),
        ({"data": 0}, "needs the number of training images"),
        ({"data": 7}, "at least one batch. Received: 7 images"),
        (
            {"utilization": 0.0},
            "above 0 and at most 1. Received: utilization=0",
        ),
        ({"utilization": 1.5}, "above 0 and at most 1"),
        ({"images_per_core": -1.0}, "above 0 and at most inf"),
        ({"peak_tflops": 0}, "`peak_tflops` must be above 0"),
        ({"peak_tflops": -3.0}, "`peak_tflops` must be above 0"),
        ({"precision": "float8"}, "must be one of"),
        ({"precision": "float32"}, "Give `peak_tflops`"),
    ],
)
def test_what_cannot_be_planned(changes, said, model):
    arguments = {"data": 20, "devices": "A100", "recipe": RECIPE, **changes}
    with pytest.raises(ValueError, match="Received") as caught:
        plan_training(model, **arguments)
    assert said in str(caught.value)


def test_an_unknown_device_with_its_peak(model):
    plan = plan_training(model, 20, "3 x Abacus", RECIPE, peak_tflops=1e-3)
    assert plan.devices == "3 x Abacus"
    assert "0.001 TFLOPS" in str(plan)


def test_the_command(capsys):
    arguments = ["plan", "--model", "plain_resnet20", "--recipe", "cifar"]
    arguments += ["--data", "cifar10", "--devices", "4xTPU-v4"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "devices            4 x TPU v4" in printed
    assert "50,000, 164 epochs" in printed and "275 TFLOPS" in printed
    assert main([*arguments[:-1], "Abacus"]) == 1
    assert "--peak-tflops" in capsys.readouterr().err
