"""docs/operations.md names what there is, and all of it."""

import re
from pathlib import Path

from ccx_api.conditions import Reason
from ccx_gateway import errors
from ccx_gateway import options as gateway_options
from ccx_gateway.access_rules import VERBS
from ccx_operator.options import parse
from support.metering import gateway_page, operator_page

OPERATIONS = (Path(__file__).parents[2] / "docs/operations.md").read_text(encoding="utf-8")
OF_CONDITIONS_ONLY = {
    Reason.ALLOWED,
    Reason.NOT_STARTED,
    Reason.NOT_PAUSED,
    Reason.NOT_READY,
    Reason.READY,
    Reason.ENDED,
    Reason.IN_PROGRESS,
    Reason.ACTIVE,
}


def test_every_reason_of_a_phase_is_explained() -> None:
    table = OPERATIONS.partition("## What a reason means")[2].partition("## Metrics")[0]
    explained = set(re.findall(r"`([A-Z]\w+)`", table))
    assert explained & set(Reason) == set(Reason) - OF_CONDITIONS_ONLY


def test_every_metric_is_listed_and_every_listed_one_exists() -> None:
    text = operator_page() + gateway_page()
    served = set(re.findall(r"^# TYPE (ccx_\w+)", text, re.MULTILINE))
    listed = set(re.findall(r"`(ccx_\w+)", OPERATIONS))
    assert listed == served


def test_every_flag_that_it_names_is_taken() -> None:
    values = {
        "HOST:PORT": "127.0.0.1:1",
        "N": "5",
        "ORIGIN": "https://a.example",
        "FILE": "/dev/null",
    }
    of_operator, _, of_gateway = OPERATIONS.partition("## Running the gateway")
    for text, reads in ((of_operator, parse), (of_gateway, gateway_options.parse)):
        flags = re.findall(r"\| `(--[a-z-]+) ([^`\\]+)", text)
        assert flags
        for flag, value in flags:
            reads([flag, values.get(value, value)])


def test_the_protocols_page_names_every_error_and_every_method() -> None:
    protocol = (Path(__file__).parents[2] / "docs/protocol.md").read_text(encoding="utf-8")
    classes = [e for e in vars(errors).values() if isinstance(e, type)]
    codes = {str(e.code) for e in classes if issubclass(e, errors.GatewayError)}
    assert codes <= set(re.findall(r"-32\d{3}", protocol))
    table = protocol.partition("## Methods")[2].partition("## Output")[0]
    listed = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert set(listed) == set(VERBS)
    assert len(listed) == len(VERBS)
