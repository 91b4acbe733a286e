"""A scenario whose real models train in seconds."""

TINY = {
    "name": "tiny",
    "workload": {
        "devices": 50,
        "history": 20,
        "replay_steps": 8,
        "calibration_steps": 3,
        "min_history": 10,
        "start_spread_s": 60.0,
        "synthetic": {
            "users": 40,
            "items": 120,
            "categories": 6,
            "length_min": 25,
            "length_median": 30,
            "length_max": 60,
        },
    },
    "models": {
        "srm": {"kind": "sasrec", "hidden": 16, "layers": 1},
        "llm": {"kind": "causal_lm", "hidden": 16, "layers": 1, "heads": 2, "intermediate": 32},
        "training": {"srm": {"max_epochs": 3}, "llm": {"max_epochs": 3}},
        "candidates": {"count": 20},
        "threads": 1,
    },
    "policy": {"kind": "consistency", "threshold": 0.4},
    "network": {"preset": "3g"},
    "cloud": {"service_time": {"kind": "fixed", "seconds": 0.3}},
}
