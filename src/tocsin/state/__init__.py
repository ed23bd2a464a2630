"""What people and judgements decided, in a relational database: SQLite beside the telemetry, PostgreSQL when a team outgrows one machine."""
