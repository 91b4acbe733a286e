"""The phones: their hardware, what they can run out of, and how a session goes on one."""
