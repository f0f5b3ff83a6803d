import operator
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_source_roots_are_not_packages() -> None:
    """With an __init__.py, operator/ would hide the standard library's operator module."""
    roots = ("operator", "gateway", "crds", "hack")
    assert [p for p in roots if (ROOT / p / "__init__.py").exists()] == []
    assert Path(operator.__file__).parent == Path(sysconfig.get_path("stdlib"))
