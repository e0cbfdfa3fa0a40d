"""Where the channels are: images have a data format, all else has them last."""


def is_image(tensor):
    """Whether a tensor is a batch of images or of feature maps."""
    return len(tensor.shape) == 4


def channel_axis(tensor, axis):
    """Axis of the channels, where `axis` is that of images."""
    return axis if is_image(tensor) else len(tensor.shape) - 1


def channels_of(tensor, axis):
    """Number of channels."""
    return tensor.shape[channel_axis(tensor, axis)]


def pixels_of(tensor, axis):
    """Sizes that are neither the batch nor the channels."""
    place = channel_axis(tensor, axis)
    return (*tensor.shape[1:place], *tensor.shape[place + 1 :])


def with_channels(tensor, axis, channels):
    """Shape of the tensor with another number of channels."""
    shape = list(tensor.shape)
    shape[channel_axis(tensor, axis)] = channels
    return tuple(shape)
