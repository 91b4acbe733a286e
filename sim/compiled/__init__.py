"""The event loop in compiled code, for worlds whose devices meet in nothing but the cloud's queue.

It takes the decisions of `sim.engine`, in the same order, and leaves bit for bit the same records.
"""
