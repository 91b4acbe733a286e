"""Training of SRMs and LLMs on the logs: windows, validation on the calibration steps, the loop."""
