"""Data sets of labelled images."""

from keras_pnnh.data.labelled_images import LabelledImages
from keras_pnnh.data.load_images import load_images
from keras_pnnh.data.picture import read_image
from keras_pnnh.data.stream_images import stream_images
from keras_pnnh.data.write_folder import write_folder

__all__ = [
    "LabelledImages",
    "load_images",
    "read_image",
    "stream_images",
    "write_folder",
]
