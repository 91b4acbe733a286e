"""Everything that a reader of one run must be told."""

from analysis.findings import baselines, cloud, models, phones, policy, radio
from analysis.findings.finding import Finding
from analysis.intervals import MIN_USERS
from analysis.numerals import count
from analysis.records import RunRecords


def all_findings(records: RunRecords) -> list[Finding]:
    """Return everything to be told about a run, the gravest first."""
    candidates = (
        baselines.phone_alone(records),
        policy.policy_can_matter(records),
        baselines.popularity(records),
        baselines.fusion(records),
        policy.asking_paid(records),
        phones.unscored(records),
        models.adaptation(records),
        models.invalid_candidates(records),
        cloud.saturation(records),
        cloud.failures(records),
        *cloud.outages(records),
        cloud.never_came(records),
        phones.batteries(records),
        radio.no_energy(records),
        too_few_users(records),
    )
    return [finding for finding in candidates if finding is not None]


def too_few_users(records: RunRecords) -> Finding | None:
    """Say why there are no intervals where users are too few."""
    users = len(records.users)
    if users >= MIN_USERS:
        return None
    return Finding(
        "accuracy",
        True,
        "Too few users for intervals.",
        f"The run has {count(users)} users; below {MIN_USERS} an interval over users would promise "
        f"more than it holds, so none is given and no difference can be judged.",
    )
