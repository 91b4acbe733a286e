"""Settings of all tests."""

from hypothesis import settings

# A busy machine takes its time; what a test asserts does not depend on it. The same examples every
# time, so that a change is judged by what it changes; new ones are for
# `pytest --hypothesis-profile exploring`.
settings.register_profile("exploring", deadline=None)
settings.register_profile("patient", deadline=None, derandomize=True)
settings.load_profile("patient")
