"""What a report may not say: each rule is a function of its text, its fields and the context it was written from."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from columns.checks.plain_text import write_plainly
from columns.checks.text_facts import find_numbers
from gold_data.violation import Violation
from indicators.report_facts import DOWN, FACTS, GROUPS, UP

Row = Mapping[str, Any]
Context = Mapping[str, Any]
TEXT = ("report", "claims", "news_ids")  # one matter: who mends the text may have to mend the other two
CLAIMS, NEWS_IDS = ("claims", "report", "news_ids"), ("news_ids", "report", "claims")
RATING = ("recommendation", "confidence", "stop_loss_pct", "take_profit_pct", *TEXT)
LENGTH_SLACK = 0.2  # of the bounds: models count words badly, and a reader does not
TEXT_MARKS = ("ticker", "as_of")
GROUP_VOTES = {group: "volume_vote" if group == "volume" else group for group in GROUPS}  # columns by the group

MARK = re.compile(r"\[\[\s*([^\[\]]+?)\s*\]\]")
_NUMBER = re.compile(r"\d+")
_BRACKETS = re.compile(r"\[\[|\]\]")
_LONG_SENTENCE = re.compile(r"[.!?]+(?:\s|$)|\n")
_SENTENCE = re.compile(r"[.!?;:]+(?:\s|$)|\n")
_ONES = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen"
)
_MORE = "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion"
_PARTS = (
    "zero dozen half halved halves quarter third thirds twice thrice double doubled triple tripled twofold threefold"
)
NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(f'{_ONES} {_MORE} {_PARTS}'.split())})s?\b", re.IGNORECASE)
_UNITS = (
    r"%|percent|per\s?cent|percentage|dollars?|cents?|thousand|million|billion|shares?|bars?|times|points?|of four|x\b"
)
UNIT = re.compile(
    rf"[-+$%\u20ac\u00a3\u2212\u00d7*/~.,]\[\[|\b(?:minus|plus|negative)\s+\[\[|\]\]\s*[-\u2013]?(?:{_UNITS})", re.I
)
ABOVE = ("above", "exceeds?", "exceed(?:ed|ing)", "tops?", "higher than", "greater than", "larger than", "more than")
BELOW = ("below", "beneath", "under", "underneath", "lower than", "less than", "smaller than")
_COMPARED = re.compile(rf"\b(?:(?P<above>{'|'.join(ABOVE)})|(?P<below>{'|'.join(BELOW)}))\b|\bover\s+(?=\[\[)", re.I)
_DENIED = re.compile(
    r"\b(?:not|no longer|never|neither|nor|hardly|barely|\w+n['\u2019]t)\s+(?:\w+\s+){0,3}$", re.IGNORECASE
)
_HOLDS = (
    r"\b(?:a|an|the|is|as|to|or|of|remains?|rate[sd]?|rated|recommend\w*|suggest\w*|say\w*|should|at)\s+(?:(?:strong|clear|cautious|firm)\s+)?"
    r"hold\b(?!s?\s+(?:above|below|its|their|the|up|on))|\bhold (?:rating|recommendation|signal|call|position)\b"
)
RATING_WORDS = {
    "BUY": re.compile(r"\b(?:buy|outperform|overweight|accumulate|go long|long position)\b(?!-)", re.IGNORECASE),
    "SELL": re.compile(r"\b(?:sell|underperform|underweight|go short|short position)\b(?!-)", re.IGNORECASE),
    "HOLD": re.compile(
        rf"(?-i:\bHOLD\b)|{_HOLDS}|\b(?:market perform|equal[- ]weight|neutral rating)\b", re.IGNORECASE
    ),
}
_SURE = r"(?P<{0}>high|medium|moderate|low)"
CONFIDENCE = re.compile(
    rf"\b{_SURE.format('one')}(?:est|er)?[- ](?:\w+ )?(?:confidence|conviction)\b"
    r"|\b(?:confidence|conviction)(?: in \w+(?: \w+)?)?(?: is| of|:| stays| remains| as)? (?:only |rather |very )?"
    rf"{_SURE.format('two')}\b",
    re.IGNORECASE,
)
_RISES = (
    "rise|climb|gain|rally|surge|soar|jump|fall|drop|decline|slide|sink|plunge|crash|reach|hit|go|move|break|recover"
    "|rebound|double|pay|win|make|return|continue|profit|outperform|turn"
)
PROMISE = re.compile(
    r"\b(?:guarante\w+|risk[- ]free|without (?:any )?risk|no risk|riskless|sure(?:fire)?[- ](?:thing|bet|win\w*)"
    r"|safe bet|can(?:not|'t| not) (?:lose|fail|go wrong)|(?:is|are|be) (?:certain|sure|bound|destined|going) to"
    r"|bound to|certain(?:ly)? to|promis\w+|no doubt|undoubtedly|inevitabl\w+|without fail|easy money|assured(?:ly)?"
    rf"|definitely|surely|(?:will|shall|'ll)(?: \w+ly| soon| then| now| most)* (?:{_RISES}))\b",
    re.IGNORECASE,
)
NEWS = re.compile(
    r"\b(?:news|headlines?|announce\w*|press releases?|reportedly|rumou?rs?|earnings|merger|acquisition|takeover"
    r"|lawsuit|upgrade[sd]?|downgrade[sd]?|guidance|sources (?:say|said)|according to)\b",
    re.IGNORECASE,
)
NO_NEWS = re.compile(
    r"\b(?:no|without(?: any)?|nor|not any)(?: \w+)? (?:news|headlines?)\b|\bnews is (?:not known|absent)\b",
    re.IGNORECASE,
)
CONFLICT = re.compile(
    r"\b(?:conflict\w*|contradict\w*|disagree\w*|at odds|against (?:each other|one another)|mixed)\b", re.IGNORECASE
)
STALE = re.compile(r"\b(?:stale|outdated|out of date|too old)\b", re.IGNORECASE)
GROUP_WORDS = {name: re.compile(rf"\b{name}\b", re.IGNORECASE) for name in GROUPS}


def refuse(rule: str, fields: tuple[str, ...], limit: str, found: str) -> Violation:
    """Name a broken rule as a critique says it: where, what was found, what may be."""
    return Violation(rule, fields, limit, found, f"{fields[0]}: found {found}; limit: {limit}")


def find_words(pattern: re.Pattern[str], text: str) -> list[str]:
    """Find words in a text as it stands and as a person reads it, each once: look-alike letters hide nothing."""
    shown = (text, write_plainly(text))
    return list(dict.fromkeys(found[0].casefold() for each in shown for found in pattern.finditer(each)))


def check_marks(row: Row, context: Context) -> Iterator[Violation]:
    """Refuse marks of nothing, digits, numbers in words, and signs or units beside a mark, which prints its own."""
    text, known = row["report"], list_marks(context)
    for name in dict.fromkeys(MARK.findall(text)):
        if name not in known:
            yield refuse("mark", TEXT, "a mark of the sheet", f"[[{name}]]")
    bare = MARK.sub(" ", text)
    if _BRACKETS.search(bare):
        yield refuse("mark", TEXT, "marks of the form [[close]]", "brackets that are no mark")
    if digits := sorted({letter for letter in bare if letter.isnumeric()}):
        yield refuse("digit", TEXT, "no digit: every number is a mark", " ".join(digits))
    spelt = [] if digits else _NUMBER.findall(write_plainly(bare))
    if words := sorted(find_words(NUMBER_WORD, bare) or spelt):
        yield refuse("number_word", TEXT, "no number in words: every number is a mark", ", ".join(words))
    if (beside := UNIT.search(text)) is not None:
        yield refuse("unit", TEXT, "a mark alone: it prints its sign and unit", beside[0])


def list_marks(context: Context) -> set[str]:
    """List the marks that a context has: its known facts, its name and moment, its news."""
    facts = {name for name, value in context["facts"].items() if value is not None}
    return {*facts, *TEXT_MARKS, *(item["id"] for item in context["headlines"])}


def check_claims(row: Row, context: Context) -> Iterator[Violation]:
    """Refuse comparisons that are false, of things that cannot be compared, and a text that compares other things."""
    facts, claimed = context["facts"], {(c["left"], c["relation"], c["right"]) for c in row["claims"]}
    for left, relation, right in sorted(claimed):
        said, unknown = f"{left} {relation} {right}", [n for n in (left, right) if facts.get(n) is None]
        if unknown:
            yield refuse("claim", CLAIMS, "facts of the sheet", f"{said}: {', '.join(unknown)} unknown")
        elif left == right or FACTS[left].scale != FACTS[right].scale:
            yield refuse("claim", CLAIMS, "two facts of one scale", said)
        elif not (facts[left] > facts[right] if relation == "above" else facts[left] < facts[right]):
            yield refuse("claim", CLAIMS, "what holds by the sheet's numbers", said)
    stated = set()
    for relation in read_relations(row["report"]):
        if isinstance(relation, str):
            yield refuse(
                "relation", TEXT, "[[one]] is above or below [[other]], and these words for nothing else", relation
            )
        else:
            stated.add(relation)
    for left, relation, right in sorted(stated ^ claimed):
        where = "in the text alone" if (left, relation, right) in stated else "in claims alone"
        limit = "the text's comparisons and the claims are the same"
        yield refuse("relation", CLAIMS, limit, f"{left} {relation} {right} {where}")


def read_relations(text: str) -> Iterator[tuple[str, str, str] | str]:
    """Read the comparisons of a text, sentence by sentence; one that cannot be read is given as its words.

    A comparison is a word such as above between two marks of facts, the nearest on either side.
    """
    for sentence in _SENTENCE.split(text):
        marks = [m for m in MARK.finditer(sentence) if m[1] in FACTS]
        for word in _COMPARED.finditer(MARK.sub(lambda m: f"[[{'_' * (len(m[0]) - 4)}]]", sentence)):
            before = [m[1] for m in marks if m.end() <= word.start()]
            after = [m[1] for m in marks if m.start() >= word.end()]
            denied = _DENIED.search(sentence[: word.start()])
            if before and after and denied is None:
                yield before[-1], "below" if word["below"] else "above", after[0]
            else:
                yield sentence[max(0, word.start() - 30) : word.end() + 30].strip()


def check_recommendation(row: Row, context: Context) -> Iterator[Violation]:
    """Hold recommendation, confidence, stop and target against the written rule, and the text's words against them."""
    rule, text = context["rule"], MARK.sub("_", row["report"])
    for name in ("recommendation", "confidence"):
        if row[name] != rule[name]:
            yield refuse(
                name,
                (name, *(other for other in RATING if other != name)),
                f"{rule[name]}, by the written rule",
                row[name],
            )
    for name, words in RATING_WORDS.items():
        if name != row["recommendation"] and (found := find_words(words, text)):
            yield refuse("rating", TEXT, f"no rating but {row['recommendation']}", found[0])
    for said in find_words(CONFIDENCE, text):
        told = CONFIDENCE.fullmatch(said)
        assert told is not None, "it was found by the same words"
        if (told["one"] or told["two"]).replace("moderate", "medium") != row["confidence"]:
            yield refuse("rating", TEXT, f"no confidence but {row['confidence']}", said)
    stop, target = row["stop_loss_pct"], row["take_profit_pct"]
    fields = ("stop_loss_pct", "take_profit_pct")
    if row["recommendation"] == "HOLD":
        if stop is not None or target is not None:
            yield refuse("stop", fields, "null for HOLD", f"{stop} and {target}")
    elif stop is None or target is None or not 0 < stop < target:
        yield refuse("stop", fields, "0 < stop < target", f"{stop} and {target}")


