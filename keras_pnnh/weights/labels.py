"""Class names, in the order of the outputs of pretrained classifiers."""

# https://www.cs.toronto.edu/~kriz/cifar.html
CIFAR10_LABELS = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
