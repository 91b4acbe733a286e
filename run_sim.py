"""Simulate device-cloud recommendation: `python run_sim.py scenarios/mobile_3g.yaml`."""

import sys

from experiment.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
