"""Calculators of reliability: what nines, budgets, burn rates, alert windows and traces come to."""
