"""Short scripts that answer a question of one's own from the records of runs and sweeps."""
