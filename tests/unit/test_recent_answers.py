import asyncio

import pytest

from ccx_gateway.recent_answers import MAX_ASKING, RecentAnswers, TooManyQuestionsError
from support.access import Clock


class Oracle:
    def __init__(self) -> None:
        self.asked = 0
        self.speaks = asyncio.Event()
        self.speaks.set()
        self.fails = False

    async def __call__(self) -> int:
        self.asked += 1
        await self.speaks.wait()
        if self.fails:
            raise ConnectionError
        return self.asked


async def test_an_answer_is_kept_until_it_is_too_old() -> None:
    clock, oracle = Clock(), Oracle()
    answers = RecentAnswers[str, int](size=2, seconds=60, clock=clock)
    assert (await answers.get("a", oracle)).until == clock.now + 60
    clock.now += 59.9
    assert (await answers.get("a", oracle)).value == 1
    clock.now += 0.1
    assert (await answers.get("a", oracle)).value == 2


async def test_its_age_counts_from_the_question() -> None:
    clock, oracle = Clock(), Oracle()
    answers = RecentAnswers[str, int](size=2, seconds=60, clock=clock)
    oracle.speaks.clear()
    asking = asyncio.create_task(answers.get("a", oracle))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    clock.now += 9
    oracle.speaks.set()
    assert (await asking).until == clock.now - 9 + 60


async def test_a_question_that_is_being_asked_is_not_asked_again() -> None:
    oracle = Oracle()
    answers = RecentAnswers[str, int](size=2)
    oracle.speaks.clear()
    first, *others = [asyncio.create_task(answers.get("a", oracle)) for _ in range(5)]
    await asyncio.sleep(0)
    first.cancel()  # who leaves takes the answer from nobody
    await asyncio.sleep(0)
    oracle.speaks.set()
    assert {(await other).value for other in others} == {1}
    assert oracle.asked == 1


async def test_a_failure_is_told_to_all_who_wait_and_not_kept() -> None:
    oracle = Oracle()
    answers = RecentAnswers[str, int](size=2)
    oracle.fails = True
    found = await asyncio.gather(
        answers.get("a", oracle), answers.get("a", oracle), return_exceptions=True
    )
    assert [type(exc) for exc in found] == [ConnectionError, ConnectionError]
    oracle.fails = False
    assert (await answers.get("a", oracle)).value == 2
    assert len(answers) == 1


async def test_the_longest_unused_answer_goes_first() -> None:
    oracle = Oracle()
    answers = RecentAnswers[str, int](size=2)
    for key in ("a", "b", "a", "c"):
        await answers.get(key, oracle)
    assert len(answers) == 2
    assert (await answers.get("a", oracle)).value == 1
    assert (await answers.get("b", oracle)).value == 4


async def test_questions_are_bounded() -> None:
    oracle = Oracle()
    answers = RecentAnswers[int, int](size=2)
    oracle.speaks.clear()
    asking = [asyncio.create_task(answers.get(n, oracle)) for n in range(MAX_ASKING)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyQuestionsError):
        await answers.get(-1, oracle)
    oracle.speaks.set()
    await asyncio.gather(*asking)
    await answers.get(-1, oracle)
