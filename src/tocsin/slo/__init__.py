"""Objectives, error budgets, burn rates, policies and the gate: judgements over counts of good and bad events per minute."""
