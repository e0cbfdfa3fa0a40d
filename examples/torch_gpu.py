"""Train on torch: one GPU by `fit`, several by a loop of one's own.

Run:      python examples/torch_gpu.py --data DIR             (one device)
          torchrun --nproc-per-node 8 examples/torch_gpu.py --data DIR
Smoke:    python examples/torch_gpu.py --smoke
Needs:    the extra torch.
Measured: not measured on a GPU. On two CPU processes the loop's weights were
          those of one process to 6e-8 without batch statistics; with batch
          norm they were 4e-3 off, since each process has statistics of its
          own: so the network here normalises its kernels (`norm="kernel"`).

Keras 3.15 has no distribution on torch, so several GPUs need this loop.
"""

import argparse
import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import torch

from keras_pnnh import samples
from keras_pnnh.applications import PlainResNet20
from keras_pnnh.data import load_images


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=samples.__path__[0])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=128, help="of all")
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    if options.smoke:
        options.epochs, options.batch_size = 2, 10
    data = load_images(options.data, "train", (32, 32))
    keras.utils.set_random_seed(0)
    model = PlainResNet20(
        classes=len(data.class_names), classifier_activation=None, norm="kernel"
    )
    if "WORLD_SIZE" in os.environ:  # torchrun
        loss = by_a_loop(model, data, options)
    else:
        loss = by_fit(model, data, options)
    print(f"loss of the last epoch: {loss:.4f}", flush=True)


def by_fit(model, data, options):
    model.compile(
        keras.optimizers.SGD(options.rate, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    history = model.fit(
        data.images,
        data.labels,
        batch_size=options.batch_size,
        epochs=options.epochs,
        verbose=0,
    )
    return history.history["loss"][-1]


def by_a_loop(model, data, options):
    """`DistributedDataParallel`: a Keras model on torch is a module."""
    cuda = torch.cuda.is_available()
    torch.distributed.init_process_group("nccl" if cuda else "gloo")
    rank = torch.distributed.get_rank()
    count = torch.distributed.get_world_size()
    device = torch.device("cuda", rank) if cuda else torch.device("cpu")
    model.to(device)
    parallel = torch.nn.parallel.DistributedDataParallel(
        model, device_ids=[rank] if cuda else None
    )
    optimizer = torch.optim.SGD(
        parallel.parameters(), options.rate, momentum=0.9
    )
    share = options.batch_size // count
    steps = len(data.labels) // (share * count)
    for epoch in range(options.epochs):
        # The same order everywhere; each process takes its part of a batch.
        order = np.random.default_rng(epoch).permutation(len(data.labels))
        total = 0.0
        for step in range(steps):
            start = (step * count + rank) * share
            part = order[start : start + share]
            images = torch.from_numpy(data.images[part]).float().to(device)
            labels = torch.from_numpy(data.labels[part]).long().to(device)
            logits = parallel(images, training=True)
            loss = torch.nn.functional.cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach())
    mean = torch.tensor([total / steps], device=device)
    torch.distributed.all_reduce(mean)
    torch.distributed.destroy_process_group()
    return float(mean) / count


if __name__ == "__main__":
    main()
