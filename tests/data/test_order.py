import numpy as np
import pytest

from keras_pnnh.data.order import IndexPlan


def read(size, batch, shards, epoch, seed=3):
    """Images of every step, by shard."""
    plans = [
        IndexPlan(size, batch, seed, shard, shards) for shard in range(shards)
    ]
    return [
        [plan.indices(epoch, step).tolist() for plan in plans]
        for step in range(plans[0].steps)
    ]


@pytest.mark.parametrize("shards", (1, 2, 4))
def test_shards_read_the_images_of_one_process_and_none_twice(shards):
    whole = read(103, 8, 1, epoch=1)
    parts = read(103, 8, shards, epoch=1)
    assert [sum(step, []) for step in parts] == [
        sum(step, []) for step in whole
    ]
    seen = [index for step in parts for shard in step for index in shard]
    assert len(seen) == len(set(seen)) == 96
    assert set(seen) <= set(range(103))
    by_shard = [
        {index for step in parts for index in step[shard]}
        for shard in range(shards)
    ]
    assert [len(some) for some in by_shard] == [96 // shards] * shards


def test_every_epoch_has_its_order_and_leaves_out_others():
    plan = IndexPlan(10, 4, seed=0)
    assert (plan.steps, plan.left_out) == (2, 2)
    epochs = [
        np.concatenate([plan.batch(epoch, step) for step in range(2)])
        for epoch in range(8)
    ]
    assert len({tuple(order) for order in epochs}) == 8
    left_out = [set(range(10)) - set(order.tolist()) for order in epochs]
    assert len(set.union(*left_out)) > 5
    assert all(len(some) == 2 for some in left_out)


def test_a_step_does_not_depend_on_the_ones_before():
    plan, other = IndexPlan(50, 7, seed=1), IndexPlan(50, 7, seed=1)
    for epoch in range(3):
        for step in range(plan.steps):
            plan.batch(epoch, step)
    np.testing.assert_array_equal(plan.batch(1, 4), other.batch(1, 4))
    different = IndexPlan(50, 7, seed=2)
    assert not np.array_equal(plan.batch(1, 4), different.batch(1, 4))


@pytest.mark.parametrize(
    "arguments, words",
    (
        ((3, 4), "at most all"),
        ((10, 0), "at least one image"),
        ((10, 5, 0, 0, 2), "multiple of the number of shards"),
        ((10, 4, 0, 2, 2), "from 0 to 1"),
    ),
)
def test_impossible_plans_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        IndexPlan(*arguments)


def test_a_step_after_the_last_is_refused():
    with pytest.raises(IndexError, match="from 0 to 1"):
        IndexPlan(10, 4).batch(0, 2)
