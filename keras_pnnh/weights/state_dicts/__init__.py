"""Published checkpoints of other libraries, read into networks of this one."""

from keras_pnnh.weights.state_dicts.resnet import match_resnet

# Which part of which model each tensor of a state dictionary is.
MATCHES = {"resnet": match_resnet}
