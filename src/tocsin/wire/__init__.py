"""Where telemetry comes in: protocols are spoken, checked and answered here, in their own words. No Python object per record."""
