"""What the command line gave in place of the scenario file's own values."""

import itertools
from collections.abc import Sequence


def given(command_line: Sequence[object]) -> list[str]:
    """Return the `key.path=value` of each `--set`, and `seed=N`, in the order typed.

    Args:
        command_line: the words typed, as the manifest keeps them.
    """
    found: list[str] = []
    words = [str(word) for word in command_line]
    for word, following in itertools.zip_longest(words, words[1:], fillvalue=""):
        option, equals, value = word.partition("=")
        if option not in ("--set", "--seed"):
            continue
        text = value if equals else following
        found.append(f"seed={text}" if option == "--seed" else text)
    return [text for text in found if not text.startswith("sweep")]
