"""Weights that change along the run: trained on devices, or in the cloud and pushed."""
