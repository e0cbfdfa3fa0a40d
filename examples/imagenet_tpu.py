"""Train PlainResNet50, or its twin, on a TPU slice with any number of hosts.

The same as imagenet_gpu.py; each host runs this script and reads its own
share of the images.

Run on one host of a TPU VM:
    python examples/imagenet_tpu.py --data-dir gs://BUCKET/tensorflow_datasets
On a pod slice, from your own machine:
    gcloud compute tpus tpu-vm ssh NAME --zone ZONE --worker=all --command \
        "cd keras_pnnh && python examples/imagenet_tpu.py --hosts auto \
        --data-dir gs://BUCKET/tensorflow_datasets --output /mnt/shared/run"
On GPUs of several hosts by SLURM, one process a host:
    srun --ntasks-per-node=1 python examples/imagenet_tpu.py --hosts auto ...
By hand, on each host I of N:
    ... --hosts ADDRESS_OF_HOST_0:1234 --processes N --process I
Smoke:    python examples/imagenet_tpu.py --smoke
Needs:    as imagenet_gpu.py, with pip install "jax[tpu]".
Measured: not measured. Tested with processes on one CPU alone: neither a TPU
          nor a pod has run it (docs/scale.md).
"""

import argparse
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")

import imagenet_gpu

from keras_pnnh.training import join_hosts


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--hosts")
    parser.add_argument("--processes", type=int)
    parser.add_argument("--process", type=int)
    options, others = parser.parse_known_args(sys.argv[1:])
    # Before anything is computed.
    join_hosts(options.hosts, options.processes, options.process)
    imagenet_gpu.main(imagenet_gpu.parse(others, __doc__))


if __name__ == "__main__":
    main()
