"""What finds alerts: one evaluator for each kind of condition, all with one signature."""
