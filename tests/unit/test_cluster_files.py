import json
from pathlib import Path

import pytest

from cluster import build, certificates, cgroups, configs, sysctls
from cluster.components import components
from cluster.places import CGROUP, KUBERNETES, Places

ROOT = Path(__file__).parents[2]
PLACES = Places(Path("/checkout/.ccx/cluster"), Path("/cache/kubernetes"))


def test_the_version_is_the_one_that_the_modules_pin() -> None:
    pinned = (ROOT / "hack/cluster/go.mod").read_text(encoding="utf-8")
    assert f"k8s.io/kubernetes v{KUBERNETES}\n" in pinned
    assert f"gitVersion=v{KUBERNETES}" in build.version_flags()


def test_every_tool_of_the_modules_is_built_and_only_those() -> None:
    pinned = (ROOT / "hack/cluster/go.mod").read_text(encoding="utf-8")
    tools = pinned.partition("tool (")[2].partition(")")[0].split()
    assert sorted(tools) == sorted(build.PACKAGES.values())


def test_every_component_is_a_program_that_is_built_or_installed() -> None:
    programs = {component.argv[0] for component in components(PLACES)}
    built = {str(PLACES.programs / name) for name in build.PACKAGES if name != "kubectl"}
    assert programs == built | {"containerd"}


def test_every_file_that_a_flag_names_is_written_by_us() -> None:
    made = {*configs.files(PLACES), *_certificate_files()}
    wanted = {
        Path(word.partition("=")[2])
        for component in components(PLACES)
        for word in component.argv[1:]
        if "=/checkout/" in word and not word.startswith(("--data-dir", "--audit-log-path"))
    }
    assert wanted - made == set()


def _certificate_files() -> set[Path]:
    argv = [word for command in certificates.commands(PLACES.pki) for word in command]
    return {Path(word) for word in argv if word.startswith(str(PLACES.pki))}


def test_the_audit_log_never_has_a_body_which_may_hold_a_prompt() -> None:
    assert {rule["level"] for rule in configs.AUDIT["rules"]} <= {"None", "Metadata"}


def test_a_configuration_that_is_read_as_yaml_is_json() -> None:
    for path, text in configs.files(PLACES).items():
        if path.suffix in (".json", ".conflist", ".kubeconfig"):
            assert json.loads(text)


@pytest.mark.parametrize("version", [1, 2])
def test_cgroups_are_made_in_every_hierarchy_and_removed_with_what_is_below(
    tmp_path: Path, version: int
) -> None:
    hierarchies = [tmp_path] if version == 2 else [tmp_path / "cpu", tmp_path / "memory"]
    for hierarchy in hierarchies:
        hierarchy.mkdir(exist_ok=True)
        (hierarchy / ("cgroup.controllers" if version == 2 else "cgroup.procs")).touch()
    cgroups.make(tmp_path)
    made = [hierarchy / CGROUP for hierarchy in hierarchies]
    assert [folder for folder in made if not folder.is_dir()] == []
    (made[0] / "kubepods/pod1").mkdir(parents=True)
    cgroups.remove(tmp_path)
    assert [folder for folder in made if folder.exists()] == []


def test_the_machines_settings_are_put_back_as_they_were_before_the_first_start(
    tmp_path: Path,
) -> None:
    for name in sysctls.CHANGED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("0\n")
    kept = tmp_path / "kept.json"
    sysctls.remember(kept, tmp_path)
    (tmp_path / "kernel/panic").write_text("10\n")
    sysctls.remember(kept, tmp_path)  # a start after a crash
    sysctls.put_back(kept, tmp_path)
    assert (tmp_path / "kernel/panic").read_text() == "0\n"
    assert not kept.exists()
