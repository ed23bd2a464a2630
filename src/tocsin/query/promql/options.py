"""Settings of PromQL."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tocsin.query.followed_files import files_matching


class PromqlOptions(BaseModel):
    """How PromQL is evaluated, and how much one query may cost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lookback_s: float = Field(default=300.0, gt=0, le=86_400, description="Seconds after which a series without new samples has no value.")
    default_step_s: float = Field(default=60.0, gt=0, le=86_400, description="Seconds between evaluations of a subquery without a step.")
    timeout_s: float = Field(default=120.0, gt=0, le=3600, description="Seconds that one query may take.")
    samples_max: int = Field(default=50_000_000, ge=1000, le=10_000_000_000, description="Samples that one query may hold in memory.")
    samples_held_max: int = Field(
        default=100_000_000,
        ge=1000,
        le=100_000_000_000,
        description="Samples that all queries together may hold in memory (about 10 to 25 bytes each); a query for which there is no room "
        "waits a little, then is refused.",
    )
    samples_read_max: int = Field(
        default=2_000_000_000,
        ge=1000,
        le=1_000_000_000_000,
        description="Samples that one query may read, of which it holds few at a time.",
    )
    points_max: int = Field(
        default=11_000, ge=10, le=1_000_000, description="Steps that one range query may take from its start; the start is not counted."
    )
    experimental_functions: bool = Field(default=False, description="Allow functions and aggregations that are experimental in Prometheus.")
    duration_expressions: bool = Field(default=True, description="Allow arithmetic in ranges and offsets (`[5m * 2]`).")
    extended_ranges: bool = Field(default=True, description="Allow the modifiers `anchored` and `smoothed` of selectors and ranges.")
    fill_modifiers: bool = Field(
        default=False, description="Allow `fill`, `fill_left` and `fill_right` between vectors, experimental in Prometheus."
    )
    delayed_name_removal: bool = Field(
        default=False, description="Drop metric names at the end of the evaluation rather than in every step, experimental in Prometheus."
    )
    type_and_unit_labels: bool = Field(
        default=False, description="Treat the labels `__type__` and `__unit__` as parts of the metric's name, experimental in Prometheus."
    )

    def refusal_of_steps(self, start_ms: int, end_ms: int, step_ms: int) -> str:
        """
        Why a range query may not have so many steps; empty if it may. As in Prometheus, the point at the start is not counted.

        Args:
            start_ms: Its first instant.
            end_ms: Its end, not before that.
            step_ms: From one instant to the next, > 0.

        Source: Prometheus documentation, 'HTTP API', 'Range queries'; behaviour at the limit as observed.
        """
        if (end_ms - start_ms) // step_ms <= self.points_max:
            return ""
        return f"exceeded maximum resolution of {self.points_max:,} points per timeseries. Try decreasing the query resolution (?step=XX)"


class RuleOptions(BaseModel):
    """Prometheus rule files; `tocsin check` reads them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[str, ...] = Field(default=(), description="Rule files, as paths or patterns such as rules/*.yml.")

    def paths(self) -> list[Path]:
        """The files there are, patterns resolved; a path that is none is kept, so that its absence is said."""
        return [path for pattern in self.files for path in (files_matching(pattern) or [Path(pattern)])]
