"""SLO files: OpenSLO, Sloth and Tocsin's own kinds become definitions, with every mistake at its place."""
