from typing import Any

import pytest

from ccx_kube.errors import VersionsDiffer
from ccx_kube.runner_words import agree, understood
from ccx_runner.frames import FrameError
from ccx_runner.greeting import VERSIONS

TOLD: dict[str, Any] = {"v": 1, "state": "Running", "generation": 3}


def greeted(**link: Any) -> dict[str, Any]:
    return {**TOLD, "link": link}


def test_who_does_not_greet_speaks_version_1_and_waits_for_nobody() -> None:
    assert agree(TOLD) == (1, False)


def test_the_newest_common_version_is_agreed_on_with_what_else_is_said() -> None:
    assert agree(greeted(versions=[*VERSIONS, 99], blocks=True)) == (VERSIONS[-1], True)


def test_without_a_common_version_both_sides_are_named() -> None:
    with pytest.raises(VersionsDiffer, match="speaks link 98-99, this program "):
        agree(greeted(versions=[98, 99], program="9.9"))


def test_a_snapshot_is_understood_whatever_it_says_beside() -> None:
    assert understood({**TOLD, "new": [1]}).generation == 3


def test_one_of_another_version_is_refused_with_it() -> None:
    with pytest.raises(VersionsDiffer, match="tells of itself in version 99"):
        understood({**TOLD, "v": 99})


def test_one_that_is_not_understood_is_not_quoted() -> None:
    with pytest.raises(FrameError) as caught:
        understood({**TOLD, "control": {"action": "s3cret"}})
    assert str(caught.value).startswith("snapshot of the runner: control.")
    assert "s3cret" not in str(caught.value)
