import keras
import pytest
from keras import layers

from keras_pnnh.analysis import preflight
from tests.analysis import faulty


def kinds(result):
    return {fault.kind: fault for fault in result.faults}


def test_a_sound_chain_is_ready():
    result = preflight(faulty.chain(), faulty.inputs(), maximum_images=None)
    assert result.verdict == "ready"
    assert not result.faults
    assert 0.05 < result.score < 1


@pytest.mark.parametrize(
    ("plant", "kind", "verdict"),
    [
        (faulty.plant_dead_layer, "dead layer", "will not train"),
        (faulty.plant_collapse, "collapse", "will not train"),
        (faulty.plant_rank_loss, "rank loss", "at risk"),
        (faulty.plant_not_finite, "not finite", "will not train"),
    ],
)
def test_planted_faults_are_named_where_they_are(plant, kind, verdict):
    model = faulty.chain()
    plant(model)
    result = preflight(model, faulty.inputs(), maximum_images=None)
    fault = kinds(result)[kind]
    assert (fault.layer, fault.depth) == ("relu4", 4)
    assert result.verdict == verdict
    assert f"{kind} at 'relu4' (depth 4)" in str(result)
    assert fault.repair.endswith(".")


@pytest.mark.parametrize(
    ("gain", "kind"), [(1e-3, "vanishing"), (1e3, "exploding")]
)
def test_gradients_without_norms(gain, kind):
    initializer = keras.initializers.VarianceScaling(2.0 * gain)
    model = keras.Sequential([keras.Input((faulty.WIDTH,))])
    for _ in range(8):
        model.add(
            layers.Dense(faulty.WIDTH, "relu", kernel_initializer=initializer)
        )
    result = preflight(model, faulty.inputs())
    assert f"{kind} gradient" in kinds(result)


def test_a_deep_plain_chain_loses_the_input():
    model = keras.Sequential([keras.Input((faulty.WIDTH,))])
    for _ in range(20):
        model.add(layers.Dense(faulty.WIDTH, kernel_initializer="he_normal"))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
    result = preflight(model, faulty.inputs(), maximum_images=None)
    assert kinds(result)["input lost"].depth < 20
    assert result.score < 0.05
    assert result.verdict == "at risk"
