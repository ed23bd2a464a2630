"""Series out of the store, and those derived from spans and logs, as PromQL reads them."""
