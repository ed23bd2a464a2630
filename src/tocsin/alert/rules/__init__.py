"""Groups of rules, evaluated one after another at every interval, and the alerts that they keep."""
