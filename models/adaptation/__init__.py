"""Small models whose weights change along the run, on devices or in the cloud."""
