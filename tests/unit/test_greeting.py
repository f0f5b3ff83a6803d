import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_api import snapshot as contract
from ccx_api.snapshot import Snapshot, unreadable
from ccx_operator.last_words import other_version, parse_snapshot
from ccx_runner.frames import (
    ClientFrame,
    Credit,
    End,
    Gap,
    Lease,
    Output,
    Read,
    Reply,
    Request,
    RunnerFrame,
    SnapshotFrame,
    Stream,
    Verb,
    client_frames,
    encode,
    runner_frames,
)
from ccx_runner.greeting import PROGRAM, VERSIONS, Greeting, agreed, disagreement, greeting

LINK_1: dict[str, Any] = json.loads(
    (Path(__file__).parent / "golden/link-1.json").read_text(encoding="utf-8")
)
"""Frames of version 1 as its programs wrote them: never to be written anew."""

WISH = {"generation": 3, "desiredState": "Paused", "activeDeadlineSeconds": 60}
TOLD: dict[str, Any] = json.loads(LINK_1["terminationMessage"])

OLD_CLIENT: dict[str, ClientFrame] = {
    "read": Read(1, 4096),
    "credit": Credit(262144),
    "pause": Request(Verb.PAUSE, 2, WISH),
    "resume": Request(Verb.RESUME, "r", {"generation": 4, "desiredState": "Running"}),
    "cancel": Request(Verb.CANCEL, 3),
    "interrupt": Request(Verb.INTERRUPT, 4),
    "status": Request(Verb.STATUS, 5),
    "lease": Lease(),
    "lease done": Lease(done=True),
}
OLD_RUNNER: dict[str, RunnerFrame] = {
    "output": Output(10, Stream.STDERR, b"line\n"),
    "gap": Gap(0, 10),
    "snapshot": SnapshotFrame(TOLD),
    "reply": Reply(2, snapshot=TOLD),
    "reply to read": Reply(1, offset=10),
    "refusal": Reply(2, error="stale generation"),
    "end of the link": Reply(None, error="16 links are open: close one first"),
    "end": End(15),
}


def test_what_a_client_of_version_1_says_is_understood_and_what_it_is_told_is_the_same() -> None:
    recorded = {name: text.encode("latin-1") for name, text in LINK_1["client"].items()}
    assert {name: next(client_frames().feed(data)) for name, data in recorded.items()} == OLD_CLIENT
    assert {name: encode(frame) for name, frame in OLD_CLIENT.items()} == recorded


def test_what_a_runner_of_version_1_says_is_understood_and_what_it_is_told_is_the_same() -> None:
    recorded = {name: text.encode("latin-1") for name, text in LINK_1["runner"].items()}
    assert {name: next(runner_frames().feed(data)) for name, data in recorded.items()} == OLD_RUNNER
    assert {name: encode(frame) for name, frame in OLD_RUNNER.items()} == recorded


def test_the_last_words_of_a_runner_of_version_1_are_read() -> None:
    snapshot = parse_snapshot(LINK_1["terminationMessage"] + "\n")
    assert snapshot is not None
    assert (snapshot.state, snapshot.frozen_by) == ("Paused", ("local", "spec"))
    assert snapshot.claude is not None
    assert (snapshot.claude.cost_usd, snapshot.claude.restarts) == ("0.25", 0)


@pytest.mark.parametrize("v", VERSIONS)
def test_this_version_and_the_one_before_are_read_whatever_they_say_beside(v: int) -> None:
    told = {**TOLD, "v": v, "link": greeting(), "new": {"deep": [1]}}
    assert unreadable(told) == ""
    assert Snapshot.model_validate(told).generation == 3


@pytest.mark.parametrize("v", [0, VERSIONS[-1] + 1, 99])
def test_another_version_is_named_with_ours(v: int) -> None:
    message = json.dumps({**TOLD, "v": v})
    assert parse_snapshot(message) is None
    words = f"its runner tells of itself in version {v}, this program reads 1-2"
    assert other_version(message) == words


@pytest.mark.parametrize("message", ["", "out of memory", "[1]", "{", '{"v":"x"}', "[" * 100_000])
def test_what_is_no_snapshot_is_not_of_another_version(message: str) -> None:
    assert other_version(message) == ""


def test_both_sides_speak_the_same_versions_and_the_program_s_is_the_package_s() -> None:
    assert contract.VERSIONS == VERSIONS
    assert version("cc-executor") == PROGRAM
    assert VERSIONS[-1] - VERSIONS[0] <= 1


@given(st.sets(st.integers(1, 9), min_size=1), st.sets(st.integers(1, 9), min_size=1))
def test_the_newest_version_that_both_speak_is_spoken(theirs: set[int], ours: set[int]) -> None:
    found = agreed(tuple(theirs), tuple(ours))
    assert found == max(theirs & ours, default=None)
    assert found == agreed(tuple(ours), tuple(theirs))


@pytest.mark.parametrize(
    "said", [None, 7, {}, {"versions": "1"}, {"versions": [None, True]}, {"program": 3}]
)
def test_who_does_not_greet_speaks_version_1(said: object) -> None:
    assert Greeting.of({"v": 1, "link": said}) == Greeting((1,), "")
    assert Greeting.of({"v": 1}) == Greeting((1,), "")
    assert Greeting.of({"v": 1, "link": greeting()}) == Greeting(VERSIONS, PROGRAM)
    assert Greeting.of({"v": 1, "link": greeting(blocks=True)}).blocks


@pytest.mark.parametrize(
    ("theirs", "ours", "words"),
    [
        ((3, 4), (1, 2), "runner 9.0 speaks link 3-4, this program 1-2: install the operator"),
        ((1,), (2, 3), "runner 9.0 speaks link 1, this program 2-3: it is two releases old"),
    ],
)
def test_who_cannot_talk_names_both_versions_and_what_to_do(
    theirs: tuple[int, ...], ours: tuple[int, ...], words: str
) -> None:
    assert disagreement(Greeting(theirs, "9.0"), ours).startswith(words)


def test_a_truth_is_no_version() -> None:
    assert Greeting.of({"link": {"versions": [True, 2]}}).versions == (2,)
