"""Turns off what the libraries would tell or ask others: usage statistics, version checks, an encoding of tokens.

It imports nothing, for it must be done before Data Designer is imported; `columns.types.plugins` does it for Data
Designer's own commands, which load it while the library is itself being imported.
"""

import os

QUIET = {
    "NEMO_TELEMETRY_ENABLED": "false",  # Data Designer: model names and token counts after every job
    "DATA_DESIGNER_DISABLE_VERSION_CHECK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}


CHARACTERS_PER_TOKEN = 4  # of English and JSON together


class CharacterCount:
    """Counts tokens by their usual length, in the place of an encoding that would be fetched."""

    def encode(self, text: str, **_: object) -> range:
        """Give as many places as a text has tokens, about."""
        return range(-(-len(text) // CHARACTERS_PER_TOKEN))


def silence_libraries() -> None:
    """Turn off what they send about their use, where the environment does not say otherwise."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
