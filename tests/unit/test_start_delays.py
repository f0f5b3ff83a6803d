from itertools import accumulate

from ccx_gateway.start_delays import QUICK, QUICK_SECONDS, SLOW, StartDelays


def test_a_start_is_noticed_within_a_quarter_of_a_second_while_it_is_new() -> None:
    delays = StartDelays()
    waits = [delays.next() for _ in range(60)]
    assert waits[0] < waits[1] < waits[2] <= QUICK
    for before, wait in zip(accumulate(waits), waits[1:], strict=False):
        assert wait <= (QUICK if before < QUICK_SECONDS else SLOW)
    assert sum(waits[:12]) > 2  # no more than a dozen questions in two seconds


def test_what_does_not_start_is_asked_once_a_second() -> None:
    delays = StartDelays()
    waits = [delays.next() for _ in range(200)]
    assert waits[-1] == SLOW
    assert sum(waits[-50:]) == 50 * SLOW
