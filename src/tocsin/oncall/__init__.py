"""Who is called: schedules as code, overrides and swaps, escalation, calendars, the load that pages are."""
