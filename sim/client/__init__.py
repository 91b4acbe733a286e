"""The device's side of a request: sending, waiting, retrying, giving up."""
