"""The telemetry tables: how segments get in, how questions are asked. The only room that writes ClickHouse SQL."""
