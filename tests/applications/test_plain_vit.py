import inspect
import math

import keras
import numpy as np
import pytest
from harness import (
    check_gradients,
    kernels_from_numpy,
    randomize,
    rest_on_torch,
    to_numpy,
)

from keras_pnnh import applications, audit, fold, save_weights
from keras_pnnh.analysis import preflight
from keras_pnnh.applications import PlainViT, PlainViTTiny16, create_model
from keras_pnnh.applications.plain_vit import VARIANTS
from keras_pnnh.data import read_image
from keras_pnnh.layers import Coder, PlainAttention, PlainDense
from keras_pnnh.layers.token_embedding import resample_positions
from keras_pnnh.samples import sample_images
from keras_pnnh.weights.loader import load

TINY = {
    "num_layers": 2,
    "num_heads": 3,
    "hidden_dim": 12,
    "mlp_dim": 30,
    "patch_size": 4,
    "input_shape": (8, 12, 3),
    "classes": 5,
    "classifier_activation": None,
}

# Of the residual twin at 224x224: https://arxiv.org/abs/2012.12877 and the
# public checkpoints of the same networks.
PARAMETERS = {
    "plain_vit_tiny16": 5_717_416,
    "plain_vit_small16": 22_050_664,
    "plain_vit_base16": 86_567_656,
}


@pytest.fixture
def pictures():
    """Four images of 8x12 pixels, values 0 to 255."""
    pixels = np.random.default_rng(0).uniform(0, 255, (4, 8, 12, 3))
    return pixels.astype("float32")


@pytest.mark.torch_only
@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_parameters_of_the_twin(variant):
    numbers = VARIANTS[variant]
    assert expected_parameters(numbers) == PARAMETERS[variant]
    # One block tells how large twelve are, and is built in no time.
    twin = create_model(variant, num_layers=1, internal_path="residual")
    assert twin.count_params() == expected_parameters(numbers, num_layers=1)
    assert twin.input_shape == (None, 224, 224, 3)
    assert twin.output_shape == (None, 1000)
    assert twin.name == variant


def expected_parameters(numbers, num_layers=None):
    """Counted from section 3.1 of arXiv 2010.11929."""
    width, hidden = numbers["hidden_dim"], numbers["mlp_dim"]
    embedding = 3 * 16 * 16 * width + width + (14 * 14 + 2) * width
    attention = 4 * (width * width + width)
    mlp = 2 * width * hidden + hidden + width
    norm = 2 * width
    layers = num_layers or numbers["num_layers"]
    head = 1000 * (width + 1)
    return embedding + layers * (attention + mlp + 2 * norm) + norm + head


@pytest.mark.torch_only
def test_the_coder_adds_its_matrices_once_and_scales():
    twin = PlainViT(**TINY, internal_path="residual")
    model = PlainViT(**TINY)
    coders = 2 * 12 * 12 + 2 * 12 * 24  # of the attention, of the MLP
    # alpha, beta and gamma; scales of values, outputs and both layers of the
    # MLP, of which the first has units without a coder.
    scales = 3 * 3 + 2 * 12 + 2 * 12 + (30 + 24) + 2 * 12
    assert model.count_params() == twin.count_params() + coders + 2 * scales
    assert sum(isinstance(layer, Coder) for layer in model.layers) == 2
    none = PlainViT(**TINY, internal_path="none")
    assert none.count_params() == twin.count_params()


@pytest.mark.parametrize("internal_path", ["residual", "none"])
@pytest.mark.parametrize("class_token", [True, False])
def test_equals_the_ordinary_vit_in_numpy(internal_path, class_token, pictures):
    model = PlainViT(
        **TINY, internal_path=internal_path, class_token=class_token
    )
    randomize(model, seed=1)
    expected = numpy_vit(model, pictures, internal_path, class_token)
    np.testing.assert_allclose(
        to_numpy(model(pictures)), expected, rtol=1e-4, atol=1e-5
    )


