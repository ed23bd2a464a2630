"""Answers over HTTP: one module per area; `errors` alone knows status codes."""
