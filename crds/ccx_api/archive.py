"""What becomes of the output beyond its pod."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field

from ccx_api.model import ApiModel, rules
from ccx_api.references import Name

_WORD: Final = "[A-Za-z0-9_][A-Za-z0-9._-]*"


class Archive(ApiModel):
    """The whole output with its streams, and Claude's transcript, on a claim: written as it comes,
    so that it can be read by `attach` when the pod has gone. A volume that is slow or full costs
    the archive its completeness, and the execution nothing but 10 s at its end.
    """

    volume_claim_name: Name | None = None
    """A claim that exists already. That of the workspace if absent."""

    path: Annotated[str, Field(min_length=1, max_length=200, pattern=f"^{_WORD}(/{_WORD})*$")] = (
        "archive"
    )
    """A folder of the claim. Each attempt has one of its pod's name in it."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!self.path.matches('^(home|workspace)(/|$)')",
                "spec.output.archive.path: home and workspace are the agent's own folders",
            )
        )
    )