def numpy_vit(model, images, internal_path, class_token):
    """timm's forward pass, written from what is known of its checkpoints."""

    def weights(name):
        found = model.get_layer(name).get_weights()
        return [np.asarray(array, "float64") for array in found]

    def dense(x, kernel, bias):
        return x @ kernel + bias

    def norm(x, name):
        gamma, beta = weights(name)
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * gamma + beta

    def gelu(x):
        return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2

    def attention(x, name):
        wq, bq, wk, bk, wv, bv, wo, bo = weights(name)
        batch, count, width = x.shape
        heads = TINY["num_heads"]

        def split(x):  # (batch, heads, tokens, width of a head)
            return x.reshape(batch, count, heads, -1).transpose(0, 2, 1, 3)

        queries = split(dense(x, wq, bq)) * (width / heads) ** -0.5
        logits = queries @ split(dense(x, wk, bk)).transpose(0, 1, 3, 2)
        share = np.exp(logits - logits.max(-1, keepdims=True))
        share /= share.sum(-1, keepdims=True)
        mixed = (share @ split(dense(x, wv, bv))).transpose(0, 2, 1, 3)
        return dense(mixed.reshape(batch, count, width), wo, bo)

    kernel, bias = weights("patch_embedding")
    *class_tokens, positions = weights("token_embedding")
    batch, height, width = images.shape[:3]
    patches = (images / 127.5 - 1).reshape(
        batch, height // 4, 4, width // 4, 4, 3
    )
    patches = patches.transpose(0, 1, 3, 2, 4, 5).reshape(batch, -1, 48)
    x = dense(patches, kernel.reshape(48, -1), bias)
    x = x + positions.reshape(-1, x.shape[-1])
    if class_token:
        token = sum(class_tokens)[None].repeat(batch, axis=0)
        x = np.concatenate([token, x], axis=1)
    skip = 1.0 if internal_path == "residual" else 0.0
    for number in range(1, TINY["num_layers"] + 1):
        name = f"block{number}"
        inner = norm(x, f"{name}_norm1")
        x = skip * x + attention(inner, f"{name}_attention")
        inner = dense(norm(x, f"{name}_norm2"), *weights(f"{name}_dense1"))
        x = skip * x + dense(gelu(inner), *weights(f"{name}_dense2"))
    x = norm(x, "norm")
    return dense(x[:, 0] if class_token else x.mean(1), *weights("head"))


def silence(model):
    """Learners of zero; queries of zero let a softmax average."""
    for layer in model.layers:
        if isinstance(layer, PlainAttention):
            parts = (layer.query, layer.value, layer.output_dense)
        elif isinstance(layer, PlainDense):
            parts = (layer,)
        else:
            continue
        for part in parts:
            part.kernel.assign(np.zeros(part.kernel.shape))


@pytest.mark.parametrize("token_mixing", ["shaped", "identity_heads"])
def test_silent_learners_carry_the_tokens_to_the_end(token_mixing, pictures):
    model = PlainViT(
        **TINY,
        include_top=False,
        token_mixing=token_mixing,
    )
    silence(model)
    names = ("token_embedding", "norm")
    probe = keras.Model(
        model.input, [model.get_layer(name).output for name in names]
    )
    tokens, carried = map(to_numpy, probe(pictures))
    centred = tokens - tokens.mean(-1, keepdims=True)
    # One norm of the tokens is what all five of them come to, but for what
    # `epsilon` takes off tokens as small as that of the class.
    expected = centred / centred.std(-1, keepdims=True)
    np.testing.assert_allclose(carried, expected, rtol=0.01, atol=0.01)


@pytest.mark.torch_only
def test_before_training_a_coder_keeps_the_input_and_nothing_else_does():
    images = np.stack(
        [read_image(sample.path, (16, 16)) for sample in sample_images()]
    )
    scores = {
        path: preflight(
            PlainViT(
                4, 3, 24, 96, 4, input_shape=(16, 16, 3), internal_path=path
            ),
            images,
            gradients=False,
        ).score
        for path in ("coder", "none")
    }
    assert scores["none"] < 0.05 < 0.25 < scores["coder"]


PATHS = [
    {"internal_path": "coder"},
    {"internal_path": "coder", "token_mixing": "identity_heads"},
    {"internal_path": "coder", "class_token": False},
    {"internal_path": "residual"},
    {"internal_path": "none"},
]


@pytest.mark.parametrize("path", rest_on_torch(PATHS, everywhere=PATHS[0]))
def test_folding_keeps_the_logits_and_makes_a_chain(path, pictures):
    model = PlainViT(**TINY, **path)
    randomize(model, seed=1)
    folded = fold(model)
    expected = to_numpy(model(pictures))
    assert np.abs(expected[0] - expected[1]).max() > 1e-3
    np.testing.assert_allclose(
        to_numpy(folded(pictures)), expected, rtol=1e-4, atol=1e-5
    )
    before, after = audit(model), audit(folded)
    assert after.plain == (path["internal_path"] != "residual")
    assert before.plain == (path["internal_path"] == "none")
    assert before.macs == after.macs
    assert before.folded_parameters == after.parameters
    assert after.parameters == folded.count_params()
    assert not any(isinstance(layer, PlainDense) for layer in folded.layers)
    assert to_numpy(fold(folded)(pictures)) == pytest.approx(
        to_numpy(folded(pictures)), rel=1e-5
    )


