"""
Attributes out of a record's map where a statement asks for many of them.

`attributes['k']` walks the keys of every row and copies the value, and costs twice as much where the key is missing as where it is there:
asked for eight keys of half a million spans, that was 340 ms on top of the 185 that reading the map takes. A search for several keys in one
walk over both arrays, which all searches of a statement share, costs 18 ms each.
"""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.store.sql import ParameterNames, Sql

KEYS, VALUES = "mapKeys(attributes)", "mapValues(attributes)"


def first_of(keys: Sequence[str], names: ParameterNames) -> Sql:
    """The value of an attribute with one of these keys, names for one thing, empty where there is none."""
    if len(keys) == 1:
        return Sql("arrayFirst((v, k) -> k = ") + names.bind("String", keys[0]) + Sql(f", {VALUES}, {KEYS})")
    return Sql("arrayFirst((v, k) -> k IN ") + names.bind("Array(String)", list(keys)) + Sql(f", {VALUES}, {KEYS})")


def chosen_of(groups: Sequence[Sequence[str]], names: ParameterNames) -> Sql:
    """The value for the first of several groups of keys that is there, empty where none is."""
    found = [first_of(keys, names) for keys in groups]
    return found[0] if len(found) == 1 else Sql("firstNonDefault(") + Sql.join(", ", found) + Sql(")")


def is_one_of(pairs: Sequence[tuple[Sequence[str], Sequence[str]]], names: ParameterNames) -> Sql:
    """Whether an attribute with one of some keys has one of some values, for one of the pairs of keys and values."""
    conditions = [
        Sql("(v IN ") + names.bind("Array(String)", list(values)) + Sql(" AND k IN ") + names.bind("Array(String)", list(keys)) + Sql(")")
        for keys, values in pairs
    ]
    return Sql("arrayExists((v, k) -> ") + Sql.join(" OR ", conditions) + Sql(f", {VALUES}, {KEYS})")
