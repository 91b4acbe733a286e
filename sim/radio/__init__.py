"""The phones' radios: power states, when they wake and sleep, and what that costs."""
