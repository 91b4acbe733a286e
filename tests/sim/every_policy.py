"""One policy of each kind."""

from sim.policies.always import Always
from sim.policies.consistency import Consistency
from sim.policies.consistency_drop import ConsistencyDrop
from sim.policies.never import Never
from sim.policies.periodic import Periodic
from sim.policies.random import Random

POLICIES = (
    Never(),
    Always(),
    Periodic(every=3),
    Random(probability=0.4),
    Consistency(threshold=0.4),
    ConsistencyDrop(threshold=0.1),
)
