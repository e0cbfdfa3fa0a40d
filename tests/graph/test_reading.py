import keras
import numpy as np
import pytest
from keras import layers

from keras_pnnh import graph


def nested_model():
    """A model that calls another one twice and adds the results."""
    inner_input = keras.Input((4,), name="inner_input")
    hidden = layers.Dense(4, name="inner_dense")(inner_input)
    inner = keras.Model(
        inner_input, layers.ReLU(name="inner_relu")(hidden), name="inner"
    )
    x = keras.Input((4,), name="x")
    total = layers.Add(name="add")([inner(x), inner(inner(x))])
    return keras.Model(x, total)


def names(calls):
    return [call.layer.name for call in calls]


def call_original(layer, args, kwargs):
    return layer(*args, **kwargs)


def test_nested_calls_are_read_through_and_kept_apart():
    network = graph.read(nested_model())
    inner = ["inner_dense", "inner_relu"]
    assert sorted(names(network.calls)) == sorted(["x", *inner * 3, "add"])
    assert names(network.calls)[0] == "x"
    assert names(network.calls)[-1] == "add"
    made = [tensor for call in network.calls for tensor in call.outputs]
    assert len(set(made)) == len(made)
    # Every tensor is made before it is read.
    seen = set()
    for call in network.calls:
        assert seen.issuperset(call.inputs)
        seen.update(call.outputs)
    assert network.calls[-1].outputs == network.outputs


def test_readers_and_producers():
    network = graph.read(nested_model())
    readers, producers = network.readers(), network.producers()
    (images,) = network.calls[0].outputs
    assert names(readers[images]) == ["inner_dense", "inner_dense"]
    assert readers[network.outputs[0]] == [None]
    assert {producers[tensor].layer.name for tensor in producers} == {
        "x",
        "inner_dense",
        "inner_relu",
        "add",
    }
    first, second = network.calls[-1].inputs
    assert producers[first].inputs != producers[second].inputs


def test_a_tensor_read_twice_by_one_call_is_listed_twice():
    x = keras.Input((4,), name="x")
    model = keras.Model(x, [layers.Multiply(name="square")([x, x]), x])
    network = graph.read(model)
    (tensor,) = network.calls[0].outputs
    square = network.calls[1]
    assert square.inputs == (tensor, tensor)
    assert network.readers()[tensor] == [square, square, None]
    assert network.outputs == (square.outputs[0], tensor)


def test_a_call_holds_its_arguments():
    x = keras.Input((4,), name="x")
    y = layers.Dropout(0.5, name="dropout")(x, training=True)
    call = graph.read(keras.Model(x, y)).calls[-1]
    assert call.args == call.inputs
    assert call.inputs[0].shape == (None, 4)
    assert call.kwargs == {"training": True}


def test_layers_without_a_part_in_the_result_are_left_out():
    x = keras.Input((4,), name="x")
    y = layers.Dense(3, name="used")(x)
    layers.Dense(3, name="unused")(y)
    model = keras.Model(x, y)
    assert names(graph.read(model).calls) == ["x", "used"]


@pytest.mark.every_backend
def test_sequential_models():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="d")])
    assert names(graph.read(model).calls)[1:] == ["d"]
    outer_input = keras.Input((4,), name="x")
    outer = keras.Model(outer_input, model(outer_input))
    assert names(graph.read(outer).calls) == ["x", "d"]


def test_a_model_cut_out_of_another():
    x = keras.Input((4,), name="x")
    y = layers.Dense(3, name="first")(x)
    z = layers.Dense(3, name="second")(y)
    calls = graph.read(keras.Model(y, z)).calls
    assert names(calls)[1:] == ["second"]
    assert calls[0].outputs == calls[1].inputs


class WithoutGraph(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    "model", [WithoutGraph(name="mine"), keras.Sequential(name="mine")]
)
def test_models_without_a_graph_are_refused(model):
    with pytest.raises(ValueError, match="'mine', which has none"):
        graph.read(model)
    with pytest.raises(ValueError, match="'mine', which has none"):
        graph.replay(model, [], call_original)


@pytest.mark.every_backend
def test_replay_on_numbers_equals_the_model():
    model = nested_model()
    x = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    (result,) = graph.replay(
        model, [keras.ops.convert_to_tensor(x)], call_original
    )
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(result), model.predict(x, verbose=0), 1e-5
    )


def test_replay_replaces_every_call():
    calls = []

    def count(layer, args, kwargs):
        calls.append(layer.name)
        return args[0][0] + args[0][1] if layer.name == "add" else args[0] + 1

    assert graph.replay(nested_model(), [10], count) == [12 + 14]
    assert sorted(calls) == ["add"] + ["inner_dense"] * 3 + ["inner_relu"] * 3


@pytest.mark.every_backend
@pytest.mark.parametrize("as_keyword", [True, False])
def test_a_nested_model_passes_training_on_to_its_layers(as_keyword):
    inner_input = keras.Input((4,))
    dropped = layers.Dropout(0.5, name="dropout")(inner_input)
    inner = keras.Model(inner_input, layers.ReLU(name="relu")(dropped))
    x = keras.Input((4,), name="x")
    y = inner(inputs=x, training=True) if as_keyword else inner(x)
    seen = {}

    def record(layer, args, kwargs):
        seen[layer.name] = kwargs.get("training")
        return args[0]

    model = keras.Model(x, y)
    graph.replay(model, [0], record)
    assert bool(seen["dropout"]) == as_keyword
    assert "relu" in seen
    read = {call.layer.name: call.kwargs for call in graph.read(model).calls}
    assert bool(read["dropout"]["training"]) == as_keyword
    assert read["relu"] == {}  # it does not take the argument


def test_nested_models_with_several_inputs_and_outputs():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    inner = keras.Model(
        {"a": a, "b": b},
        {"sum": layers.Add()([a, b]), "first": layers.ReLU(name="relu")(a)},
    )
    x, y = keras.Input((2,), name="x"), keras.Input((2,), name="y")
    results = inner({"a": x, "b": y})
    model = keras.Model(
        [x, y], layers.Subtract(name="end")([results["sum"], results["first"]])
    )
    values = [np.float32([[1, 2]]), np.float32([[3, 4]])]
    tensors = [keras.ops.convert_to_tensor(value) for value in values]
    (result,) = graph.replay(model, tensors, call_original)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(result), [[3, 4]], 1e-6
    )
    assert len(graph.read(model).calls[-1].inputs) == 2
