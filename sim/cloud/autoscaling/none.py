"""A fixed number of replicas, on from the beginning to the end."""

from typing import Literal

from .autoscaling import Autoscaling


class NoAutoscaling(Autoscaling):
    """`cloud.replicas` replicas all the time."""

    kind: Literal["none"] = "none"
