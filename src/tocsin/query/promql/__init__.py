"""PromQL: parse a query, evaluate it on grids of series and steps."""
