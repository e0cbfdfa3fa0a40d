"""Published checkpoints of other libraries, read into networks of this one."""

from keras_pnnh.weights.state_dicts.mobilenet_v2 import match_mobilenet_v2
from keras_pnnh.weights.state_dicts.resnet import match_resnet
from keras_pnnh.weights.state_dicts.vit import match_vit

# Which part of which model each tensor of a state dictionary is.
MATCHES = {
    "mobilenet_v2": match_mobilenet_v2,
    "resnet": match_resnet,
    "vit": match_vit,
}
