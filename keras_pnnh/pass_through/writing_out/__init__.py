"""Pass-through channels written out in ordinary layers."""

from keras_pnnh.pass_through.writing_out.plan import plan_written_out
from keras_pnnh.pass_through.writing_out.wires import NotWrittenOutError
from keras_pnnh.pass_through.writing_out.write_out import write_out

__all__ = ["NotWrittenOutError", "plan_written_out", "write_out"]
