"""Networks that no test names: from a seed, converted and compared."""

import pytest
from conversion_checks import convert, write_out
from random_networks import random_network


@pytest.mark.torch_only
@pytest.mark.parametrize("seed", range(5))
def test_any_network_becomes_a_chain(seed):
    convert(random_network(seed))


@pytest.mark.torch_only
@pytest.mark.parametrize("seed", range(6, 9))
def test_any_rectified_network_is_written_out(seed):
    model = random_network(seed, rectified=True)
    plain, _ = convert(model)
    write_out(model, plain)
