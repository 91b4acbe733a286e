"""The reports' figures, one file each: `draw(records)` returns a Drawing, or None with no data."""
