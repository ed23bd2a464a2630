"""The one process: options, wiring of the rooms, start and end."""
