"""The text of a page: what burns, how fast, what is left, since when, what changed, and where to look."""
