"""Whether the server can do its work, dependency by dependency."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something without which the server does not do its work; `detail` says what is wrong, or how well it is."""

    name: str
    works: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """All of them; ready only when each works."""

    ready: bool
    dependencies: list[Dependency]

    @classmethod
    def of(cls, dependencies: list[Dependency]) -> Readiness:
        """Judged from its parts."""
        return cls(all(dependency.works for dependency in dependencies), dependencies)
