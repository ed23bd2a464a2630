"""
Statements that look conditions up in small tables before the large ones are read: which resources, which span names, satisfy them.

There are few distinct resources and names, and most conditions hold for none of them: then the large statement need not ask (see `render`).
"""

from __future__ import annotations

from tocsin.store.plan import Leaf
from tocsin.store.render import LOGS, Table, name_condition, resource_condition
from tocsin.store.sql import ParameterNames, Sql


def matching_resources(leaves: list[Leaf], table: Table, names: ParameterNames) -> tuple[Sql, list[Leaf]] | None:
    """A statement of one row with an array of resources per condition, and those conditions; None when none asks a resource."""
    asked = [(leaf, condition) for leaf in leaves if (condition := resource_condition(leaf, names)) is not None]
    if not asked:
        return None
    columns = [Sql("groupUniqArrayIf(toString(resource), ") + condition + Sql(")") for _, condition in asked]
    signal = Sql(" FROM resources WHERE signal = ") + names.bind("String", "logs" if table is LOGS else "traces")
    return Sql("SELECT ") + Sql.join(", ", columns) + signal, [leaf for leaf, _ in asked]


def matching_names(leaves: list[Leaf], names: ParameterNames) -> tuple[Sql, list[Leaf]] | None:
    """The same for span names, from the rollups."""
    asked = [(leaf, condition) for leaf in leaves if (condition := name_condition(leaf, "operation", names)) is not None]
    if not asked:
        return None
    columns = [Sql("groupUniqArrayIf(toString(operation), ") + condition + Sql(")") for _, condition in asked]
    return Sql("SELECT ") + Sql.join(", ", columns) + Sql(" FROM requests_5m"), [leaf for leaf, _ in asked]
