"""Carried channels written out as ordinary layers."""

from keras_pnnh.pass_through.writing_out.plan import plan_dense_form
from keras_pnnh.pass_through.writing_out.rectifiers import DenseFormError

__all__ = ["DenseFormError", "plan_dense_form"]
