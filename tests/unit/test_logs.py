import json
import logging

import pytest
from pydantic import ValidationError

from ccx_api.v1alpha1 import ExecutionSpec
from ccx_gateway.logs import ADDED as OF_GATEWAY
from ccx_kube.errors import ApiError
from ccx_kube.log_format import JsonFormatter, TextFormatter
from ccx_operator.logs import ADDED as OF_OPERATOR


def a_validation_error() -> Exception:
    with pytest.raises(ValidationError) as caught:
        ExecutionSpec.model_validate({"prompt": ["s3cret"]})
    return caught.value


def a_record(exc: Exception | None = None, **extra: object) -> logging.LogRecord:
    info = (type(exc), exc, exc.__traceback__) if exc is not None else None
    record = logging.LogRecord("ccx", logging.ERROR, "f.py", 1, "reconcile %s", ("failed",), info)
    record.__dict__.update(extra)
    return record


@pytest.mark.parametrize(
    "formatter",
    [kind(added) for kind in (JsonFormatter, TextFormatter) for added in (OF_OPERATOR, OF_GATEWAY)],
)
@pytest.mark.parametrize(
    "exc", [a_validation_error(), ApiError(422, "Invalid", "value s3cret"), ValueError("s3cret")]
)
def test_the_text_of_an_exception_that_may_quote_its_input_is_not_logged(
    formatter: logging.Formatter, exc: Exception
) -> None:
    line = formatter.format(a_record(exc))
    assert type(exc).__name__ in line
    assert "s3cret" not in line


def test_a_json_line_says_what_happened_to_whom() -> None:
    line = json.loads(JsonFormatter(OF_OPERATOR).format(a_record(execution="u1")))
    assert (line["level"], line["message"], line["execution"]) == (
        "error",
        "reconcile failed",
        "u1",
    )


@pytest.mark.parametrize("execution", ["ns/e1", {"namespace": "ns", "name": "e1"}])
def test_so_does_a_line_of_text(execution: object) -> None:
    line = TextFormatter(OF_OPERATOR).format(a_record(execution=execution))
    assert line.endswith("reconcile failed ns/e1")


def test_an_errors_own_words_are_kept_where_they_are_fit() -> None:
    line = TextFormatter(OF_OPERATOR).format(a_record(ConnectionError("connection refused")))
    assert "ConnectionError (connection refused)" in line


def test_the_gateway_keeps_no_error_s_own_words() -> None:
    line = TextFormatter(OF_GATEWAY).format(a_record(ConnectionError("connection refused")))
    assert line.endswith(": ConnectionError")


def test_what_is_told_to_the_audit_stands_in_its_line() -> None:
    audit = {"action": "execute", "outcome": "allowed", "user": "alice"}
    told = a_record(audit=audit)
    assert json.loads(JsonFormatter(OF_GATEWAY).format(told)).items() >= audit.items()
    assert TextFormatter(OF_GATEWAY).format(told).endswith("reconcile failed user=alice")


def test_a_plain_line_says_nothing_beside() -> None:
    for added in (OF_OPERATOR, OF_GATEWAY):
        line = json.loads(JsonFormatter(added).format(a_record()))
        assert line.keys() == {"time", "level", "logger", "message"}
        assert TextFormatter(added).format(a_record()).endswith("reconcile failed")
