"""Golden signals of services and resources, each with its limits, what is usual, and a flag with its reason."""
