import keras
import numpy as np
import pytest

from keras_pnnh.training.checkpoint import load_checkpoint, save_checkpoint


def compiled(units=4, dtype=None):
    inputs = keras.Input((3,))
    x = keras.layers.Dropout(0.5, dtype=dtype)(inputs)
    x = keras.layers.Dense(units, dtype=dtype)(x)
    model = keras.Model(inputs, x)
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    model.compile(optimizer, "mse")
    optimizer.build(model.trainable_variables)
    return model


def state(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def test_restores_weights_momenta_steps_and_random_states(tmp_path):
    model = compiled()
    x, y = np.ones((4, 3), "float32"), np.ones((4, 4), "float32")
    model.fit(x, y, epochs=2, verbose=0)
    save_checkpoint(model, tmp_path / "state.npz")
    expected = state(model)
    other = compiled()
    assert any(
        not np.array_equal(found, wanted)
        for found, wanted in zip(state(other), expected, strict=True)
    )
    load_checkpoint(other, tmp_path / "state.npz")
    for found, wanted in zip(state(other), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert int(other.optimizer.iterations) == 2
    if keras.backend.backend() == "torch":
        return  # its dropout draws from torch's own generator
    # The dropouts, too, go on alike.
    model.fit(x, y, verbose=0, shuffle=False)
    other.fit(x, y, verbose=0, shuffle=False)
    for found, wanted in zip(state(other), state(model), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_keeps_bfloat16(tmp_path):
    model = compiled(dtype="bfloat16")
    save_checkpoint(model, tmp_path / "state.npz")
    other = compiled(dtype="bfloat16")
    load_checkpoint(other, tmp_path / "state.npz")
    for found, wanted in zip(state(other), state(model), strict=True):
        np.testing.assert_array_equal(
            found.astype("float32"), wanted.astype("float32")
        )


def damage_end(content):
    return content[: len(content) // 2]


def damage_one_byte(content):
    # Amid the first array, where nothing but its checksum can tell.
    where = content.index(b"\x93NUMPY") + 130
    return content[:where] + bytes([content[where] ^ 1]) + content[where + 1 :]


def damage_all(content):
    return b"no archive"


@pytest.mark.parametrize("damage", [damage_end, damage_one_byte, damage_all])
def test_damaged_file_leaves_the_model_alone(damage, tmp_path):
    model = compiled()
    path = tmp_path / "state.npz"
    save_checkpoint(model, path)
    path.write_bytes(damage(path.read_bytes()))
    before = state(model)
    with pytest.raises(ValueError, match="must be complete.*state.npz"):
        load_checkpoint(model, path)
    for found, wanted in zip(state(model), before, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_file_of_another_model_is_refused(tmp_path):
    save_checkpoint(compiled(4), tmp_path / "state.npz")
    with pytest.raises(ValueError, match="variables of the model"):
        load_checkpoint(compiled(5), tmp_path / "state.npz")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="without 'state.npz'"):
        load_checkpoint(compiled(), tmp_path / "state.npz")
