"""The table of packages in docs/architecture.md says what is so."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "fairlead"
ROW = re.compile(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", re.MULTILINE)
TABLE = dict(ROW.findall((ROOT / "docs" / "architecture.md").read_text()))


def packages():
    return {path.parent.name for path in SOURCE.glob("*/__init__.py")}


def imported(package):
    """The packages of ours that one imports."""
    found = set()
    for path in (SOURCE / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.ImportFrom(module="fairlead", names=names):
                    found |= {each.name for each in names}
                case ast.ImportFrom(module=str(module)) if module.startswith("fairlead."):
                    found.add(module.split(".")[1])
    return found & packages() - {package}


def test_every_package_has_its_row():
    assert set(TABLE) == packages()


def test_what_packages_import_is_what_their_rows_say():
    above = set()
    for package, allowed in TABLE.items():
        said = above if allowed == "all above" else set(re.findall(r"\w+", allowed))
        assert imported(package) == said, package
        above = above | {package}
