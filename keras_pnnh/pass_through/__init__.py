"""The bridge for foreign residual networks: channels that pass through.

What a shortcut carried travels in channels of its own. The wing is complete:
it takes no further layers.
"""

from keras_pnnh.pass_through.conversion import Certificate, from_residual

__all__ = ["Certificate", "from_residual"]
