"""What a report may not say: each rule is a function of its text, its fields and the context it was written from."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from columns.checks.plain_text import drop_disguise, write_plainly
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
_BRACKETS = re.compile(r"[][{}\u3010\u3011]")
_LONG_SENTENCE = re.compile(r"[.!?]+(?:\s|$)|\n")
_SENTENCE = re.compile(r"[.!?;:]+(?:\s|$)|\n")
_ONES = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen"
)
_MORE = "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion"
_PARTS = (
    "zero dozen half halved halves quarter third thirds twice thrice double doubled triple tripled "
    "quadruple quadrupled nil nought naught fifth sixth seventh eighth ninth tenth twentieth hundredth thousandth"
)
NUMBER_WORD = re.compile(
    rf"\b(?:(?:{'|'.join(f'{_ONES} {_MORE} {_PARTS}'.split())})s?|(?:{'|'.join(_ONES.split())}|hundred)[- ]?fold"
    rf"|(?:single|double|triple)[- ]digits?|(?:couple|score) of|one (?:percent|per cent|dollar|cent)"
    r"|(?-i:(?=[IVX]{2})X{0,3}(?:IX|IV|V?I{0,3})))\b",
    re.IGNORECASE,
)
_UNITS = (
    r"%|percent|per\s?cent|percentage|dollars?|cents?|thousand|million|billion|shares?|bars?|times|points?|of four"
    r"|basis points?|(?:bps|x|k|m|mn|bn|tn)\b"
)
UNIT = re.compile(
    rf"[-+$%\u20ac\u00a3\u2212\u00d7*/~.,]\[\[|\b(?:minus|plus|negative)\s+\[\[|\]\]\s*[-\u2013]?(?:{_UNITS})", re.I
)
ABOVE = r"above|exceed(?:s|ed|ing)?|tops?|topp(?:ed|ing)|(?:high|great|larg|bigg|strong)er than|more than"
BELOW = "below|beneath|under|underneath|(?:low|small|weak)er than|less than"
_COMPARED = re.compile(rf"\b(?:(?:{ABOVE})|(?P<below>{BELOW}))\b|\b(?:over|past)\s+(?=\[\[)", re.I)
_OVER = r"surpass\w*|beat(?:s|en|ing)?|outpac\w+|outstrip\w*|outd(?:o|oes|one|id)|north of|ahead of(?= \[\[)"
_UNDER = r"trail(?:s|ed|ing)?|lag(?:s|ged|ging)?|f[ae]lls? short of|south of|behind(?= \[\[)"
_COMPARED_MARKS = re.compile(rf"\b(?:(?:{_OVER})|(?P<below>{_UNDER}))\b|[>\u2265]|(?P<less>[<\u2264])", re.I)
_SIDES_UNTOLD = re.compile(
    r"\b(?:compared (?:to|with)|equal(?:s|led| to)|match(?:es|ed|ing)|(?:the )?same as|identical|the (?:latter|former)"
    r"|leads?|(?:high|low|great|larg|small|bigg|strong|weak)er(?=\s*(?:[,)]|$)))|=",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:not|no longer|never|neither|nor|hardly|barely|\w+n['\u2019]t)\s+(?:\w+\s+){0,3}$", re.IGNORECASE
)
_HOLDS = (
    r"\b(?:a|an|the|is|as|to|or|of|remains?|rate[sd]?|rated|recommend\w*|suggest\w*|say\w*|should|at)\s+(?:(?:strong|clear|cautious|firm)\s+)?"
    r"hold\b(?!s?\s+(?:above|below|its|their|the|up|on))|\bhold (?:rating|recommendation|signal|call|position)\b"
)
RATING_WORDS = {
    "BUY": re.compile(
        r"\b(?:buys?|buying(?! (?:pressure|interest|volume))|purchase|load up|outperform|overweight|accumulate"
        r"|(?:go|be) long|long position)\b(?!-)",
        re.IGNORECASE,
    ),
    "SELL": re.compile(
        r"\b(?:sells?|selling(?! (?:pressure|interest|volume|climax))|dump|unload|shorting|underperform|underweight"
        r"|(?:go|be) short|short position)\b(?!-)",
        re.IGNORECASE,
    ),
    "HOLD": re.compile(
        rf"(?-i:\bHOLD\b)|{_HOLDS}|\b(?:market perform|equal[- ]weight|neutral rating)\b", re.IGNORECASE
    ),
}
_SURE = r"(?P<{0}>high|medium|moderate|low)"
_TRUST = "confidence|conviction|certainty"
CONFIDENCE = re.compile(
    rf"\b{_SURE.format('one')}(?:est|er|ly)?[- ](?:(?!and|but|while|with)\w+ ){{0,2}}(?:{_TRUST}|confident)\b"
    rf"|\b(?:{_TRUST})(?:(?: \w+){{0,3}}? (?:is|are|of|be|as|called|stays|remains)|:)?"
    rf"(?: (?:only|rather|very|quite))? {_SURE.format('two')}\b",
    re.IGNORECASE,
)
_RISES = (
    "rise|climb|gain|rally|surge|soar|jump|fall|drop|decline|slide|sink|plunge|crash|reach|hit|go|move|break|recover"
    "|rebound|double|pay|win|make|return|continue|profit|outperform|turn"
    "|advance|increase|decrease|appreciate|grow"
    "|lose|bounce|close|trade|end|stay|keep|never|not"
    "|be (?:higher|lower|up|down|profitable|worth)"
)
PROMISE = re.compile(
    r"\b(?:guarante\w+|risk[- ]free|without (?:any )?risk|no risk|riskless|sure(?:fire)?[- ](?:thing|bet|win\w*)"
    r"|safe bet|can(?:not|'t| not) (?:lose|fail|go wrong)|(?:is|are|be) (?:certain|sure|bound|destined|going) to"
    r"|bound to|certain(?:ly)? to|promis\w+|no doubt|undoubtedly|inevitabl\w+|without fail|easy money|assured(?:ly)?"
    rf"|definitely|surely|without (?:a|any) doubt|(?:is|are|looks?|seems?) (?:set|poised) to"
    rf"|(?:must|can only|won't) (?:{_RISES})|a certainty|is a given(?! \w)|no[- ]brainer"
    r"|no downside|locked[- ]in|foolproof"
    r"|(?:profits?|gains?|returns?|success) (?:is|are) (?:certain|sure|safe)"
    rf"|(?:will|shall|'ll)(?: \w+ly| soon| then| now| most)* (?:{_RISES}))\b",
    re.IGNORECASE,
)
NEWS = re.compile(
    r"\b(?:news|headlines?|announce\w*|press releases?|reportedly|rumou?rs?|earnings|merger|acquisition|takeover"
    r"|lawsuit|upgrade[sd]?|downgrade[sd]?|guidance|(?:sources|reports|the press) (?:say|said|writes?)|according to"
    r"|dividends?|quarterly|ceo|chief executive|sued|the press|the board (?:approved|said|decided)"
    r"|(?:signed|won|lost) an? (?:contract|order)|published (?:results|figures))\b",
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

    A comparison is a word such as above between two marks of facts, the nearest on either side. Words such as
    beats compare marks of one scale on either side of them; others say of two such marks not which is which.
    """
    for sentence in _SENTENCE.split(drop_disguise(text)):
        marks = [m for m in MARK.finditer(sentence) if m[1] in FACTS]
        masked = MARK.sub(lambda m: f"[[{'_' * (len(m[0]) - 4)}]]", sentence)
        for word in (*_COMPARED.finditer(masked), *_COMPARED_MARKS.finditer(masked)):
            before = [m[1] for m in marks if m.end() <= word.start()]
            after = [m[1] for m in marks if m.start() >= word.end()]
            if word.re is _COMPARED_MARKS and not (
                before and after and FACTS[before[-1]].scale == FACTS[after[0]].scale
            ):
                continue
            if before and after and _DENIED.search(sentence[: word.start()]) is None:
                is_below = any(word.groupdict().values())
                yield before[-1], "below" if is_below else "above", after[0]
            else:
                yield sentence[max(0, word.start() - 30) : word.end() + 30].strip()
        if len({FACTS[m[1]].scale for m in marks}) < len(marks) and (untold := _SIDES_UNTOLD.search(masked)):
            yield sentence[max(0, untold.start() - 30) : untold.end() + 30].strip()


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
