"""Request policies fitted and calibrated on one half of the users, for the other half."""
