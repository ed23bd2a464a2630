"""An ordinary Flask application that knows nothing of Tocsin; the test runs it under OpenTelemetry's own auto-instrumentation."""

from __future__ import annotations

import logging
import sqlite3
import sys

import flask

application = flask.Flask(__name__)


@application.route("/orders/<int:number>")
def order(number: int) -> flask.Response | tuple[flask.Response, int]:
    """An order, out of a real database; order 13 is broken."""
    logging.getLogger("shop").warning("looking for order", extra={"order_number": number, "password": "hunter2-never-stored"})
    with sqlite3.connect(":memory:") as database:
        database.execute("SELECT 1").fetchall()
    if number == 13:
        raise ValueError("order 13 is broken")
    return flask.jsonify(number=number)


if __name__ == "__main__":
    application.run(port=int(sys.argv[1]))
