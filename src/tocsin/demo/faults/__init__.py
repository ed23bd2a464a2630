"""Faults that can be injected while the demo runs: what breaks, where, and the board that services look at."""
