"""
Templates as the rest of the house uses them: read once, filled in often.

    Template.parse("{{ .Labels.job }} is down", RULE_FUNCTION_NAMES).execute(data, functions)     "api is down"
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tocsin.alert.template.execution import Execution, Limits, Printer
from tocsin.alert.template.go_functions import GO_FUNCTIONS, NAMES
from tocsin.alert.template.parser import Tree, parse
from tocsin.alert.template.values import Function, Value

DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Template:
    """
    A template that was read. Safe to use from several threads.

    Args:
        tree: What it says.
        library: Templates that it may insert, by name, beside those it defines itself.
    """

    tree: Tree
    library: Mapping[str, Tree] = field(default_factory=dict)

    @classmethod
    def parse(
        cls, text: str, functions: Collection[str] = (), *, variables: Collection[str] = (), library: Mapping[str, Tree] | None = None
    ) -> Template:
        """
        Read a template.

        Args:
            text: As written, at most a million characters.
            functions: Names that it may call, beside those that Go has itself.
            variables: Those that `execute` will be given, with their dollar sign.
            library: Templates that it may insert.

        Raises:
            ParseError: It does not read; says line and column, and what was expected.
        """
        return cls(parse(text, NAMES.union(functions), variables), library or {})

    def execute(
        self,
        data: Value,
        functions: Mapping[str, Function] | None = None,
        *,
        variables: Mapping[str, Value] | None = None,
        limits: Limits = DEFAULT_LIMITS,
        printer: Printer | None = None,
    ) -> str:
        """
        Fill it in.

        Args:
            data: What `.` and `$` are at its beginning.
            functions: Those that were named when it was read.
            variables: Values of those that were named when it was read.
            limits: What it may cost.
            printer: Makes text of values; by default as they are.

        Raises:
            InvalidInput: It can't be filled in, LimitExceeded: not within its limits; says line and column.
        """
        defined = {**self.library, **self.tree.defined}
        known = {**GO_FUNCTIONS, **(functions or {})}
        return Execution(defined, known, limits, printer or Printer()).run(self.tree, data, variables or {})


def read_library(texts: Mapping[str, str], functions: Collection[str] = ()) -> dict[str, Tree]:
    """
    What several files define, by name; of one name that comes twice the later file's holds.

    Args:
        texts: Texts by the name of their file.
        functions: Names that they may call, beside those that Go has itself.

    Raises:
        ParseError: One does not read.
    """
    found: dict[str, Tree] = {}
    for text in texts.values():
        found.update(parse(text, NAMES.union(functions)).defined)
    return found
