"""Codes of problems. A code never changes its meaning; a retired one is not used again.

GW0xx is about reading a manifest, GW1xx about what a well-formed manifest would do. docs/lint.md
explains each.
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
    NO_PARENT = "GW102"
    OLD_VERSION = "GW103"
    MISPLACED = "GW104"
    BACKEND_PORT = "GW105"
    NOT_ALLOWED = "GW106"
    NO_GRANT = "GW107"
    ODD_PARENT = "GW108"
    IDLE_HOSTNAMES = "GW109"
    FOREIGN_HOSTNAMES = "GW110"
    NO_BACKEND = "GW111"
    ALL_PORTS = "GW112"
    FAIL_OPEN = "GW113"
    NO_PODS = "GW114"
    CHANNEL = "GW120"
    RETRY_WITHOUT_CODES = "GW121"
    RETRY_WITHOUT_LIMIT = "GW122"
    EARLY_RETRY = "GW123"
    WRONG_NAMES = "GW130"
    PLAIN_TEXT = "GW131"
    NO_TLS = "GW132"
    NO_WEIGHT = "GW133"
    BAD_CERTIFICATE = "GW134"
    LIFETIME = "GW135"
    LISTENER_CONFLICT = "GW136"
    CONTAINER = "GW140"
    NOT_APPLIED = "GW141"
    FAULT_ENDED = "GW142"
    PINNED_MTLS = "GW150"
    NO_IDENTITY = "GW151"
    NO_ROOT_POLICY = "GW152"
    SUBSETS = "GW153"
    NO_EFFECT = "GW154"
    HIDDEN_ROUTE = "GW160"
    SAME_MATCH = "GW161"
    HIDDEN_RULE = "GW162"
    NO_TARGET = "GW170"
    UNSUPPORTED = "GW171"
    OTHERS = "GW172"
    POLICY_CONFLICT = "GW173"
    SETTINGS = "GW180"
    REFUSED = "GW199"


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
    Code.NO_PARENT: "a parentRef that leads to no Gateway, listener, Service or port",
    Code.NOT_ALLOWED: "a route that no listener of its parent takes",
    Code.NO_GRANT: "a reference into another namespace without a ReferenceGrant",
    Code.ODD_PARENT: "a Service as parent that routes cannot fully govern",
    Code.IDLE_HOSTNAMES: "hostnames of a route whose only parents are Services",
    Code.FOREIGN_HOSTNAMES: "hostnames of a route that no listener of its parent has",
    Code.NO_BACKEND: "a reference to a backend that does not exist",
    Code.ALL_PORTS: "a route that governs all ports of a Service and sends them to one",
    Code.FAIL_OPEN: "a Service whose pods get other shares once its route is gone",
    Code.NO_PODS: "a Service that selects no pod",
    Code.CHANNEL: "something that only the experimental channel of Gateway API has",
    Code.RETRY_WITHOUT_CODES: "a retry that answers do not call forth",
    Code.RETRY_WITHOUT_LIMIT: "a retry that an attempt without an answer leaves no time for",
    Code.EARLY_RETRY: "a backoff that proxies begin below",
    Code.WRONG_NAMES: "a certificate without the hostname that it is shown for",
    Code.PLAIN_TEXT: "a route that is served with TLS and without",
    Code.NO_TLS: "an HTTPS or TLS listener without `tls`",
    Code.NO_WEIGHT: "a rule whose backends all have the weight 0",
    Code.BAD_CERTIFICATE: "a certificate, key or authority that cannot be used",
    Code.LIFETIME: "a certificate that has expired, is about to, or is not valid yet",
    Code.LISTENER_CONFLICT: "listeners that cannot be told apart, or a port that is taken",
    Code.CONTAINER: "a container whose image or readiness is left to chance",
    Code.NOT_APPLIED: "a field of a pod that has no effect on local processes",
    Code.FAULT_ENDED: "a fault that has ended and is still there",
    Code.PINNED_MTLS: "a DestinationRule that pins what the mesh decides by itself",
    Code.NO_IDENTITY: "mutual TLS towards pods that have left the mesh",
    Code.NO_ROOT_POLICY: "policies for the backends of a Service and none for itself",
    Code.SUBSETS: "subsets, which routes cannot reach",
    Code.NO_EFFECT: "a field that has no effect",
    Code.HIDDEN_ROUTE: "a route that no request reaches",
    Code.SAME_MATCH: "two routes that ask for the same requests",
    Code.HIDDEN_RULE: "a rule that no request reaches",
    Code.NO_TARGET: "a policy for something that does not exist",
    Code.UNSUPPORTED: "a value that cannot be carried out",
    Code.OTHERS: "a kind or type that other implementations may serve",
    Code.POLICY_CONFLICT: "a policy that another one comes before",
    Code.SETTINGS: "settings of a Gateway or a policy that are not valid",
    Code.REFUSED: "an object that is not accepted for another reason",
}
"""What each code stands for, in words that fit any object."""
