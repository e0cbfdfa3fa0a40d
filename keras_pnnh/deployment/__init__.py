"""Files for other runtimes, each compared with the Keras model it holds."""

from keras_pnnh.deployment.export import export
from keras_pnnh.deployment.formats import list_formats
from keras_pnnh.deployment.report import ExportReport
from keras_pnnh.deployment.run_file import run_file

__all__ = ["ExportReport", "export", "list_formats", "run_file"]
