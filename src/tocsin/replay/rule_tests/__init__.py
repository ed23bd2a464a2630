"""Unit tests of rules: a file says which series there are, and which alerts must fire at which minute."""