@pytest.mark.torch_only
@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_every_variant_folds_to_a_chain(variant):
    """At its real width; more blocks would be more of the same."""
    with kernels_from_numpy():
        model = create_model(variant, num_layers=1, input_shape=(32, 32, 3))
        folded = fold(model)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3))
    np.testing.assert_allclose(
        to_numpy(folded(pixels)), to_numpy(model(pixels)), rtol=1e-4, atol=1e-6
    )
    assert audit(folded).plain


@pytest.mark.torch_only
def test_a_folded_model_can_be_saved(pictures, tmp_path):
    model = PlainViT(**TINY)
    randomize(model, seed=1)
    fold(model).save(tmp_path / "plain.keras")
    loaded = keras.saving.load_model(tmp_path / "plain.keras")
    np.testing.assert_allclose(
        to_numpy(loaded(pictures)), to_numpy(model(pictures)), rtol=1e-4
    )


@pytest.mark.torch_only
def test_multiplications_and_depth():
    report = audit(PlainViT(**TINY))
    tokens, width, hidden = 7, 12, 30
    block = tokens * (4 * width**2 + 2 * width * hidden)
    block += 2 * tokens**2 * width  # queries by keys, weights by values
    assert report.macs == 6 * 48 * width + 2 * block + 5 * width
    assert report.depth == 1 + 2 * 3 + 1


@pytest.mark.torch_only
@pytest.mark.parametrize("tokens_per_side", [2, 8])
def test_memory_of_attention(tokens_per_side):
    """Input, queries, keys, values; then the weights in place of the input."""
    tokens, width, heads = tokens_per_side**2 + 1, 12, 3
    size = 4 * tokens_per_side
    for internal_path in ("none", "residual"):
        model = PlainViT(
            **{**TINY, "input_shape": (size, size, 3)},
            internal_path=internal_path,
        )
        live = {row.name: row.live for row in audit(model).layers}
        x, pairs = tokens * width, heads * tokens**2
        expected = max(4 * x, 3 * x + pairs)
        if internal_path == "residual":
            expected += x  # which waits for the addition
        assert live["block2_attention"] == expected


@pytest.mark.parametrize("path", PATHS)
def test_every_trainable_variable_has_a_gradient(path, pictures):
    model = PlainViT(**TINY, **path, coder_training="free")
    randomize(model, seed=1)
    check_gradients(model, [pictures])
    free = path["internal_path"] == "coder"
    paths = [variable.path for variable in model.trainable_variables]
    assert sum("_coder/" in name for name in paths) == (4 if free else 0)


@pytest.mark.torch_only
@pytest.mark.parametrize(
    ("pooling", "shape"),
    [(None, (7, 12)), ("token", (12,)), ("avg", (12,)), ("max", (12,))],
)
def test_without_the_top(pooling, shape, pictures):
    whole = PlainViT(**TINY)
    randomize(whole, seed=1)
    model = PlainViT(**TINY, include_top=False, pooling=pooling)
    for layer in model.layers:
        layer.set_weights(whole.get_layer(layer.name).get_weights())
    tokens = keras.Model(whole.input, whole.get_layer("norm").output)
    tokens = to_numpy(tokens(pictures))
    expected = {
        None: tokens,
        "token": tokens[:, 0],
        "avg": tokens[:, 1:].mean(1),
        "max": tokens[:, 1:].max(1),
    }[pooling]
    assert model.output_shape == (None, *shape)
    np.testing.assert_allclose(
        to_numpy(model(pictures)), expected, rtol=1e-5, atol=1e-6
    )


