"""`tocsin demo fault`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from tocsin.cli.terminal import console
from tocsin.clock import RealClock
from tocsin.demo.faults.board import NANOSECONDS, read_board, running_board, write_board
from tocsin.demo.faults.catalog import STORIES, Fault
from tocsin.errors import InvalidInput
from tocsin.model.instant import parse_duration_ns

SECONDS_MAX = 3600


def command(
    name: Annotated[Fault | None, typer.Argument(help="Which; without one, all of them and which hold.")] = None,
    lasting: Annotated[str, typer.Option("--for", help="How long: 90s, 5m, at most an hour.")] = "5m",
    off: Annotated[bool, typer.Option("--off", help="End it now; without a name, all of them.")] = False,
) -> None:
    """Break the demo that runs in another terminal, for a while: slow, failing, flooded. It mends itself."""
    board = running_board()
    now_s = RealClock().now_ns() / NANOSECONDS
    until_s = {fault: until for fault, until in read_board(board).items() if until > now_s}
    if off:
        write_board(board, {fault: until for fault, until in until_s.items() if name is not None and fault != name.value})
        console().print(f"{name.value if name else 'every fault'} is over")
    elif name is None:
        _show(until_s, now_s)
    else:
        seconds = parse_duration_ns(lasting) / NANOSECONDS
        if not 0 < seconds <= SECONDS_MAX:
            raise InvalidInput(f"--for is {lasting!r}; expected more than nothing and at most an hour, as 5m")
        write_board(board, {**until_s, name.value: now_s + seconds})
        story = STORIES[name]
        console().print(Text(f"for {lasting}: {story.breaks}", "bold"))
        console().print(f"users meet: {story.symptom}")
        console().print("now wait for the pager, and follow the page; `tocsin demo fault` alone tells where the cause lies")


def _show(until_s: dict[str, float], now_s: float) -> None:
    for fault, story in STORIES.items():
        left_s = until_s.get(fault.value, now_s) - now_s
        state = f"holds for {left_s:.0f} s more" if left_s > 0 else "off"
        console().print(Text.assemble((f"{fault.value:<16}", "bold"), f"  {state}"))
        for what, text in (("breaks", story.breaks), ("users meet", story.symptom), ("its cause shows", story.cause)):
            console().print(f"    {what}: {text}")
