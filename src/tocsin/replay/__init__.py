"""Rules judged over the past: backtests of the whole path from a rule to a person, and the guards that CI runs."""
