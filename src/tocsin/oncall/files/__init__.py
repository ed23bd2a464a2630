"""On-call files: people, schedules and chains of escalation, read with the place of every mistake, and followed as they change."""
