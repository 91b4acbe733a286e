"""From a scenario file to a finished run: schema, preparation, runs and sweeps."""
