"""Simulated time: devices, network, cloud, request policies, energy and records (numpy and simpy only)."""
