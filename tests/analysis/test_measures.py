import numpy as np
import pytest

from keras_pnnh.analysis.measures import (
    activation_mean,
    activation_variance,
    dead_share,
    effective_rank,
    gradient_norm,
    linear_cka,
    mean_cosine,
    ridge_r2,
    survival_share,
)

# Two images of one pixel, three channels.
SMALL = np.float32([[[[1, 0, -2]]], [[[3, 0, 2]]]])


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape)


def test_survival_by_hand():
    assert survival_share(SMALL) == 3 / 6
    assert dead_share(SMALL) == pytest.approx(1 / 3)  # the zero in the middle
    assert dead_share(np.zeros((2, 5))) == 1
    assert survival_share(np.ones((2, 5))) == 1


def test_moments_by_hand():
    assert activation_mean(SMALL) == pytest.approx(4 / 6)
    assert activation_variance(SMALL) == pytest.approx(18 / 6 - (4 / 6) ** 2)


def test_read_out_of_a_linear_map_is_perfect():
    x = normal(100, 4, 4, 5)
    features = 1e3 * x @ normal(5, 7) + 50
    assert ridge_r2(features, x, penalty=1e-9) == pytest.approx(1, abs=1e-6)


def test_read_out_by_hand():
    """With the penalty of one variance the coefficient is 1 / 2."""
    x = np.array([[-1.0], [1.0], [-1.0], [1.0]])
    assert ridge_r2(x, x, penalty=1.0) == pytest.approx(1 - 0.25)
    # Half of the variance is noise that the features do not have.
    signal, noise = normal(2, 40000, 1)
    assert ridge_r2(signal, signal + noise) == pytest.approx(0.5, abs=0.02)


def test_read_out_finds_nothing_in_noise_or_constants():
    features, targets = normal(2, 400, 3)
    assert abs(ridge_r2(features, targets)) < 0.05
    assert abs(ridge_r2(np.ones((400, 3)), targets)) < 0.05


def test_read_out_is_scored_on_other_images():
    """What is learnt by heart does not count."""
    features, targets = normal(20, 50), normal(20, 1)[::-1]
    assert ridge_r2(features, targets, penalty=1e-9) < 0.5


@pytest.mark.parametrize("shapes", [((1, 2), (1, 2)), ((4, 2), (4, 3, 2))])
def test_read_out_needs_matching_images(shapes):
    with pytest.raises(ValueError, match="features of shape"):
        ridge_r2(*map(np.ones, shapes))


def test_read_out_needs_targets_that_vary():
    with pytest.raises(ValueError, match="2 images to test on"):
        ridge_r2(normal(4, 2), np.ones((4, 2)))


def test_cka_does_not_see_rotation_and_scale():
    x = normal(30, 4)
    rotation, _ = np.linalg.qr(normal(4, 4))
    assert linear_cka(x, 7 * x @ rotation + 2) == pytest.approx(1)
    assert linear_cka(x, np.ones((30, 2))) == 0


def test_cka_by_hand():
    """|y'x|^2 / (x'x y'y): for single features the squared correlation."""
    x, y = np.array([[1.0], [2], [3], [6]]), np.array([[0.0], [1], [1], [0]])
    expected = np.corrcoef(x[:, 0], y[:, 0])[0, 1] ** 2
    assert linear_cka(x, y) == pytest.approx(expected)
    # Two equal, uncorrelated features against one of them: 1 / sqrt(2).
    square = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
    assert linear_cka(square, square[:, :1]) == pytest.approx(0.5**0.5)


def test_cka_needs_the_same_images():
    with pytest.raises(ValueError, match="30 and 20"):
        linear_cka(normal(30, 2), normal(20, 2))


def test_cosine_by_hand():
    angles = np.array([[1.0, 0], [0, 2], [3, 3]])
    assert mean_cosine(angles) == pytest.approx(2 * 0.5**0.5 / 3)
    assert mean_cosine(np.array([[1.0, 2], [10, 20], [0, 0]])) == (
        pytest.approx(1)
    )
    assert mean_cosine(np.zeros((3, 2))) == 1
    rectified = np.maximum(normal(100, 20000), 0)
    assert mean_cosine(rectified) == pytest.approx(1 / np.pi, abs=0.01)
    with pytest.raises(ValueError, match="Received: 1"):
        mean_cosine(angles[:1])


def test_rank_by_hand():
    square = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
    assert effective_rank(square) == pytest.approx(2)
    assert effective_rank(np.outer([1.0, 2, 5], [1, 2, 3])) == pytest.approx(1)
    # Variances 3 and 1: shares 3/4 and 1/4.
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    scaled = square * np.sqrt([3, 1])
    assert effective_rank(scaled) == pytest.approx(np.exp(entropy))
    assert effective_rank(np.ones((4, 3))) == 0
    # More channels than samples: four samples span three directions.
    tetrahedron = np.pad(np.eye(4), ((0, 0), (0, 9)))
    assert effective_rank(tetrahedron) == pytest.approx(3)


def test_gradient_norm_by_hand():
    gradients = np.float32([[[3, 4]], [[0, 1]]])
    assert gradient_norm(gradients) == pytest.approx(np.sqrt((25 + 1) / 2))
