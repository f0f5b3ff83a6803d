"""What stands in the record of a namespace: the text, its bounds, and the folding of old days."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ccx_operator.usage_record import (
    DAYS,
    MAX_UIDS,
    MONTHS,
    Body,
    Entry,
    added,
    entry_of,
    recorded,
    recorder,
)
from ccx_operator.usage_tally import (
    COUNTS,
    MAX_MODELS,
    MAX_TEXT,
    OTHER,
    Tally,
    UnreadableError,
    amount,
    model_name,
    plus,
    read,
    written,
)
from support.reconciling import NOW, UID, an_execution, was

TODAY = date(2026, 1, 1)
USED: dict[str, Any] = {"inputTokens": 1200, "outputTokens": 30, "costUSD": "0.0125"}


def an_entry(uid: str = UID, day: date = TODAY, model: str = "m", cost: str = "0.5") -> Entry:
    return Entry(uid, "ns", "e1", day, model, Tally({"succeeded": 1}, Decimal(cost)))


def record_of(*entries: Entry, body: Body | None = None, today: date = TODAY) -> Body:
    return added(body, entries, keep=lambda _: True, recorder="me", today=today)


def test_an_execution_adds_its_end_its_time_its_tokens_and_its_cost() -> None:
    status = was(
        "Failed",
        "MaxTurns",
        completionTime=NOW,
        activeSeconds=7,
        usage=USED,
        session={"id": "s", "model": "claude-x"},
    )
    record = record_of(entry_of(an_execution(status=status), NOW))
    assert record["data"]["2026-01-01"] == (
        "claude-x:\n  failed: 1\n  activeSeconds: 7\n  inputTokens: 1200\n  outputTokens: 30\n"
        "  costUSD: '0.0125'\n"
    )


def test_a_command_has_no_model_and_no_cost() -> None:
    entry = entry_of(an_execution(command=["true"], status=was("Succeeded", "Completed")), NOW)
    assert record_of(entry)["data"] == {"2026-01-01": "no model:\n  succeeded: 1\n"}


def test_what_is_added_to_a_day_is_summed_by_model() -> None:
    body = record_of(an_entry("1"), an_entry("2", cost="0.25"), an_entry("3", model="n"))
    body = record_of(an_entry("4"), body=body)
    found = yaml.safe_load(body["data"]["2026-01-01"])
    assert found == {
        "m": {"succeeded": 3, "costUSD": "1.25"},
        "n": {"succeeded": 1, "costUSD": "0.5"},
    }


def test_the_newest_day_comes_first_and_what_others_wrote_beside_them_stays() -> None:
    mine = {"metadata": {"name": "x", "labels": {"a": "b"}, "annotations": {"c": "d"}}}
    body = record_of(
        an_entry("1", TODAY - timedelta(days=1)), an_entry("2"), body={**mine, "data": {"n": "!"}}
    )
    assert list(body["data"]) == ["n", "2026-01-01", "2025-12-31"]
    assert body["metadata"]["labels"]["a"] == "b"
    assert body["metadata"]["annotations"]["c"] == "d"


def test_it_says_whose_usage_is_in_it_and_who_wrote_it() -> None:
    body = record_of(an_entry("1"), an_entry("2"))
    assert (recorded(body), recorder(body)) == (("1", "2"), "me")
    body = added(body, [an_entry("3")], keep=lambda uid: uid != "1", recorder="you", today=TODAY)
    assert (recorded(body), recorder(body)) == (("2", "3"), "you")
    assert (recorded(None), recorder(None)) == ((), None)


def test_of_too_many_uids_the_newest_stay() -> None:
    body = record_of(*(an_entry(str(n)) for n in range(MAX_UIDS + 5)))
    assert recorded(body)[0] == "5"


def test_old_days_are_added_to_their_month_and_old_months_go() -> None:
    body: Body | None = None
    for days in (0, DAYS - 1, DAYS, DAYS + 1):
        body = record_of(an_entry(str(days), TODAY - timedelta(days=days)), body=body)
    assert body is not None
    body["data"] |= {"2023-12": written({"m": Tally()}), "2024-01": written({"m": Tally()})}
    body = record_of(an_entry("last"), body=body)
    assert list(body["data"]) == ["2026-01-01", "2025-10-02", "2025-10", "2025-09", "2024-01"]
    assert read(body["data"]["2025-10"])["m"].counts["succeeded"] == 1


def test_a_day_that_somebody_has_garbled_is_an_error_that_names_it_and_an_old_one_is_left() -> None:
    body = {"metadata": {"name": "x"}, "data": {"2026-01-01": "[]", "2024-05-05": "?"}}
    with pytest.raises(UnreadableError, match=r"data\.2026-01-01 of ConfigMap cc-executor-usage"):
        record_of(an_entry(), body=body)
    other = record_of(an_entry(day=TODAY - timedelta(days=1)), body=body)
    assert (other["data"]["2026-01-01"], other["data"]["2024-05-05"]) == ("[]", "?")


@pytest.mark.parametrize(
    "text", ["", "[", "a: 1", "a: {succeeded: many}", "a: [1]", "a" * (MAX_TEXT + 1)]
)
def test_a_text_that_is_not_ours_is_not_read(text: str) -> None:
    with pytest.raises(UnreadableError):
        read(text)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("0.1", "0.1"),
        ("1e999999", "1e12"),
        ("NaN", "0"),
        ("-1", "0"),
        ("free", "0"),
        ("1e15", "1e12"),
    ],
)
def test_a_cost_is_an_amount_of_money_or_nothing(word: str, found: str) -> None:
    assert amount(word) == Decimal(found)


def test_what_a_model_is_called_fits_into_a_line() -> None:
    assert model_name("claude-x") == "claude-x"
    assert model_name("a\nb: é") == "a?b: ?"
    assert model_name("x" * 999) == "x" * 64
    assert (model_name(None), model_name("  ")) == ("no model", "no model")


names = st.text(max_size=80).map(model_name)
tallies = st.builds(
    Tally,
    st.dictionaries(st.sampled_from(COUNTS), st.integers(0, 10**18)),
    st.integers(0, 10**18).map(lambda n: amount(Decimal(n) / 1000)),
)


@given(st.lists(st.tuples(names, tallies), max_size=40))
def test_a_text_is_read_back_as_it_was_and_never_longer_than_may_be_read(
    parts: list[tuple[str, Tally]],
) -> None:
    total: dict[str, Tally] = {}
    for model, tally in parts:
        total = dict(plus(total, model, tally))
    text = written(total)
    assert len(text) <= MAX_TEXT
    again = read(text) if total else {}
    assert written(again) == text
    assert len(again) <= MAX_MODELS + 1


def test_the_fullest_record_there_can_be_is_well_below_the_limit_of_a_config_map() -> None:
    most = Tally(dict.fromkeys(COUNTS, 10**18), amount("1e15"))
    models = [*(f"{n:02}" + "'" * 62 for n in range(MAX_MODELS)), OTHER]
    text = written(dict.fromkeys(models, most))
    uids = 37 * MAX_UIDS
    whole = len(json.dumps(text)) * (DAYS + 1 + MONTHS + 1) + uids
    assert whole < 0.9 * 2**20
    assert uids < 256 * 1024


def test_without_a_time_of_its_end_it_is_todays_and_without_tokens_it_costs_nothing() -> None:
    status = was("Succeeded", "Completed", usage={"inputTokens": 5})
    entry = entry_of(an_execution(status=status), NOW)
    assert (entry.day, entry.tally.cost) == (NOW.date(), Decimal(0))
    ended = was("Succeeded", "Completed", completionTime=NOW - timedelta(days=3))
    assert entry_of(an_execution(status=ended), NOW).day == NOW.date() - timedelta(days=3)


def test_what_comes_late_is_added_to_its_month() -> None:
    body = record_of(an_entry("1", TODAY - timedelta(days=DAYS)))
    assert list(body["data"]) == ["2025-10"]


def test_a_key_that_is_no_month_is_not_taken_for_an_old_one() -> None:
    body = record_of(an_entry("1"), body={"metadata": {"name": "x"}, "data": {"0-note": "mine"}})
    assert body["data"]["0-note"] == "mine"


def test_of_too_many_models_the_rest_is_one() -> None:
    tallies: dict[str, Tally] = {}
    for number in range(MAX_MODELS + 3):
        tallies = dict(plus(tallies, f"m{number}", Tally({"succeeded": 1})))
    assert len(tallies) == MAX_MODELS + 1
    assert tallies[OTHER].counts["succeeded"] == 3
    again = plus(tallies, "m0", Tally({"succeeded": 1}))
    assert again["m0"].counts["succeeded"] == 2


def test_a_text_that_is_too_long_is_not_even_parsed() -> None:
    with pytest.raises(UnreadableError, match="more than"):
        read("m: {succeeded: 1}" + " " * MAX_TEXT)
