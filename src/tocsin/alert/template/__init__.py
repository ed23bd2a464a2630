"""Templates in the language of Go, as Prometheus and Alertmanager use them."""
