"""Writes a text as a person reads it, so that words are found however they are spelt.

Invisible letters are dropped, look-alikes and accented letters become plain ones (Unicode NFKD, and the commonest
homoglyphs of other alphabets), letters that are spaced out are drawn together, and number words become digits:
`one hundred and four thousand` is `104000`.
"""

import re
import unicodedata
from collections.abc import Iterator

SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
CLAUSE_END = re.compile(r"\s*(?:[;:,\u2014]\s|\sbut\s|\showever\s|\sso\s|\syet\s|\sand\s)\s*")

_LOOK_ALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb\u03b1\u03b5\u03bf\u03c1\u03c5\u03b9\u03ba\u03bd\u03c4\u2018\u2019\u201c\u201d\u2013",
    "aeopcyxijsdhaeopuikvt''\"\"-",
)
_INVISIBLE = ("Cf", "Mn", "Cc")  # categories of Unicode: formats, marks that join a letter, controls
_SPACED = re.compile(r"(?<!\w)(?!i )(?:[a-z][ .\-_*]){2,}[a-z](?!\w)")
_THOUSANDS = re.compile(r"(?<=\d)[,'\u00a0\u202f ](?=\d{3}(?!\d))")
_LEET = str.maketrans("013457@$", "oieastas")
_LEET_WORD = re.compile(r"(?<![\w$@.])(?=[a-z013457@$]*[a-z])(?=[a-z]*[013457@$])[a-z][a-z013457@$]*[a-z](?![\w$@])")

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_UNITS = {word: number for number, word in enumerate(_SMALL)}
_TENS = dict(
    zip(("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), range(20, 100, 10), strict=True)
)
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000, "grand": 1_000}
_NUMBER_WORD = "|".join([*_UNITS, *_TENS, *_SCALES])
_NUMBER_WORDS = re.compile(
    rf"(?<!\w)(?:(?:a|\d+(?:\.\d+)?)\s+(?=(?:{'|'.join(_SCALES)})\b))?(?:{_NUMBER_WORD})(?:(?:[\s-]+(?:and\s+)?)(?:{_NUMBER_WORD}))*(?!\w)"
)


def drop_disguise(text: str) -> str:
    """Write a text in small plain letters, and leave out what cannot be seen; words and marks stay as they are."""
    folded = unicodedata.normalize("NFKD", text).casefold().translate(_LOOK_ALIKES)
    return "".join(letter for letter in folded if letter in "\n\t\0" or unicodedata.category(letter) not in _INVISIBLE)


def write_plainly(text: str) -> str:
    """Write a text in small plain letters, with digits for number words."""
    plain = _SPACED.sub(lambda found: re.sub(r"[ .\-_*]", "", found[0]), drop_disguise(text))
    plain = _LEET_WORD.sub(lambda found: found[0].translate(_LEET), plain)
    return _NUMBER_WORDS.sub(lambda found: _read_number(found[0]), _THOUSANDS.sub("", plain))


def _read_number(words: str) -> str:
    """Read a number in words; a lone unit below ten stays a word, for `one` is mostly no number."""
    total, current = 0.0, 0.0
    for word in _iter_words(words):
        if word in _SCALES:
            scale = _SCALES[word]
            current = max(current, 1.0) * scale
            if scale > 100:
                total, current = total + current, 0.0
        else:
            current += float(_UNITS.get(word, _TENS.get(word, 0))) if word.isalpha() else float(word)
    value = total + current
    return words if words in _UNITS and value < 10 else f"{value:.10g}"


def _iter_words(words: str) -> Iterator[str]:
    return (word for word in re.split(r"[\s-]+", words) if word not in ("and", "a", ""))
