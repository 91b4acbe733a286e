"""Signals: numbers that a device can know of the list it holds, by which it may decide to ask."""
