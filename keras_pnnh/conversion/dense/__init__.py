"""Carried channels written out as ordinary layers."""

from keras_pnnh.conversion.dense.plan import plan_dense_form
from keras_pnnh.conversion.dense.rectifiers import DenseFormError

__all__ = ["DenseFormError", "plan_dense_form"]
