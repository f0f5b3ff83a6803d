import json
import logging

import pytest
from pydantic import ValidationError

from ccx_api.v1alpha1 import ExecutionSpec
from ccx_kube.errors import ApiError
from ccx_operator.logs import JsonFormatter, TextFormatter


def a_validation_error() -> Exception:
    with pytest.raises(ValidationError) as caught:
        ExecutionSpec.model_validate({"prompt": ["s3cret"]})
    return caught.value


def a_record(exc: Exception | None = None, **extra: object) -> logging.LogRecord:
    info = (type(exc), exc, exc.__traceback__) if exc is not None else None
    record = logging.LogRecord("ccx", logging.ERROR, "f.py", 1, "reconcile %s", ("failed",), info)
    record.__dict__.update(extra)
    return record


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
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
    line = json.loads(JsonFormatter().format(a_record(execution="u1")))
    assert (line["level"], line["message"], line["execution"]) == (
        "error",
        "reconcile failed",
        "u1",
    )


def test_an_errors_own_words_are_kept_where_they_are_fit() -> None:
    line = TextFormatter().format(a_record(ConnectionError("connection refused")))
    assert "ConnectionError (connection refused)" in line
