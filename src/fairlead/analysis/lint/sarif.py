"""Problems as a SARIF 2.1.0 log, which code hosts show beside the lines they are about."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import quote

from fairlead import api
from fairlead.api.codes import MEANING
from fairlead.api.problem import Severity

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final[dict[Severity, str]] = {"error": "error", "warning": "warning", "info": "note"}


def log(problems: Sequence[api.Problem], version: str) -> dict[str, Any]:
    """The log of one run.

    Args:
        problems: what was found; files are taken as relative to where the run was.
        version: of Fairlead.
    """
    codes = sorted({problem.code for problem in problems})
    index = {code: number for number, code in enumerate(codes)}
    driver = {
        "name": "fairlead",
        "semanticVersion": version,
        "rules": [
            {"id": code, "shortDescription": {"text": MEANING[api.Code(code)]}} for code in codes
        ],
    }
    results = [_result(problem, index[problem.code]) for problem in problems]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(problem: api.Problem, rule: int) -> dict[str, Any]:
    text = f"{problem.message}; {problem.remedy}" if problem.remedy else problem.message
    result: dict[str, Any] = {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": _LEVELS[problem.severity],
        "message": {"text": text},
    }
    location: dict[str, Any] = {}
    if problem.file:
        physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(problem.file)}}
        if problem.line:
            region = {"startLine": problem.line}
            if problem.column:
                region["startColumn"] = problem.column
            physical["region"] = region
        location["physicalLocation"] = physical
    if problem.kind:
        owner = "/".join(part for part in (problem.namespace, problem.name) if part)
        parts = (problem.kind, owner, problem.field)
        name = " ".join(part for part in parts if part)
        location["logicalLocations"] = [{"fullyQualifiedName": name}]
    if location:
        result["locations"] = [location]
    return result


def _uri(file: str) -> str:
    """A file's name as a URI reference (RFC 3986)."""
    path = quote(PurePosixPath(file).as_posix())
    return f"file://{path}" if path.startswith("/") else path
