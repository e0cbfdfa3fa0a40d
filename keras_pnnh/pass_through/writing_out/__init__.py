"""Pass-through channels written out in ordinary layers."""

from keras_pnnh.pass_through.writing_out.certify import certify_written_out
from keras_pnnh.pass_through.writing_out.plan import plan_written_out
from keras_pnnh.pass_through.writing_out.ranges import Ranges
from keras_pnnh.pass_through.writing_out.wires import NotWrittenOutError
from keras_pnnh.pass_through.writing_out.write_out import write_out

__all__ = [
    "NotWrittenOutError",
    "Ranges",
    "certify_written_out",
    "plan_written_out",
    "write_out",
]
