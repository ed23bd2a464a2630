"""Rules become alerts, alerts become notifications: evaluated, grouped, silenced, routed, delivered at least once."""
