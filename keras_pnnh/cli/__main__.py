"""`python -m keras_pnnh.cli`."""

import sys

from keras_pnnh.cli import main

sys.exit(main())
