"""Counting good and bad events per minute, and keeping the counts current."""
