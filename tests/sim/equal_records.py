"""Whether two simulations left the same records, bit for bit."""

import dataclasses

import numpy as np


def assert_equal_records(engine, plain):
    for part in ("interactions", "requests"):
        for field in dataclasses.fields(getattr(engine, part)):
            ours = getattr(getattr(engine, part), field.name)
            theirs = getattr(getattr(plain, part), field.name)
            np.testing.assert_array_equal(ours, theirs, err_msg=f"{part}.{field.name}")
    assert engine.energy_j == plain.energy_j
    if engine.adaptation is None:
        assert plain.adaptation is None
        return
    assert engine.adaptation.log == plain.adaptation.log
    for field in dataclasses.fields(engine.adaptation.outcome):
        ours = getattr(engine.adaptation.outcome, field.name)
        np.testing.assert_array_equal(ours, getattr(plain.adaptation.outcome, field.name))
