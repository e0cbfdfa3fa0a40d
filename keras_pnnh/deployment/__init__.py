"""Files for other runtimes, each compared with the Keras model it holds."""

from keras_pnnh.deployment.cut_figure import plot_cuts
from keras_pnnh.deployment.export import export
from keras_pnnh.deployment.formats import list_formats
from keras_pnnh.deployment.report import ExportReport
from keras_pnnh.deployment.run_file import run_file
from keras_pnnh.deployment.transfer import pack, unpack

__all__ = [
    "ExportReport",
    "export",
    "list_formats",
    "pack",
    "plot_cuts",
    "run_file",
    "unpack",
]
