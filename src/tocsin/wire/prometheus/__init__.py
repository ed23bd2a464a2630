"""The doors that speak Prometheus: remote write, scraped expositions, and the registry of series that they share."""
