"""Rules that no linter can hold: what flows is a value."""

import collections.abc
import importlib
import pkgutil
import typing

import msgspec
import pytest

import fairlead.api
import fairlead.ir
import fairlead.translate
import fairlead.xds

MUTABLE = (list, dict, set, bytearray, collections.abc.MutableMapping)


def structs(package):
    """Every Struct that a package defines, under its qualified name."""
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        loaded = importlib.import_module(module.name)
        for value in vars(loaded).values():
            if (
                isinstance(value, type)
                and issubclass(value, msgspec.Struct)
                and value.__module__ == module.name
            ):
                yield pytest.param(value, id=f"{value.__module__}.{value.__qualname__}")


def parts(hint):
    """The hint and everything it is built from."""
    yield hint
    for argument in typing.get_args(hint):
        yield from parts(argument)


def origins(hint):
    return {typing.get_origin(part) or part for part in parts(hint)}


@pytest.mark.parametrize(
    "struct",
    [
        *structs(fairlead.ir),
        *structs(fairlead.api),
        *structs(fairlead.translate),
        *structs(fairlead.xds),
    ],
)
def test_what_flows_is_frozen_and_compares_by_content(struct):
    """One mutable list, and equality no longer tells whether anything must be pushed."""
    assert struct.__struct_config__.frozen
    assert struct.__struct_config__.eq
    for name, hint in typing.get_type_hints(struct).items():
        assert not origins(hint) & set(MUTABLE), name


@pytest.mark.parametrize("struct", list(structs(fairlead.ir)))
def test_ir_is_hashable_by_its_types(struct):
    for name, hint in typing.get_type_hints(struct).items():
        assert collections.abc.Mapping not in origins(hint), name


def test_the_walk_finds_the_types():
    """An empty walk would pass everything."""
    assert len(list(structs(fairlead.ir))) > 20
