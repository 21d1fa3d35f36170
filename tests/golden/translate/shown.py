"""How goldens of translation show IR and reports.

A value is shown without the fields that are at their defaults and without origins, a condition as
one line.
"""

from pathlib import Path

import msgspec
import yaml

from fairlead.ir.origin import Origin

HERE = Path(__file__).parent
HIDDEN = {"origin", "origins", "trust_digest"}
"""Fields that say nothing of a decision; the digest is another one in each run."""


def cases(*directories):
    """The golden files of directories, of which each has some."""
    found = [sorted(HERE.glob(f"{name}/*.yaml")) for name in directories]
    assert all(found), directories
    return [path for paths in found for path in paths]


def case_name(path):
    """What a case is called in the names of tests."""
    return f"{path.parent.name}/{path.stem}"


def document(ir, status):
    """The second part of a golden file."""
    return yaml.safe_dump({"ir": ir, "status": status}, sort_keys=False, width=100)


def plain(value):
    """A value as YAML writes it: Structs without defaults, without origins."""
    if isinstance(value, Origin):
        return str(value)
    if isinstance(value, msgspec.Struct):
        tag = value.__struct_config__.tag
        fields = {tag: {}} if tag else {}
        kept = fields[tag] if tag else fields
        for field in msgspec.structs.fields(value):
            part = getattr(value, field.name)
            if part != field.default and field.name not in HIDDEN:
                kept[field.name] = plain(part)
        return fields
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    return value


def collection(found):
    """The entries of a collection whose keys are tuples: {key: value}."""
    return {" ".join(key): plain(value) for key, value in sorted(found.items())}


def keys(found, separator=" "):
    """The keys of a collection whose keys are tuples."""
    return [separator.join(key) for key in sorted(found.keys())]


def condition(given):
    """One condition in a line."""
    return f"{given.status} {given.reason}: {given.message}".removesuffix(": ")


def conditions(given):
    """{type: condition}."""
    return {each.type: condition(each) for each in given}


def report(told):
    """What one report says."""
    said = conditions(told.conditions)
    for each in told.listeners:
        said[f"listener {each.name}"] = {
            "attached": each.attached_routes,
            "kinds": [kind for _, kind in each.supported_kinds],
            **conditions(each.conditions),
        }
    for index, parent in enumerate(told.parents):
        ref = parent.parent_ref
        said[f"parent {index} {ref.kind} {ref.name}"] = conditions(parent.conditions)
    return said


def reports(world, kinds, show=report):
    """{object: what it is told} of some kinds."""
    return {
        f"{kind} {namespace}/{name}": show(told)
        for (kind, namespace, name), told in sorted(world.outputs.reports.items())
        if kind in kinds
    }
