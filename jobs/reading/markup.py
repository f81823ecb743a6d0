"""What stands around an object: thinking, channels, fences, special tokens; and which object the text calls final."""

import re
from collections.abc import Sequence

from jobs.reading.syntax import BLANKS, UNSEEN, Found, find_objects

_NAMES = r"[\w:]*(?:think|thought|reason|reflect|monologue|scratchpad)\w*"
_TAG = re.compile(
    rf"<(?P<close>/)?(?:{_NAMES})(?:\s[^<>]*)?>|(?P<close2>\[/THINK\])|\[THINK\]|◁(?P<close3>/)?think▷"
    r"|<\|(?:begin_of_thought|START_THINKING)\|>|<\|channel>\s*(?:thought|analysis)\b|(?P<close5><channel\|>)|(?P<close4><\|(?:end_of_thought|END_THINKING)\|>)",
    re.IGNORECASE,
)
_FINAL_CHANNEL = re.compile(r"<\|channel\|>\s*final\b[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>")
_ANY_CHANNEL = re.compile(
    r"<\|channel\|>\s*(?P<name>analysis|commentary)\b(?P<to>[^<]*)(?:<\|constrain\|>[^<]*)?<\|message\|>"
)
_CHANNEL_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
_TURN = re.compile(r"<\|start\|>\s*(?:assistant)?(?:\s+to=[\w.]+)?|<\|(?:end|return|call)\|>")
_TOKENLESS = re.compile(r"\Aanalysis.*assistantfinal(?![a-z])", re.DOTALL)  # harmony whose special tokens were dropped
_ANSWER = re.compile(r"<(answer|final_answer|final|response|output)>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_TOKEN = re.compile(
    r"<\|[^|<>{}]{1,40}\|>|<\uff5c[^\uff5c<>{}]{1,40}\uff5c>|</?s>|<eos>|<(?:start|end)_of_turn>|\[/?INST\]|\[(?:EOS|TOOL_CALLS)\]"
    r"|</?tool_calls?>"
)
_ASIDE = "\ue000"
_SHELF = re.compile(rf"{_ASIDE}(\d+);")
_FENCE_BEFORE = re.compile(r"(?P<mark>`{3,}|~{3,})[ \t]*(?P<language>[\w+.-]*)(?P<line>[ \t]*\r?\n)?\s*\Z")
_FENCE_AFTER = re.compile(r"\s*(?P<mark>`{3,}|~{3,})")
_FINAL_WORD = re.compile(
    r"\A[\W_]*(?:(?:so|thus|here(?:'s| is)|this is|my|the|our)\s+)*final\b[\w \t-]{0,30}[:.]?[\W_]*\Z", re.IGNORECASE
)
_REFUSAL = re.compile(
    r"\b(?:I(?:'m| am) (?:sorry|unable|not able)|I (?:can(?:no|')t|cannot|won't|will not|must decline)"
    r"|as an AI\b|unable to (?:help|assist|comply))",
    re.IGNORECASE,
)


def part_thinking(text: str) -> tuple[str, str, set[str]]:
    """Part a text into what is said, what is only thought, and the mendings that this took.

    Markup within a closed object is a word in one of its texts, so objects are put aside first.
    """
    if not any(sign in text for sign in "<[◁") and not text.startswith("analysis"):
        return text, "", set()
    aside = [] if _ASIDE in text else [one for one in find_objects(text)[0] if "{" in text[one.start : one.end]]
    kept = [text[one.start : one.end] for one in aside]
    for number, one in reversed(list(enumerate(aside))):
        text = f"{text[: one.start]}{_ASIDE}{number};{text[one.end :]}"
    used: set[str] = set()
    said, thought = _part_channels(text)
    if said != text:
        used.add("channels")
    said, more = _part_tags(said)
    if more:
        used.add("thinking")
    if answers := [found.group(2) for found in _ANSWER.finditer(said) if _ASIDE in found.group(2)]:
        said = "\n".join(answers)
        used.add("channels")
    said, thought = (_SHELF.sub(lambda at: kept[int(at[1])], part) if kept else part for part in (said, thought + more))
    return said, thought, used


def _part_channels(text: str) -> tuple[str, str]:
    """Keep the final channel; of channels without a final one, calls of a tool are said, the rest is thought."""
    if finals := list(_FINAL_CHANNEL.finditer(text)):
        bodies = [_CHANNEL_END.split(text[final.end() :], maxsplit=1)[0] for final in finals]
        return "\n".join(bodies), text[: finals[0].start()]
    if channels := list(_ANY_CHANNEL.finditer(text)):
        said, thought, at = "", "", 0
        for channel in channels:
            body = _CHANNEL_END.split(text[channel.end() :], maxsplit=1)[0]
            is_call = channel["name"] == "commentary" and "to=" in channel["to"]
            said += text[at : channel.start()] + (f"{body}\n" if is_call else "")
            thought, at = thought + ("" if is_call else f"{body}\n"), channel.end() + len(body)
        return _TURN.sub("", said + text[at:]), thought
    if dropped := _TOKENLESS.match(text):
        return text[dropped.end() :], dropped.group()
    return text, ""


def _part_tags(text: str) -> tuple[str, str]:
    """Take out what stands between tags of thinking, before a tag that only closes, and behind one that only opens."""
    tags = list(_TAG.finditer(text))
    if not tags:
        return text, ""
    said, thought, at, depth = "", "", 0, 0
    for tag in tags:
        before, at = text[at : tag.start()], tag.end()
        if not any(tag.group(name) for name in ("close", "close2", "close3", "close4", "close5")):
            said, thought = (said, thought + before) if depth else (said + before, thought)
            depth += 1
        elif depth:
            thought, depth = thought + before, depth - 1
        else:
            said, thought = "", thought + said + before
    return (said, thought + text[at:] + " ") if depth else (said + text[at:], thought + " ")


def name_surroundings(text: str, found: Found) -> set[str]:
    """Name the mendings for what stands around an object: a fence in an unusual form or none, special tokens."""
    used: set[str] = set()
    before, after = text[: found.start], text[found.end :]
    opening, closing = _FENCE_BEFORE.search(before), _FENCE_AFTER.match(after)
    if _TOKEN.search(before) or _TOKEN.search(after):
        used.add("special_tokens")
        before, after = _TOKEN.sub("", before), _TOKEN.sub("", after)
    if any(sign in before + after for sign in UNSEEN):
        used.add("invisible")
    if opening:
        usual = opening["mark"] == "```" and opening["language"] == "json" and opening["line"] and closing
        used |= set() if usual else {"fence"}
    elif (before + after).strip(BLANKS):
        used.add("no_fence")
    return used


def pick_final(text: str, found: Sequence[Found]) -> Found | None:
    """Pick the last object where the line before it, and before no other one, says that it is final."""
    marked = [one for one in found if _is_called_final(text[: one.start])]
    return found[-1] if marked == [found[-1]] else None


def _is_called_final(before: str) -> bool:
    lines = [line for line in _FENCE_BEFORE.sub("", before).splitlines() if line.strip()]
    return bool(lines and _FINAL_WORD.match(lines[-1].rsplit("}", 1)[-1]))


def is_refusal(text: str) -> bool:
    """Whether a text without an object says that the model will not answer."""
    return bool(_REFUSAL.search(text[:300].replace("\u2019", "'")))


def has_words(text: str) -> bool:
    """Whether a text has anything but blanks and special tokens."""
    return bool(_TOKEN.sub("", text).strip(BLANKS))
