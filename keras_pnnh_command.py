"""What the console command `keras-pnnh` starts.

It stands outside the package because `import keras_pnnh` imports Keras: layers
and models have to be registered with `keras.saving`, or a file that was saved
would not load. Keras takes one to three seconds, and `--help`, `--version` and
a wrong option need none of it. Where this module was imported first, the
package leaves the registration to the command, which does it after parsing.
"""

import sys


def main() -> int:
    """Run the command line; returns the exit status."""
    from keras_pnnh.cli.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
