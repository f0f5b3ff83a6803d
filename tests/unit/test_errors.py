import re

import pytest
from pydantic import BaseModel, Field, ValidationError

from ccx_gateway import errors
from ccx_gateway.errors import GatewayError, InvalidParams, error_object
from ccx_kube.errors import ApiError, Unreachable

ERRORS = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, GatewayError)]


class Params(BaseModel):
    timeout: int = Field(ge=1)


def a_validation_error(**params: object) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Params.model_validate(params)
    return caught.value


def test_the_tree_in_the_docstring_is_the_truth() -> None:
    tree = re.findall(r"(\w+) +(-\d+)( +retryable)?\n", errors.__doc__ or "")
    assert tree == [(e.__name__, str(e.code), "   retryable" * e.retryable) for e in ERRORS]


def test_every_error_has_a_code_of_its_own() -> None:
    assert len({error.code for error in ERRORS}) == len(ERRORS)


def test_invalid_params_name_the_field_and_the_rule_and_not_the_value() -> None:
    error = InvalidParams.from_validation(a_validation_error(timeout="s3cr3t"))
    told = error_object(error)["message"]
    assert told.startswith("timeout: int_parsing: Input should be a valid integer")
    assert "s3cr3t" not in told


@pytest.mark.parametrize(
    "exc", [RuntimeError("token s3cr3t"), a_validation_error(timeout="s3cr3t")]
)
def test_an_unexpected_error_tells_the_client_nothing_of_itself(exc: Exception) -> None:
    told = error_object(exc)
    assert told["code"] == -32603
    assert "s3cr3t" not in str(told)


@pytest.mark.parametrize(
    ("exc", "code", "retryable"),
    [
        (ApiError(404, "NotFound", ""), -32010, False),
        (ApiError(422, "Invalid", "metadata.name: no"), -32602, False),
        (ApiError(403, "Forbidden", "user u cannot"), -32012, False),
        (ApiError(503, "ServiceUnavailable", ""), -32015, True),
        (Unreachable("no route"), -32015, True),
    ],
)
def test_an_answer_of_the_api_server_has_its_code(
    exc: ApiError, code: int, retryable: bool
) -> None:
    told = error_object(exc)
    assert (told["code"], told["data"]) == (code, {"retryable": retryable})
