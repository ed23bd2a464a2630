"""
What the demo's server is told beside objectives: rules, routes, who is on call, runbooks; and the pager that they ring.

The files lie in `desk/` beside this module, as a team's would in its repository. Only the pager's address is known no sooner than now, so
they are copied into the demo's own folder with it filled in.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

PAGER = "http://pager.invalid"  # stands in the files for the pager's address
RULES, ROUTES, ONCALL, RUNBOOKS = "rules.yaml", "alertmanager.yaml", "oncall.yaml", "runbooks"


def desk_files(folder: Path, pager: str) -> dict[str, str]:
    """
    Write the demo's files into a folder; returns the options that name them, as environment variables.

    Args:
        folder: Made when it is not there; files of an earlier demo are replaced.
        pager: Base address of the pager.
    """
    source = Path(str(resources.files("tocsin.demo"))) / "desk"
    for path in sorted(source.rglob("*.*")):
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(path.read_text(encoding="utf-8").replace(PAGER, pager), encoding="utf-8")
    return {
        "TOCSIN_RULES__FILES": json.dumps([str(folder.absolute() / RULES)]),
        "TOCSIN_ALERT__CONFIG": str(folder.absolute() / ROUTES),
        "TOCSIN_ALERT__INTERVAL_S": "15",
        "TOCSIN_ONCALL__FILES": json.dumps([str(folder.absolute() / ONCALL)]),
        "TOCSIN_INCIDENT__RUNBOOKS": str(folder.absolute() / RUNBOOKS),
    }
