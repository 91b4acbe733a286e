"""Simulated time: devices, network, cloud, request policies, energy (numpy and simpy only)."""
