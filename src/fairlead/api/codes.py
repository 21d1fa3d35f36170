"""Codes of problems. A code never changes its meaning; a retired one is not used again.

GW0xx is about reading a manifest, GW1xx about what a well-formed manifest would do.
"""

from enum import StrEnum, unique
from typing import Final


@unique
class Code(StrEnum):
    """The code of a problem."""

    UNREADABLE = "GW001"
    NOT_AN_OBJECT = "GW002"
    NOT_SERVED = "GW003"
    WRONG_TYPE_META = "GW004"
    DUPLICATE_KEY = "GW005"
    REFUSED_YAML = "GW006"
    DUPLICATE_OBJECT = "GW007"
    UNKNOWN_FIELD = "GW010"
    WRONG_TYPE = "GW011"
    REQUIRED = "GW012"
    BOUNDS = "GW013"
    NOT_IN_ENUM = "GW014"
    RULE = "GW015"
    NOT_UNIQUE = "GW016"
    EMPTY = "GW017"
    BAD_NAME = "GW018"
    STRUCTURE = "GW100"
    PARENT_GROUP = "GW101"
    OLD_VERSION = "GW103"
    MISPLACED = "GW104"
    BACKEND_PORT = "GW105"
    CHANNEL = "GW120"
    NOT_APPLIED = "GW141"


MEANING: Final[dict[Code, str]] = {
    Code.UNREADABLE: "a file or input cannot be read",
    Code.NOT_AN_OBJECT: "a document is no Kubernetes object",
    Code.NOT_SERVED: "objects of this kind are not read",
    Code.WRONG_TYPE_META: "apiVersion and kind do not name a kind that exists",
    Code.DUPLICATE_KEY: "a key stands twice in one mapping",
    Code.REFUSED_YAML: "a feature of YAML that kubectl and Fairlead would read differently",
    Code.DUPLICATE_OBJECT: "the same object is written twice",
    Code.UNKNOWN_FIELD: "a field that the kind's schema does not have",
    Code.WRONG_TYPE: "a value of another type than the schema's",
    Code.REQUIRED: "a required field is missing",
    Code.BOUNDS: "a value is too long, too short, out of range or in another format",
    Code.NOT_IN_ENUM: "a value that is not one of those the field takes",
    Code.RULE: "fields that contradict each other",
    Code.NOT_UNIQUE: "two entries of a list that must differ",
    Code.EMPTY: "a field without a value",
    Code.BAD_NAME: "a name that an object of this kind cannot have",
    Code.STRUCTURE: "the YAML's structure is broken: syntax or indentation",
    Code.PARENT_GROUP: "a parentRef with a group that no controller acts on",
    Code.OLD_VERSION: "an old version of a kind, or an old shape of a field",
    Code.MISPLACED: "a field that belongs somewhere else in the object",
    Code.BACKEND_PORT: "a Service is named as backend without a port",
    Code.CHANNEL: "something that only the experimental channel of Gateway API has",
    Code.NOT_APPLIED: "a field of a pod that has no effect on local processes",
}
"""What each code stands for, in words that fit any object."""
