"""docs/operations.md names what there is, and all of it."""

import re
from pathlib import Path

from ccx_api.conditions import Reason
from ccx_gateway import errors
from ccx_gateway import options as gateway_options
from ccx_gateway.access_rules import VERBS
from ccx_operator import options as operator_options
from ccx_operator.options import parse
from support.metering import gateway_page, operator_page
from support.rights import LIST as RIGHTS
from support.rights import listed

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
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


def test_it_names_every_flag_that_there_is() -> None:
    of_operator, _, of_gateway = OPERATIONS.partition("## Running the gateway")
    for text, module in ((of_operator, operator_options), (of_gateway, gateway_options)):
        flags = {flag for action in module.parser()._actions for flag in action.option_strings}
        assert flags - set(re.findall(r"--[a-z-]+", text)) == {"-h", "--help"}


def test_the_rights_that_its_runbooks_ask_about_are_given() -> None:
    """Else the answer is "no" also where all is well."""
    given = listed(RIGHTS.read_text(encoding="utf-8"))
    asked = re.findall(
        r"auth can-i (\w+) (\w+)(?:/(\S+))? -n cc-executor --as \S+:(\S+)", OPERATIONS
    )
    assert len(asked) == OPERATIONS.count("auth can-i ")
    for verb, resource, name, account in asked:
        right = rf"{account}: {verb} {resource}(\.\S+)?{f' {name}' if name else ''} in cc-executor"
        assert any(re.fullmatch(right, known) for known in given), right


def test_the_log_lines_that_its_runbooks_look_for_are_written() -> None:
    sources = [*(ROOT / "operator").rglob("*.py"), *(ROOT / "gateway").rglob("*.py")]
    code = "".join(path.read_text(encoding="utf-8") for path in sources)
    looked_for = re.findall(r"kubectl .* logs .*\| grep '\"?([^'\"]+)\"?'", OPERATIONS)
    assert len(looked_for) >= 3
    for words in looked_for:
        assert re.search(rf"log\.\w+\(\s*\"[^\"]*{words}", code), words


def test_the_protocols_page_names_every_error_and_every_method() -> None:
    protocol = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")
    classes = [e for e in vars(errors).values() if isinstance(e, type)]
    codes = {str(e.code) for e in classes if issubclass(e, errors.GatewayError)}
    assert codes <= set(re.findall(r"-32\d{3}", protocol))
    table = protocol.partition("## Methods")[2].partition("## Output")[0]
    listed = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert set(listed) == set(VERBS)
    assert len(listed) == len(VERBS)
