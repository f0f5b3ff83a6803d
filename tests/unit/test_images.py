import io
import json
import re
import tarfile
import tomllib
from pathlib import Path

import pytest

from ccx_operator.options import parse
from images import base, engine, wheels
from images.archive import Image, archive
from images.build import build_again, image_name, saved_id
from images.errors import ImagesError

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IMAGE = Image("docker.io/cc-executor/pause:1", "amd64", ["/pause"], "65535:65535")


def files_of(packed: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        found = {member.name: tar.extractfile(member) for member in tar}
        return {name: file.read() for name, file in found.items() if file is not None}


def a_program(path: Path, code: str) -> None:
    path.write_text(f"#!/bin/sh\n{code}\n", encoding="utf-8")
    path.chmod(0o755)


def test_equal_programs_make_equal_archives() -> None:
    assert archive(IMAGE, {"pause": b"x"}) == archive(IMAGE, {"pause": b"x"})


def test_the_archive_names_its_image_and_holds_the_program_in_its_layer() -> None:
    files = files_of(archive(IMAGE, {"pause": b"program"}))
    (manifest,) = json.loads(files["manifest.json"])
    config = json.loads(files[manifest["Config"]])
    assert manifest["RepoTags"] == ["docker.io/cc-executor/pause:1"]
    assert config["config"] == {"Entrypoint": ["/pause"], "User": "65535:65535"}
    assert files_of(files[manifest["Layers"][0]]) == {"pause": b"program"}


def test_the_program_is_executable_for_everybody() -> None:
    layer = files_of(archive(IMAGE, {"pause": b"program"}))["layer.tar"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        assert [member.mode for member in tar] == [0o755]


def test_the_id_of_a_saved_image_is_read_from_its_archive(tmp_path: Path) -> None:
    saved = tmp_path / "image.tar"
    assert saved_id(saved) is None
    with tarfile.open(saved, "w") as tar:
        manifest = b'[{"Config":"%s.json","RepoTags":["x"]}]' % (b"ab" * 32)
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(manifest)
        tar.addfile(entry, io.BytesIO(manifest))
    assert saved_id(saved) == "ab" * 32


def test_an_engine_that_is_here_but_does_not_work_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_program(tmp_path / "docker", "exit 1")
    a_program(tmp_path / "buildah", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert engine.find(tmp_path / "log").program == "buildah"
    (tmp_path / "buildah").unlink()
    with pytest.raises(ImagesError, match="docker, podman, buildah"):
        engine.find(tmp_path / "log")


def test_a_failed_build_quotes_what_the_engine_said(tmp_path: Path) -> None:
    a_program(tmp_path / "engine", "echo no space left on device; exit 1")
    failing = engine.Engine(str(tmp_path / "engine"), ("build",), tmp_path / "log")
    with pytest.raises(ImagesError, match="no space left on device"):
        failing.build("name", tmp_path)


def test_without_a_registry_the_base_of_a_wish_is_not_replaced(tmp_path: Path) -> None:
    a_program(tmp_path / "engine", "echo no such host; exit 1")
    offline = engine.Engine(str(tmp_path / "engine"), ("build",), tmp_path / "log")
    with pytest.raises(ImagesError, match="my/base cannot be had: no such host"):
        base.choose(offline, "my/base", None, print)


def test_the_default_base_is_the_dockerfiles() -> None:
    found = re.search(r"^ARG BASE=(.*)$", DOCKERFILE, re.MULTILINE)
    assert found is not None
    assert f"docker.io/library/{found[1]}" == base.DEFAULT
    assert base.SUITE in base.DEFAULT


def pins(text: str) -> dict[str, str]:
    """Package -> version."""
    found = re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in found}


@pytest.mark.parametrize("path", wheels.LISTS)
def test_what_goes_into_the_images_is_pinned_as_everywhere_and_hashed(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    everywhere = pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    known = {name: everywhere[name] for name in pins(text) if name in everywhere}
    assert {name: pins(text)[name] for name in known} == known, "run `make hashes`"
    for requirement in re.split(r"\n(?=\S)", text.strip()):
        assert re.match(r"[\w.-]+==\S+( ;[^\\]*)? \\\n    --hash=sha256:", requirement)


def test_the_images_have_the_dependencies_and_what_builds_our_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = [project["project"]["dependencies"], project["build-system"]["requires"]]
    for path, wanted in zip(wheels.LISTS, asked, strict=True):
        names = {re.split(r"[>=<]", word)[0].lower() for word in wanted}
        listed = pins((ROOT / path).read_text(encoding="utf-8")).keys()
        assert names <= listed, f"{path}: run `make hashes`"


def test_an_image_whose_layers_differ_when_it_is_built_again_is_an_error(tmp_path: Path) -> None:
    count = tmp_path / "count"
    count.write_text("", encoding="utf-8")
    a_program(tmp_path / "engine", f'[ "$1" = build ] || {{ echo x >> {count}; wc -l < {count}; }}')
    changing = engine.Engine(str(tmp_path / "engine"), ("build",), tmp_path / "log")
    with pytest.raises(ImagesError, match=r"control:1 has other layers .*\('1', '2'\)"):
        build_again(changing, "control", {"VERSION": "1"})


def test_the_operator_asks_for_the_images_that_are_built() -> None:
    images = parse([]).images
    version = images.runner.partition(":")[2]
    assert image_name("runner", version) == f"docker.io/{images.runner}"
    assert image_name("runtime", version) == f"docker.io/{images.runtime}"


def test_no_image_runs_as_root_or_starts_a_shell() -> None:
    stages = dict(
        re.findall(r"^FROM \S+ AS (\w+)\n(.*?)(?=^FROM|\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    )
    for target in ("control", "runner", "runtime"):
        assert "\nUSER 10001:10001\n" in stages[target]
        assert re.search(r"^CMD \[", stages[target], re.MULTILINE)
        assert "ENTRYPOINT" not in stages[target]
