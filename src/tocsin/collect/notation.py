"""
Prometheus' notations in configuration: durations (`1m30s`), sizes (`10MB`), and texts that YAML took for numbers.

Each type below is what pydantic fields are declared with; a mistake says what was expected and never repeats a secret.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, PlainSerializer, SecretStr

_UNITS_MS = {"y": 31_536_000_000, "w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)
_DURATION_MS_MAX = 2**63 // 1_000_000 - 1  # Prometheus counts nanoseconds in 63 bits

# Powers of 1024 under both spellings, as Prometheus reads them.
_SIZE_UNITS = {"B": 1} | {letter + ending: 1024**power for power, letter in enumerate("KMGTPE", 1) for ending in ("B", "iB")}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGTPE]?i?B)", re.ASCII)


def parse_duration(text: object) -> float:
    """
    Seconds of a duration such as `1m30s`, `250ms`, `2w`; a bare 0 is no time.

    Raises:
        ValueError: It is none.
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        if text == 0:
            return 0.0
        raise ValueError(f"expected a duration with its unit, such as 15s or 1m30s, found the number {text}; write {text}s for seconds")
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or not text:
        if text == "0":
            return 0.0
        raise ValueError(f"expected a duration such as 15s, 1m30s or 250ms (units y w d h m s ms, largest first), found {text!r}")
    total_ms = sum(int(count) * unit for count, unit in zip(match.groups(), _UNITS_MS.values(), strict=True) if count)
    if total_ms > _DURATION_MS_MAX:
        raise ValueError(f"expected a duration below 292 years, found {text!r}")
    return total_ms / 1000


def print_duration(seconds: float) -> str:
    """The shortest notation of a duration: 90.0 is `1m30s`; rounded to milliseconds."""
    rest_ms = round(seconds * 1000)
    if rest_ms == 0:
        return "0s"
    out = ""
    for unit, unit_ms in _UNITS_MS.items():
        # Years and weeks are written only when nothing is left over, so that 9 days stay `9d`.
        if unit in {"y", "w"} and rest_ms % unit_ms:
            continue
        count, rest_ms = divmod(rest_ms, unit_ms)
        out += f"{count}{unit}" if count else ""
    return out


def parse_size(text: object) -> int:
    """
    Bytes of a size such as `10MB`, `512KiB` or 0; K, M, G stand for powers of 1024.

    Raises:
        ValueError: It is none.
    """
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return text
    if isinstance(text, str):
        if text.isascii() and text.isdigit():
            return int(text)
        match = _SIZE.fullmatch(text)
        if match:
            return int(float(match[1]) * _SIZE_UNITS[match[2]])
    raise ValueError(f"expected a size in bytes such as 10MB or 512KiB, found {text!r}")


def _positive_duration(value: object) -> float:
    seconds = parse_duration(value)
    if seconds <= 0:
        raise ValueError(f"expected a duration above 0, found {value!r}")
    return seconds


def _text(value: Any) -> Any:
    """YAML reads `5`, `1.5` and `true` as numbers and truth values where a text is meant."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _secret(value: Any) -> Any:
    """Whatever stands where a secret belongs is never repeated in a message."""
    if isinstance(value, SecretStr | str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError("expected a text, found something else, which is not shown because it may be a secret")


def _hidden_group(value: Any) -> Any:
    """A group that holds secrets is checked here, because a message about a wrong one would repeat it."""
    if value is None or isinstance(value, dict) or hasattr(value, "model_fields_set"):
        return value
    raise ValueError("expected a group of options, found something else, which is not shown because it may be a secret")


def _hidden_list(value: Any) -> Any:
    """The same for a list of secrets."""
    if isinstance(value, list | tuple):
        return value
    raise ValueError("expected a list, [a, b], found something else, which is not shown because it may be a secret")


def _label_name(value: Any) -> Any:
    if value == "":
        raise ValueError("expected a label's name, found an empty text")
    return value


Duration: TypeAlias = Annotated[float, BeforeValidator(_positive_duration), PlainSerializer(print_duration, return_type=str)]
Size: TypeAlias = Annotated[int, BeforeValidator(parse_size)]
Text: TypeAlias = Annotated[str, BeforeValidator(_text)]
Secret: TypeAlias = Annotated[SecretStr, BeforeValidator(_secret)]
LabelName: TypeAlias = Annotated[str, BeforeValidator(_label_name)]
HIDDEN_GROUP = BeforeValidator(_hidden_group)
HIDDEN_LIST = BeforeValidator(_hidden_list)
