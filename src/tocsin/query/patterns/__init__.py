"""Log patterns: templates mined online from the shapes that the engine counts."""