@pytest.mark.torch_only
@pytest.mark.parametrize("class_token", [True, False])
def test_weights_of_another_size_are_resampled(class_token, pictures, tmp_path):
    arguments = {**TINY, "class_token": class_token}
    source = PlainViT(**arguments)
    randomize(source, seed=1)
    save_weights(source, tmp_path / "model.weights.h5")
    larger = PlainViT(**{**arguments, "input_shape": (16, 12, 3)})
    load(larger, tmp_path / "model.weights.h5")
    *same, positions = source.get_layer("token_embedding").get_weights()
    *kept, resampled = larger.get_layer("token_embedding").get_weights()
    np.testing.assert_array_equal(kept, same)
    np.testing.assert_allclose(
        resampled, resample_positions(positions, (4, 3)), rtol=1e-5
    )
    for name in ("block1_attention", "block2_dense2", "head"):
        for mine, theirs in zip(
            larger.get_layer(name).get_weights(),
            source.get_layer(name).get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.torch_only
def test_another_patch_size_is_another_architecture(tmp_path):
    save_weights(PlainViT(**TINY), tmp_path / "model.weights.h5")
    with pytest.raises(ValueError, match="patch_size: file 4, model 2"):
        PlainViTTiny16(
            weights=tmp_path / "model.weights.h5", **{**TINY, "patch_size": 2}
        )


@pytest.mark.torch_only
def test_a_small_image_form_and_default_sizes():
    small = PlainViTTiny16(patch_size=4, num_layers=1, mlp_dim=384, classes=10)
    assert small.input_shape == (None, 32, 32, 3)
    assert small.get_layer("token_embedding").output.shape == (None, 65, 192)
    grey = PlainViT(**{**TINY, "input_shape": (8, 8, 1)})
    assert grey.input_shape == (None, 8, 8, 1)


def test_dropout_leaves_the_chain_alone(pictures):
    model = PlainViT(**TINY, dropout_rate=0.5)
    names = [
        layer.name
        for layer in model.layers
        if isinstance(layer, keras.layers.Dropout)
    ]
    assert names == ["embedding_dropout", "head_dropout"]
    plain = PlainViT(**TINY)
    plain.set_weights(model.get_weights())
    np.testing.assert_allclose(
        to_numpy(model(pictures)), to_numpy(plain(pictures)), rtol=1e-5
    )
    trained = to_numpy(model(pictures, training=True))
    assert np.abs(trained - to_numpy(plain(pictures))).max() > 1e-3


@pytest.mark.torch_only
@pytest.mark.parametrize(
    ("kwargs", "rule", "received"),
    [
        (
            {"input_shape": (8, 10, 3)},
            "known multiples of `patch_size`",
            "input_shape=(8, 10, 3) with data_format='channels_last', "
            "patch_size=4",
        ),
        (
            {"input_shape": (None, 8, 3)},
            "known multiples of `patch_size`",
            "input_shape=(None, 8, 3)",
        ),
        ({"input_shape": (3, 8, 8)}, "at least 4x4", "input_shape=(3, 8, 8)"),
        ({"num_heads": 5}, "must divide `hidden_dim`", "num_heads=5"),
        ({"num_heads": 0}, "`num_heads` must be a positive", "num_heads=0"),
        ({"mlp_dim": 23}, "at least twice `hidden_dim`", "mlp_dim=23"),
        (
            {"token_mixing": "mean"},
            "`token_mixing` must",
            "token_mixing='mean'",
        ),
        ({"coder_training": 1}, "`coder_training` must", "coder_training=1"),
        ({"internal_path": "skip"}, "`internal_path` must", "'skip'"),
        ({"pooling": "mean"}, "`pooling` must", "pooling='mean'"),
        (
            {"pooling": "token", "class_token": False},
            "needs a class token",
            "class_token=False",
        ),
        ({"classes": 0}, "`classes` must", "classes=0"),
        ({"dropout_rate": 1.0}, "`dropout_rate` must", "dropout_rate=1.0"),
    ],
)
def test_wrong_arguments(kwargs, rule, received):
    with pytest.raises(ValueError) as error:
        PlainViT(**{**TINY, **kwargs})
    assert rule in str(error.value)
    assert received in str(error.value).split("Received: ")[1]


@pytest.mark.torch_only
def test_the_baseline_needs_no_room_for_pairs():
    for path in ("residual", "none"):
        PlainViT(**{**TINY, "mlp_dim": 12}, internal_path=path)


@pytest.mark.torch_only
def test_constructors_keep_the_positions_of_keras_applications():
    theirs = list(inspect.signature(keras.applications.ResNet50).parameters)
    for name, heads in (("Tiny", 3), ("Small", 6), ("Base", 12)):
        constructor = getattr(applications, f"PlainViT{name}16")
        assert constructor.__name__ == f"PlainViT{name}16"
        ours = list(inspect.signature(constructor).parameters)
        assert ours[: len(theirs)] == theirs
        assert VARIANTS[f"plain_vit_{name.lower()}16"]["num_heads"] == heads
