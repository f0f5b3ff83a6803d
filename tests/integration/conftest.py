from collections.abc import Iterator

import pytest

from ccx_dev.stack import Stack, running_stack

TOKENS = """\
tokens:
  owner: {user: olga, audiences: [cc-executor]}
  viewer: {user: vera, audiences: [cc-executor]}
rules:
  - {users: [olga], verbs: [create, get, patch], namespaces: [default]}
  - {users: [vera], verbs: [get, list], namespaces: [default]}
"""


@pytest.fixture(scope="session")
def local_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Cluster stand-in, operator and gateway as processes of their own. The cluster knows tokens,
    for gateways that ask for one.
    """
    directory = tmp_path_factory.mktemp("stack")
    tokens = directory / "tokens.yaml"
    tokens.write_text(TOKENS, encoding="utf-8")
    with running_stack(directory, use_real_api=False, tokens=tokens) as stack:
        yield stack
