"""How tables came to be: `versions/NNNN_name.py`, each applied once, in order. A released one is never edited, a change is a new file."""
