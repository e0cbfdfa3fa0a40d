"""The recipe of the speed runs, one for all networks of a table."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Nesterov's SGD on a triangle of rates, as in arXiv 2404.00498.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images of a step; what a batch does not fill is left out
            of an epoch, other images in every epoch.
        learning_rate: The highest, of the mean loss of a batch.
        warmup: Share of the steps over which it rises; then it falls to 0.
        momentum: Of Nesterov's SGD.
        weight_decay: Added to the gradient of kernels (L2).
        label_smoothing: Share of the label that goes to all classes.
        shift: Pixels that an image is moved by, at most, with reflection.
        cutout: Edge of the square that is set to grey; 0 for none.
        clip: Largest norm of the gradient; 0 for any.
        adaptive_clip: Largest norm of the gradient of one output's kernel, as
            a share of the kernel's norm (A. Brock et al. 2021, arXiv
            2102.06171); 0 for any.
    """

    epochs: int = 12
    batch_size: int = 512
    learning_rate: float = 0.8
    warmup: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    shift: int = 2
    cutout: int = 0
    clip: float = 0.0
    adaptive_clip: float = 0.0
    compute: str = "mixed_bfloat16"
