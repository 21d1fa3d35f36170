"""Codes of problems. A code never changes its meaning; a retired one is not used again.

GW0xx is about reading a manifest, GW1xx about what a well-formed manifest would do.
"""

from typing import Final

UNREADABLE: Final = "GW001"
NOT_AN_OBJECT: Final = "GW002"
NOT_SERVED: Final = "GW003"
WRONG_TYPE_META: Final = "GW004"
DUPLICATE_KEY: Final = "GW005"
REFUSED_YAML: Final = "GW006"
DUPLICATE_OBJECT: Final = "GW007"
UNKNOWN_FIELD: Final = "GW010"
WRONG_TYPE: Final = "GW011"
REQUIRED: Final = "GW012"
BOUNDS: Final = "GW013"
NOT_IN_ENUM: Final = "GW014"
RULE: Final = "GW015"
NOT_UNIQUE: Final = "GW016"
EMPTY: Final = "GW017"
BAD_NAME: Final = "GW018"
STRUCTURE: Final = "GW100"
PARENT_GROUP: Final = "GW101"
MISPLACED: Final = "GW104"
BACKEND_PORT: Final = "GW105"

MEANING: Final[dict[str, str]] = {
    UNREADABLE: "a file or input cannot be read",
    NOT_AN_OBJECT: "a document is no Kubernetes object",
    NOT_SERVED: "objects of this kind are not read",
    WRONG_TYPE_META: "apiVersion and kind do not name a kind that exists",
    DUPLICATE_KEY: "a key stands twice in one mapping",
    REFUSED_YAML: "a feature of YAML that kubectl and Fairlead would read differently",
    DUPLICATE_OBJECT: "the same object is written twice",
    UNKNOWN_FIELD: "a field that the kind's schema does not have",
    WRONG_TYPE: "a value of another type than the schema's",
    REQUIRED: "a required field is missing",
    BOUNDS: "a value is too long, too short, out of range or in another format",
    NOT_IN_ENUM: "a value that is not one of those the field takes",
    RULE: "fields that contradict each other",
    NOT_UNIQUE: "two entries of a list that must differ",
    EMPTY: "a field without a value",
    BAD_NAME: "a name that an object of this kind cannot have",
    STRUCTURE: "the YAML's structure is broken: syntax or indentation",
    PARENT_GROUP: "a parentRef with a group that no controller acts on",
    MISPLACED: "a field that belongs somewhere else in the object",
    BACKEND_PORT: "a Service is named as backend without a port",
}
"""What each code stands for, in words that fit any object."""
