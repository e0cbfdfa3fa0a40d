"""Train on images that stay on the device: an epoch is one compiled call.

The loop is JAX's: Keras builds the network and computes it without state
(`stateless_call`), and the same compiled epoch serves every seed.
"""

import functools
import threading
import time

import jax
import jax.numpy as jnp
import keras
import numpy as np

# What weight decay leaves alone: everything that is no kernel of a learner.
DECAYED = ("kernel",)

# Keras draws initial values from a generator that all threads share.
BUILDING = threading.Lock()


class Trainer:
    """Compiles one network's epoch; trains it from any seed.

    Args:
        make: Function without arguments that builds the network.
        recipe: `Recipe`.
        images: Training images, uint8, `(n, size, size, 3)`.
        labels: Their labels, integers `(n,)`.
    """

    def __init__(self, make, recipe, images, labels):
        keras.config.set_dtype_policy(recipe.compute)
        self.make, self.recipe = make, recipe
        self.images, self.labels = jnp.asarray(images), jnp.asarray(labels)
        self.model = None
        # XLA's convolutions crawl inside a loop on a CPU: one call a step.
        scan = _call_by_call if jax.default_backend() == "cpu" else jax.lax.scan
        run = functools.partial(self._run_epoch, scan=scan)
        self._epoch = run
        if scan is jax.lax.scan:
            self._epoch = jax.jit(run, donate_argnums=(0, 1, 2))
        self._compiled_step = jax.jit(self._step)
        self._count = jax.jit(self._right)

    def begin(self, seed):
        """Build the network from a seed; the epoch's state to begin with."""
        with BUILDING:
            keras.utils.set_random_seed(seed)
            model = self.make()
        if self.model is None:
            self.model = model
            self.decayed = [
                float(v.name in DECAYED) for v in model.trainable_variables
            ]
        trained = [v.value for v in model.trainable_variables]
        others = [v.value for v in model.non_trainable_variables]
        return model, (trained, others, [jnp.zeros_like(v) for v in trained])

    def epochs(self, state, seed):
        """Train epoch by epoch: yields the state and the mean loss."""
        recipe = self.recipe
        steps = len(self.images) // recipe.batch_size
        rates = _triangle(recipe, steps)
        generator = np.random.default_rng(seed)
        key = jax.random.key(seed)
        for epoch in range(recipe.epochs):
            order = generator.permutation(len(self.images))
            order = order[: steps * recipe.batch_size].reshape(steps, -1)
            *state, loss = self._epoch(
                *state,
                jnp.asarray(order),
                rates[epoch * steps : (epoch + 1) * steps],
                jax.random.fold_in(key, epoch),
                jnp.asarray(epoch % 2 == 1),
                self.images,
                self.labels,
            )
            yield state, float(loss)

    def train(self, seed, validation, report):
        """Train from one seed; `report` gets each epoch's numbers."""
        model, state = self.begin(seed)
        start = time.perf_counter()
        progress = self.epochs(state, seed)
        for epoch, (state, loss) in enumerate(progress, 1):
            numbers = {
                "epoch": epoch,
                "loss": round(loss, 4),
                "seconds": round(time.perf_counter() - start, 3),
            }
            if not np.isfinite(loss):
                report(numbers)
                raise FloatingPointError(f"loss {loss} in epoch {epoch}")
            if epoch in (self.recipe.epochs, epoch // 4 * 4):
                accuracy = self.accuracy(*state[:2], *validation)
                numbers["validation"] = accuracy
            report(numbers)
            start = time.perf_counter()
        trained, others, _ = state
        self.state = (trained, others)
        for variables, values in (
            (model.trainable_variables, trained),
            (model.non_trainable_variables, others),
        ):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return model

    def accuracy(self, trained, others, images, labels, batch=500):
        """Share of right answers to one view of each image."""
        right = sum(
            int(
                self._count(
                    trained,
                    others,
                    images[start : start + batch],
                    labels[start : start + batch],
                )
            )
            for start in range(0, len(images), batch)
        )
        return right / len(images)

    def _right(self, trained, others, images, labels):
        logits, _ = self.model.stateless_call(
            trained, others, images.astype("float32"), training=False
        )
        return jnp.sum(jnp.argmax(logits, -1) == labels)

    def _run_epoch(
        self, trained, others, momenta, order, rates, key, odd, *data, scan
    ):
        # The images are an argument: a constant would be compiled in.
        step = functools.partial(
            self._compiled_step, key=key, odd=odd, data=data
        )
        state = (trained, others, momenta)
        inputs = (order, rates, jnp.arange(len(order)))
        (trained, others, momenta), losses = scan(step, state, inputs)
        return trained, others, momenta, jnp.mean(losses)

    def _step(self, state, inputs, key, odd, data):
        trained, others, momenta = state
        chosen, rate, number = inputs
        recipe = self.recipe
        images = augment(
            data[0][chosen],
            chosen,
            odd,
            jax.random.fold_in(key, number),
            recipe,
        )
        labels = data[1][chosen]

        def compute(trained):
            logits, new = self.model.stateless_call(
                trained, others, images, training=True
            )
            logs = jax.nn.log_softmax(logits.astype("float32"))
            smooth = recipe.label_smoothing
            right = jnp.take_along_axis(logs, labels[:, None], -1)[:, 0]
            mean = jnp.mean(logs, -1)
            loss = -jnp.mean((1 - smooth) * right + smooth * mean)
            return loss, new

        (loss, others), gradients = jax.value_and_grad(compute, has_aux=True)(
            trained
        )
        if recipe.clip:
            norm = jnp.sqrt(sum(jnp.sum(g**2) for g in gradients))
            scale = jnp.minimum(1.0, recipe.clip / (norm + 1e-6))
            gradients = [g * scale for g in gradients]
        if recipe.adaptive_clip:
            gradients = [
                _clip_by_kernel(g, value, recipe.adaptive_clip)
                for g, value in zip(gradients, trained, strict=True)
            ]
        for index, value in enumerate(trained):
            decay = recipe.weight_decay * self.decayed[index]
            gradients[index] = gradients[index] + decay * value
        momenta = [
            recipe.momentum * m + g
            for m, g in zip(momenta, gradients, strict=True)
        ]
        trained = [
            value - rate * (g + recipe.momentum * m)
            for value, g, m in zip(trained, gradients, momenta, strict=True)
        ]
        return (trained, list(others), momenta), loss


def _clip_by_kernel(gradient, value, most):
    """At most a share of the norm of each output's kernel."""
    if value.ndim < 4:
        return gradient
    axes = tuple(range(value.ndim - 1))
    norm = jnp.sqrt(jnp.sum(value**2, axes, keepdims=True))
    limit = most * jnp.maximum(norm, 1e-3)
    length = jnp.sqrt(jnp.sum(gradient**2, axes, keepdims=True))
    return gradient * jnp.minimum(1.0, limit / (length + 1e-12))


def _call_by_call(step, state, inputs):
    """What `jax.lax.scan` does, without compiling the loop."""
    results = []
    for current in zip(*inputs, strict=True):
        state, result = step(state, current)
        results.append(result)
    return state, jnp.stack(results)


def augment(images, chosen, odd, key, recipe):
    """Flips that alternate by epoch, shifts with reflection, cut-out."""
    x = images.astype("float32")
    count, size = x.shape[:2]
    # The first flip of an image is drawn, by a hash; the next is the other.
    first = (chosen.astype("uint32") * jnp.uint32(2654435761)) >> 31
    flip = (first == 1) ^ odd
    x = jnp.where(flip[:, None, None, None], x[:, :, ::-1], x)
    shift_key, cut_key = jax.random.split(key)
    pad = recipe.shift
    if pad:
        x = jnp.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)), "reflect")
        corners = jax.random.randint(shift_key, (count, 2), 0, 2 * pad + 1)
        x = jax.vmap(
            lambda image, corner: jax.lax.dynamic_slice(
                image, (corner[0], corner[1], 0), (size, size, 3)
            )
        )(x, corners)
    if recipe.cutout:
        centres = jax.random.randint(cut_key, (count, 2), 0, size)
        pixels = jnp.arange(size)
        low, high = recipe.cutout // 2, recipe.cutout - recipe.cutout // 2
        offset = pixels[None, None] - centres[..., None]
        inside = (offset >= -low) & (offset < high)
        cut = inside[:, 0, :, None] & inside[:, 1, None, :]
        x = jnp.where(cut[..., None], 124.0, x)
    return x


def _triangle(recipe, steps):
    total = steps * recipe.epochs
    rising = max(1, round(recipe.warmup * total))
    position = np.arange(total)
    up = (position + 1) / rising
    down = (total - position) / max(1, total - rising)
    rates = recipe.learning_rate * np.minimum(up, down).clip(0, 1)
    return jnp.asarray(rates, "float32")
