"""Times of things that take turns, so that a busy machine slows all alike."""

import statistics
import time


def take_turns(actions, rounds, before=None):
    """Seconds of every action, `{name: [one number a round]}`.

    Args:
        actions: Dictionary from name to a function without arguments.
        rounds: How often each is called, one after the other.
        before: What to do, untimed, before each action.
    """
    times = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            if before:
                before()
            start = time.perf_counter()
            action()
            times[name].append(time.perf_counter() - start)
    return times


def median_ratio(ours, theirs, digits=3):
    """The median over rounds of the ratio within a round."""
    pairs = zip(ours, theirs, strict=True)
    ratio = statistics.median(one / other for one, other in pairs)
    return round(ratio, digits)
