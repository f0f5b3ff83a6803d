import io
import json
import tarfile

from images.archive import Image, archive

IMAGE = Image("docker.io/cc-executor/pause:1", "amd64", ["/pause"], "65535:65535")


def files_of(packed: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        found = {member.name: tar.extractfile(member) for member in tar}
        return {name: file.read() for name, file in found.items() if file is not None}


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
