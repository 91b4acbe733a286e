"""One policy of each kind, and of each way to decide."""

from sim.policies.age_and_consistency import AgeAndConsistency
from sim.policies.always import Always
from sim.policies.budgeted import Budgeted
from sim.policies.consistency import Consistency
from sim.policies.consistency_drop import ConsistencyDrop
from sim.policies.interest_drift import InterestDrift
from sim.policies.learned import Learned
from sim.policies.mixture import Mixture
from sim.policies.network_aware import NetworkAware
from sim.policies.never import Never
from sim.policies.periodic import Periodic
from sim.policies.random import Random
from sim.policies.schedule import Schedule
from sim.policies.staleness import Staleness
from sim.policies.uncertainty import Uncertainty

POLICIES = (
    Never(),
    Always(),
    Periodic(every=3),
    Periodic(every=3, phase="random"),
    Random(probability=0.4),
    Consistency(threshold=0.4),
    Consistency(threshold=0.4, measure="kendall"),
    Consistency(threshold=0.4, measure="rank_biased_overlap"),
    Consistency(threshold=0.4, measure="top_overlap"),
    Consistency(threshold=0.4, invalid_penalty=True),
    ConsistencyDrop(threshold=0.1),
    AgeAndConsistency(threshold=0.8, age_weight=0.12),
    InterestDrift(threshold=0.6),
    Uncertainty(threshold=0.5),
    Uncertainty(threshold=0.5, by="margin"),
    Learned(threshold=0.3),
    Staleness(steps=3),
    Staleness(seconds=60.0),
    Schedule(steps=(0, 3, 4, 9)),
    Mixture(first=Periodic(every=3), second=Periodic(every=4), share=0.4),
    Mixture(
        first=Periodic(every=2, phase="random"),
        second=Periodic(every=3, phase="random"),
        share=0.4,
    ),
    Budgeted(per_hour=40.0, burst=2.0, inner=Consistency(threshold=0.6)),
    Budgeted(per_hour=60.0, inner=Random(probability=0.5)),
    NetworkAware(inner=Consistency(threshold=0.4), earlier=0.3, later=0.3),
    NetworkAware(inner=Random(probability=0.4), earlier=0.3, later=0.3),
    NetworkAware(inner=Staleness(steps=3), earlier=0.3, later=0.2),
    NetworkAware(inner=Budgeted(per_hour=40.0, inner=Staleness(steps=2))),
)
