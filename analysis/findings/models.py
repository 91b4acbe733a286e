"""What became of the models: weights that change along the run, lists with no items in them."""

from analysis.findings.finding import Finding
from analysis.numerals import count, percent, scaled, seconds
from analysis.records import RunRecords

#: Beyond this share of places lost to candidates that are no items, lists are visibly shorter.
MANY_INVALID = 0.01


def adaptation(records: RunRecords) -> Finding | None:
    """Say what became of weights that were to change along the run; None where none were."""
    block = records.summary.get("adaptation")
    if not block:
        return None
    trainings, skipped = block.get("trainings", 0), block.get("skipped_for_budget", 0)
    adapted = block.get("adapted_interactions", 0)
    where = "in the cloud" if block.get("kind") == "from_cloud" else "on devices"
    late = block.get("skipped_while_training", 0)
    share = percent(adapted / max(1, records.summary["interactions"]))
    text = (
        f"The SRM was re-trained {count(trainings)} times {where}, which took "
        f"{seconds(block.get('training_s'))} of simulated computing in all; "
        f"{share} of interactions were ordered with re-trained weights. Training cost devices "
        f"{scaled(block.get('training_energy_j'), 'J')} of their "
        f"{scaled(records.summary['energy_j']['total'], 'J')}."
    )
    if block.get("pushes"):
        pushed = records.summary["bytes"].get("parameters")
        text += f" {count(block['pushes'])} pushes of weights took {scaled(pushed, 'B')}."
    if skipped or late:
        text += (
            f" Not done: {count(skipped)} trainings for want of budget, {count(late)} because the "
            f"one before had not ended."
        )
    text += " The freshness curve and the SRM on the whole catalogue are of the weights as shipped."
    headline = "The SRM changed along the run." if adapted else "The SRM never changed."
    return Finding("accuracy", not adapted, headline, text)


def invalid_candidates(records: RunRecords) -> Finding | None:
    """Warn where the LLM wrote candidates that are no items; None where it wrote none."""
    share = records.manifest["models"].get("invalid_candidate_share")
    if not share:
        return None
    return Finding(
        "models",
        share > MANY_INVALID,
        "The LLM wrote candidates that are no items.",
        f"{percent(share)} of the places in its lists were lost to strings that name no item or "
        f"repeat one; such lists are shorter, and what the user took next is more often missing.",
    )
