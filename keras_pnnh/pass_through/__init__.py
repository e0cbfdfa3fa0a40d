"""The bridge for residual networks of others: channels that pass through.

`from_residual` makes a chain of a residual network: what a shortcut carried
passes through its layers in channels of its own. `write_out` writes these
*pass-through channels* out in ordinary layers. The bridge is complete: it takes
no further layers. What a new layer of this library computes belongs into
`keras_pnnh.layers`.
"""

from keras_pnnh.pass_through.conversion import Certificate, from_residual
from keras_pnnh.pass_through.writing_out import (
    certify_written_out,
    write_out,
)

__all__ = ["Certificate", "certify_written_out", "from_residual", "write_out"]
