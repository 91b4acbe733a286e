"""Settings of all tests."""

from hypothesis import settings

# A busy machine takes its time; what a test asserts does not depend on it.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
