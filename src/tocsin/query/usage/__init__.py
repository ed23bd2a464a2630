"""Who asks, and what it costs: clients, tenants, tokens, money."""
