"""What a page says: what burns, how fast, what is left, since when, what changed, and where to look."""
