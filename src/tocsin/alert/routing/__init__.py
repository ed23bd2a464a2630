"""Where alerts go, as Alertmanager's configuration says it: the tree of routes, matchers, time intervals, inhibition."""
