"""Train PlainResNet50 on ImageNet with TensorFlow: a strategy, compile, fit.

Run:      python examples/imagenet_tensorflow.py --data-dir DIR  (all GPUs)
          python examples/imagenet_tensorflow.py --tpu NAME ...  (not run yet)
Smoke:    python examples/imagenet_tensorflow.py --smoke
Needs:    the extras tensorflow and train; see imagenet_input.py.
Measured: not measured. `MirroredStrategy` was tested with two logical CPUs,
          `TPUStrategy` was never run.

Batch norms are synchronised, so that replicas compute what one device would.
`MultiWorkerMirroredStrategy` fails in Keras 3.15 itself; several hosts are for
JAX (imagenet_tpu.py).
"""

import argparse
import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"

import imagenet_gpu
import keras
import tensorflow as tf
from imagenet_input import training_set, validation_set

from keras_pnnh.training import get_recipe
from keras_pnnh.training.devices import synchronize_norms


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--tpu", help="name of a TPU")
    own, others = parser.parse_known_args(sys.argv[1:])
    options = imagenet_gpu.parse(others, __doc__)
    if own.tpu:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(own.tpu)
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        strategy = tf.distribute.TPUStrategy(resolver)
    else:
        strategy = tf.distribute.MirroredStrategy()
    print(f"{strategy.num_replicas_in_sync} replicas", flush=True)
    recipe = get_recipe(
        "imagenet-resnet50",
        epochs=options.epochs,
        batch_size=options.batch_size,
        warmup_epochs=min(5, options.epochs / 2),
    )
    images, steps = training_set(options)
    with strategy.scope():
        keras.utils.set_random_seed(options.seed)
        model = imagenet_gpu.build(options)
        synchronize_norms(model)
        imagenet_gpu.compile_model(model, recipe, steps)
    imagenet_gpu.fit(model, options, images, steps, validation_set(options))


if __name__ == "__main__":
    main()
