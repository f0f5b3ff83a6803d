from pathlib import Path

import pytest

from ccx_runner.settings import Options, Places, SettingsError, agents, check, wish_of
from ccx_runner.wishes import Wish

PLACES = {"CCX_RUN_DIR": "/run/ccx", "CCX_TERMINATION_LOG": "/dev/termination-log"}


def test_the_places_come_from_the_environment() -> None:
    told = {"CCX_POD_IP": "10.0.0.7", "CCX_READINESS_PORT": "8099", "CCX_PROMPT": "hé"}
    assert Places.of({**PLACES, **told}) == Places(
        Path("/run/ccx"), Path("/dev/termination-log"), ("10.0.0.7", 8099), "hé".encode()
    )


def test_without_a_pod_there_is_no_readiness_and_without_a_prompt_no_stdin() -> None:
    places = Places.of(PLACES)
    assert (places.readiness, places.prompt) == (None, None)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"CCX_RUN_DIR": ""}, "CCX_RUN_DIR: must name a directory"),
        ({"CCX_TERMINATION_LOG": ""}, "CCX_TERMINATION_LOG: must name the file"),
        ({"CCX_POD_IP": "10.0.0.7"}, "set both or neither"),
        ({"CCX_POD_IP": "10.0.0.7", "CCX_READINESS_PORT": "http"}, "must be a port"),
        ({"CCX_POD_IP": "10.0.0.7", "CCX_READINESS_PORT": "70000"}, "must be a port"),
    ],
)
def test_a_wrong_place_is_named(changed: dict[str, str], why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        Places.of({**PLACES, **changed})


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (Options(()), "no program is named"),
        (Options(("x",), Wish(1, "Cancelled")), "nothing to start"),
        (Options(("x",), snapshot_bytes=100), "--snapshot-bytes: must be more than"),
        (Options(("x",), grace=-1), "0 or more"),
        (Options(("x",), spool_bytes=1000), "--spool-bytes: must be 4194304 or more"),
    ],
)
def test_what_can_never_work_is_refused(options: Options, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        check(options)


def test_a_wish_is_optional_and_a_wrong_one_is_named() -> None:
    assert wish_of(None) is None
    with pytest.raises(SettingsError, match="--wish: generation: must be"):
        wish_of("{}")


def test_the_agent_does_not_get_the_prompt_or_our_settings() -> None:
    assert agents({**PLACES, "CCX_PROMPT": "secret", "HOME": "/home/agent"}) == {
        "HOME": "/home/agent"
    }
