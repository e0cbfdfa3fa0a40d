"""Published residual networks as plain chains."""

import keras

from keras_pnnh.applications import _identity_coder
from keras_pnnh.graph.layer_copies import to_numpy
from keras_pnnh.layers._initial_values import replaced_later
from keras_pnnh.weights import architecture, converted


def load_chain(model_class, source, arguments):
    """The network with `coder="identity"` that a published one converts to.

    The first time the residual twin is built, loaded and converted; what comes
    out is kept, and later calls build the chain alone.

    Args:
        model_class: An `Application`.
        source: A `_weight_sources.Published`.
        arguments: Arguments of the application, with `coder="identity"`.
    """
    _identity_coder.blocks_path(
        "identity", "coder", arguments.get("dropout_rate")
    )
    twins = {**arguments, "internal_path": "residual", "coder": "autoencoder"}
    architecture.compare(
        model_class,
        architecture.describe_call(model_class, twins),
        source.made_for(model_class),
        source.url,
        arguments["name"],
    )
    new_head = arguments["include_top"] and not source.has_head_of(arguments)
    settings = {key: twins[key] for key in twins if key != "name"}
    key = converted.key_of(source.entry.sha256, settings)
    place = (source.entry.repo_id, key, source.options.get("cache_dir"))
    if key is not None and not source.options.get("force_download"):
        kept = converted.find(*place)
        if kept is not None:
            return _from_kept(model_class, kept, arguments["name"], new_head)
    with replaced_later():
        twin = model_class(**twins)
    source.download()
    source.load(twin, new_head)
    chain = _identity_coder.convert(twin, twin.pyramid_outputs)
    own = {
        key: value
        for key, value in twin.get_config().items()
        if key not in ("name", "trainable")
    }
    own |= {"internal_path": "coder", "coder": "identity"}
    if key is not None:
        converted.keep(*place[:2], _to_keep(chain, own, new_head), place[2])
    return model_class.of_chain(chain, own, arguments["name"])


def _to_keep(chain, arguments, new_head):
    form = {
        "graph": chain.model.to_json(),
        "levels": chain.levels,
        "arguments": arguments,
    }
    arrays = {
        f"{layer.name}/{index}": to_numpy(weight)
        for layer in _pretrained_layers(chain.model, new_head)
        for index, weight in enumerate(layer.weights)
    }
    return converted.Kept(form, arrays)


def _from_kept(model_class, kept, name, new_head):
    """The chain; a new head keeps its random weights."""
    form, arrays = kept
    model = keras.models.model_from_json(form["graph"])
    for layer in _pretrained_layers(model, new_head):
        count = len(layer.weights)
        layer.set_weights([arrays[f"{layer.name}/{i}"] for i in range(count)])
    chain = _identity_coder.Chain(model, form["levels"])
    return model_class.of_chain(chain, form["arguments"], name)


def _pretrained_layers(model, new_head):
    """All layers, but for a head that starts anew."""
    return [
        layer
        for layer in model.layers
        if not (new_head and layer.name == "head")
    ]
