"""What people and judgements decided, in a relational database: SQLite beside the telemetry, PostgreSQL when one machine is too small."""
