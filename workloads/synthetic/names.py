"""Readable names for synthetic items and categories."""

import numpy as np

from workloads import draws

_ADJECTIVES = (
    "Amber Ancient Autumn Blue Borrowed Brave Bright Broken Burning Calm Clever Cold Copper "
    "Crimson Curious Dancing Dark Distant Early Electric Empty Endless Fading Falling Fearless "
    "Final Floating Forgotten Fragile Frozen Gentle Gilded Golden Grand Green Hidden Hollow "
    "Honest Hungry Idle Iron Ivory Last Late Little Lonely Long Lost Loud Lucky Midnight Misty "
    "Modern Narrow Northern Old Open Painted Pale Patient Perfect Quiet Rapid Red Restless Rising "
    "Royal Sacred Scarlet Secret Seventh Silent Silver Simple Sleeping Slow Southern Stolen "
    "Stormy Strange Summer Tender Thirsty Tired Twin Velvet Vivid Wandering White Wild Winter "
    "Wooden Young"
)
_NOUNS = (
    "Anchor Archive Atlas Autumn Bakery Balcony Bay Bell Bird Boat Bridge Candle Canyon Castle "
    "Cathedral Circus City Clock Cloud Coast Compass Country Crossing Crown Desert Diary Door "
    "Dream Engine Evening Falcon Farm Ferry Field Fire Forest Fountain Fox Garden Gate Ghost "
    "Glacier Harbour Harvest Heart Hill Horizon Horse Hotel House Island Journey Key King "
    "Lantern Letter Library Lighthouse Lion Machine Map Market Meadow Melody Mirror Moon Morning "
    "Mountain Museum Night Ocean Orchard Palace Paper Path Piano Pilot Planet Portrait Promise "
    "Queen Rain River Road Room Rose Sailor School Sea Season Shadow Ship Shore Sky Snow Song "
    "Spring Square Stage Star Station Storm Story Street Summer Sun Table Tower Train Valley "
    "Village Violin Voice Voyage Wall Wave Well Whale Wind Window Wolf Wood Year"
)
_CATEGORIES = (
    "Adventure Animals Architecture Art Astronomy Biography Business Comedy Cookery Crafts Crime "
    "Dance Design Documentary Drama Economics Education Fantasy Fashion Fitness Gardening Health "
    "History Horror Language Law Mathematics Medicine Music Mystery Mythology Nature Philosophy "
    "Photography Poetry Politics Psychology Religion Romance Science Sport Technology Theatre "
    "Thriller Travel War Western"
)


def titles(seed: int, count: int) -> tuple[str, ...]:
    """Return `count` distinct titles of two words, numbered as sequels once the words run out."""
    adjectives, nouns = _ADJECTIVES.split(), _NOUNS.split()
    pairs = len(adjectives) * len(nouns)
    order = np.argsort(draws.uniform(seed, "title", 0, pairs), kind="stable")
    made: list[str] = []
    for position in range(count):
        adjective, noun = divmod(int(order[position % pairs]), len(nouns))
        sequel = position // pairs
        title = f"{adjectives[adjective]} {nouns[noun]}"
        made.append(f"{title} {sequel + 1}" if sequel else title)
    return tuple(made)


def categories(count: int) -> tuple[str, ...]:
    """Return `count` distinct category names, numbered once the words run out."""
    words = _CATEGORIES.split()
    made: list[str] = []
    for number in range(count):
        part, word = divmod(number, len(words))
        made.append(f"{words[word]} {part + 1}" if part else words[word])
    return tuple(made)
