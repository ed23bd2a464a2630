"""
Runs PromQL test scripts: `python -m tocsin.testing.promqltest FILE...`.

The scripts are written in the language that Prometheus tests its own engine with (promqltest): `load`, `clear`, `eval` and `expect`.
Each `eval` is a case; one that cannot be read has failed, and the rest of the file goes on.
"""