def check_words(row: Row, context: Context) -> Iterator[Violation]:
    """Refuse promises, and what a conflict or stale bars do not allow."""
    text, rule = row["report"], context["rule"]
    if found := find_words(PROMISE, text):
        yield refuse("promise", TEXT, "no promise and no word of what will come", found[0])
    if rule["situation"] == "stale":
        if not find_words(STALE, text):
            yield refuse("stale", TEXT, "says that the bars are stale", "nothing of it")
        if row["claims"]:
            yield refuse("stale", CLAIMS, "no claims on stale bars", f"{len(row['claims'])} of them")
    if rule["situation"] == "conflict":
        sides = [[name for name, vote in context["evidence"].items() if vote == side] for side in (UP, DOWN)]
        named = [any(GROUP_WORDS[name].search(MARK.sub("_", text)) for name in side) for side in sides]
        if not (CONFLICT.search(text) and all(named)):
            limit = f"says that evidence conflicts: {', '.join(sides[0])} up, {', '.join(sides[1])} down"
            yield refuse("conflict", TEXT, limit, "a conflict or one of its sides not named")


def check_news(row: Row, context: Context) -> Iterator[Violation]:
    """Refuse news that is not known at the moment, not listed, or spoken of without its mark."""
    known = {item["id"] for item in context["headlines"]}
    if foreign := [name for name in row["news_ids"] if name not in known]:
        limit = f"news known by {context['as_of']}: {', '.join(sorted(known)) or 'none'}"
        yield refuse("news", NEWS_IDS, limit, ", ".join(foreign))
    marked = {name for name in MARK.findall(row["report"]) if name in known}
    if marked != known & set(row["news_ids"]):
        yield refuse("news", NEWS_IDS, "the text's headlines are those of news_ids", ", ".join(marked) or "none")
    for sentence in _LONG_SENTENCE.split(row["report"]):
        bare = NO_NEWS.sub(" ", MARK.sub(" ", sentence))
        if not marked & set(MARK.findall(sentence)) and (found := find_words(NEWS, bare)):
            yield refuse("news", TEXT, "no word of news in a sentence without its mark", found[0])


def check_length(row: Row, context: Context, asked: str) -> Iterator[Violation]:
    """Hold the text's length against what the control asks for, except for stale bars; a mark is one word."""
    words, bounds = len(MARK.sub("_", row["report"]).split()), [stated.value for stated in find_numbers(asked)]
    is_free = len(bounds) != 2 or context["rule"]["situation"] == "stale"
    if not is_free and not bounds[0] * (1 - LENGTH_SLACK) <= words <= bounds[1] * (1 + LENGTH_SLACK):
        yield refuse("length", TEXT, asked, f"{words} words")
