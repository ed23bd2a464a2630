"""
A small real system to watch: a shop of four services with telemetry like any team's.

    load ──> gateway (FastAPI) ──> orders (Flask, SQLite) ──> payments (Flask, SQLite)
                    └────────────> assistant (FastAPI, SQLite, a stub language model)

Nothing in it is simulated telemetry: the services are processes that speak HTTP over loopback, and the ordinary OpenTelemetry
packages watch them. Only the outside world is played: card processor and language model take their time and fail now and then,
decided by `Chance` from the seed and the request id, so the same seed gives the same system.

This room is a guest: it knows Tocsin only by its OTLP address, and nothing but the CLI imports it.
"""
