"""The closed table of what is mended in an answer; each loses nothing of what the model said."""

from collections.abc import Collection, Mapping

MENDINGS: Mapping[str, str] = {
    # where the object stands
    "no_fence": "an object without a fence, with other text around it",
    "fence": "a fence in another form: no language or another one, ~~~, on one line, or not closed",
    "thinking": "thinking in tags, closed or not, before the answer; an object in it is a draft and does not count",
    "channels": "channels such as harmony's, or answer tags: the final one is the answer",
    "special_tokens": "special tokens of a chat template, such as <|im_end|> or </s>",
    "invisible": "a byte order mark, zero width characters or no-break spaces between the object's parts",
    "from_reasoning": "nothing outside the model's reasoning, which holds one closed object",
    "tool_call": "the arguments of a tool call that nobody offered",
    "encoded": "a JSON string that holds the object",
    "wrapper_key": 'the object under another key, such as {"trade": {...}}',
    "list_of_one": "a list with the one object in it",
    "repeated": "the same object more than once, with equal values",
    "marked_final": "several objects, of which the text calls the last one final",
    # how the object is written
    "single_quotes": "single quotes around keys or texts",
    "smart_quotes": "typographic quotes around keys or texts",
    "bare_keys": "keys without quotes",
    "python_literals": "Python's None, True or False",
    "comments": "comments in the object",
    "trailing_comma": "a comma after the last item",
    "raw_line_breaks": "line breaks or tabs as they are in a text",
    "markdown_escapes": r"characters escaped as in Markdown, such as entry\_time",
    "key_spelling": "a key in another case or with other separators, where only one field can be meant",
    "extra_keys": "keys that no field has, left out",
    "null_as_missing": "null for a field that may be missing",
    # values
    "number_as_text": "a number as text",
    "leading_point": "a number that begins with its decimal point",
    "plus_sign": "a plus before a number",
    "unicode_minus": "a typographic minus or hyphen before a number: it is a minus",
    "dollar_sign": "a dollar sign before an amount or a symbol",
    "percent_sign": "a percent sign behind a value of a field that is in percent",
    "thousands_separators": "commas between groups of three digits",
    "boolean_as_text": "true or false as text",
    "unquoted_time": "a time of day without quotes",
    "time_without_seconds": "a time of day without seconds: on the minute",
    "short_hour": "an hour of one digit",
    "am_pm": "a time of day on a clock of twelve hours",
    "fraction_of_second": "fractions of a second, left out",
    "moment_of_session": "a moment with the session's own date, of which the time of day is taken",
    "time_zone": "the exchange's own time zone behind a time",
    "letter_case": "a known value in another case",
    "blanks": "blanks around or within a known value, or between a number and its sign",
    "value_spelling": "a known value with other separators, such as propose trade for propose_trade",
    "synonym": "another word for a known value, from the dataset's own table",
    # the judge
    "score_as_text": "a score as text",
    "score_out_of": 'a score with its scale, such as "4/5"',
    "score_with_words": 'a score with words behind it, such as "4 - plausible"',
    "score_in_words": "a score as a number word, or as the text of its option",
    "scores_arranged": "scores in another arrangement: flat, nested, in a list, or under another name",
    "reasoning_missing": "no reasoning beside a score",
    "reasoning_joined": "reasoning as a list, or one for all criteria",
    # the refiner
    "changed_only": "only the changed fields; the others are as they were",
    "null_as_unchanged": "null for a field that stays as it was",
    "edits_listed": "changes as a list of fields and values",
    "json_patch": "a JSON patch (RFC 6902)",
}
"""Name of each mending and what is mended; an answer's are counted by these names, and each can be switched off."""

ALL = frozenset(MENDINGS)
EVERY = "all"


def allow_mendings(switched_off: Collection[str]) -> frozenset[str]:
    """Name the mendings that are left where some are switched off; `all` stands for every one."""
    return frozenset() if EVERY in switched_off else ALL - set(switched_off)
