"""With what number a command ends."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; the docstring of each command names those it uses beyond 0 and 2."""

    OK = 0
    FINDING = 1  # a wrong configuration (check, slo check), bad lines (import), something in quarantine (journal)
    USAGE = 2  # the command line or the configuration is wrong
    UNREACHABLE = 3  # no server answers
    REFUSED = 4  # the server, or the data directory, answered with an error
    NOT_STARTED = 5  # the server could not start: port taken, directory taken or not writable, engine broken
    NO_GO = 6  # the deploy gate refuses (gate)
    GUARD = 7  # a guard does not hold (guards run)


EXIT_MEANINGS: dict[Exit, str] = {
    Exit.OK: "It worked.",
    Exit.FINDING: "Something was found: wrong files (`check`, `slo check`), bad lines (`import`), segments in quarantine (`journal`).",
    Exit.USAGE: "The command line or the configuration is wrong; nothing was done.",
    Exit.UNREACHABLE: "No server answers at the address.",
    Exit.REFUSED: "The server answered with an error; its sentence is printed.",
    Exit.NOT_STARTED: "The server could not start: a port or the data directory is taken or not writable, or the engine fails.",
    Exit.NO_GO: "The gate says no-go (`gate`); its reason is printed.",
    Exit.GUARD: "A guard does not hold, or could not be run (`guards run`); each says why.",
}
