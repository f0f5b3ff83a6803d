import pytest

from devcluster.kubelet.local_paths import LocalPaths

PATHS = LocalPaths({"/ccx": "/n/ccx", "/tmp": "/tmp/n/tmp", "/run/ccx": "/n/run", "/a/": "/n/a"})


@pytest.mark.parametrize(
    ("token", "local"),
    [
        ("/ccx", "/n/ccx"),
        ("/ccx/runner.pyz", "/n/ccx/runner.pyz"),
        ("/run/ccx/sock", "/n/run/sock"),
        ("--dir=/ccx", "--dir=/n/ccx"),
        ('{"dir": "/ccx", "n": 1}', '{"dir": "/n/ccx", "n": 1}'),
        ("cat /ccx/a>/tmp/b;ls /a", "cat /n/ccx/a>/tmp/n/tmp/b;ls /n/a"),
        ("/ccx:/tmp", "/n/ccx:/tmp/n/tmp"),
        ("/ccx2", "/ccx2"),
        ("/ccx.old", "/ccx.old"),
        ("/ccx-*", "/ccx-*"),
        ("/tmp*", "/tmp*"),
        ("/opt/ccx", "/opt/ccx"),
        ("https://host/tmp", "https://host/tmp"),
        ("${HOME}/tmp/x", "${HOME}/tmp/x"),
        ("~/tmp", "~/tmp"),
    ],
)
def test_a_mount_path_in_an_argument_is_replaced_at_its_boundaries(token: str, local: str) -> None:
    assert PATHS.in_token(token) == local


@pytest.mark.parametrize(
    ("value", "local"),
    [
        ("/ccx", "/n/ccx"),
        ("/ccx/bin:/usr/bin:/tmp", "/n/ccx/bin:/usr/bin:/tmp/n/tmp"),
        ("/ccxx", "/ccxx"),
        ("see /ccx", "see /ccx"),
        ("", ""),
    ],
)
def test_an_env_value_is_replaced_only_where_it_is_a_path(value: str, local: str) -> None:
    assert PATHS.in_value(value) == local


def test_a_path_outside_of_all_mounts_has_no_local_one() -> None:
    assert PATHS.of("/tmp/x") == "/tmp/n/tmp/x"
    assert PATHS.of("/temp") is None
    assert LocalPaths({}).in_token("/tmp") == "/tmp"
