"""Every form in which a judge gives its scores; a score that is none of the options is refused."""

import json
from typing import Any

import pytest

from jobs.reading.answer import Answer, Read, Refused
from jobs.reading.judgement import read_judgement

OPTIONS = {1: "Impossible.", 2: "Far off.", 3: "Doubtful.", 4: "Plausible, with nothing clearly off.", 5: "Exact."}
SCORES = {"realism": OPTIONS, "consistency": OPTIONS}
MEANT = {"realism": {"reasoning": "Fits.", "score": 4}, "consistency": {"reasoning": "Agrees.", "score": 5}}
REALISM, CONSISTENCY = MEANT["realism"], MEANT["consistency"]


def read(said: Any) -> Read | Refused:
    return read_judgement(Answer(said if isinstance(said, str) else json.dumps(said), finish_reason="stop"), SCORES)


ARRANGED: dict[str, tuple[Any, tuple[str, ...]]] = {
    "as_asked": (MEANT, ()),
    "score_first": ({name: {"score": one["score"], "reasoning": one["reasoning"]} for name, one in MEANT.items()}, ()),
    "prose": (f"Here:\n{json.dumps(MEANT)}", ("no_fence",)),
    "think": (f"<think>{json.dumps({'realism': 1})}</think>{json.dumps(MEANT)}", ("thinking",)),
    "raw_line_break": (json.dumps(MEANT).replace("Fits.", "Fi\nts.").replace("\n", "\n"), ()),
    "extra_criterion": (MEANT | {"style": {"reasoning": "", "score": 9}}, ("extra_keys",)),
    "nested": ({"scores": MEANT}, ("extra_keys", "scores_arranged")),
    "nested_apart": (
        {
            "scores": {"realism": 4, "consistency": 5},
            "reasoning": {"realism": "Fits.", "consistency": "Agrees."},
        },
        ("extra_keys", "scores_arranged"),
    ),
    "title_keys": ({"Realism": REALISM, "Consistency": CONSISTENCY}, ("scores_arranged",)),
    "flat": (
        {"realism_score": 4, "realism_reasoning": "Fits.", "consistencyScore": 5, "consistency reasoning": "Agrees."},
        ("scores_arranged",),
    ),
    "explanation": (
        {"realism": {"explanation": "Fits.", "score": 4}, "consistency": {"rationale": "Agrees.", "rating": 5}},
        ("scores_arranged",),
    ),
    "list": (
        [
            {"name": "realism", "score": 4, "reasoning": "Fits."},
            {"criterion": "Consistency", "score": 5, "reason": "Agrees."},
        ],
        ("scores_arranged",),
    ),
    "list_in_wrapper": (
        {"evaluation": [{"name": name, **one} for name, one in MEANT.items()]},
        ("extra_keys", "scores_arranged"),
    ),
    "list_of_one": ({"realism": [REALISM], "consistency": [CONSISTENCY]}, ("scores_arranged",)),
    "reasons_in_a_list": (
        {"realism": {"reasoning": ["Fits."], "score": 4}, "consistency": CONSISTENCY},
        ("reasoning_joined",),
    ),
}


@pytest.mark.parametrize("kind", ARRANGED)
def test_scores_are_read_in_any_arrangement(kind: str) -> None:
    said, mended = ARRANGED[kind]
    answer = read(said)
    assert isinstance(answer, Read)
    if kind == "raw_line_break":
        assert answer.value["realism"] == {"reasoning": "Fi\nts.", "score": 4}
        assert answer.mended == ("raw_line_breaks",)
    else:
        assert (answer.value, answer.mended) == (MEANT, mended)


def test_missing_reasoning_is_empty_and_one_for_all_is_each_ones() -> None:
    alone = read({"realism": 4, "consistency": {"score": 5}})
    assert isinstance(alone, Read)
    assert [one["reasoning"] for one in alone.value.values()] == ["", ""]
    assert "reasoning_missing" in alone.mended
    shared = read({"realism": 4, "consistency": 5, "reasoning": "All well."})
    assert isinstance(shared, Read)
    assert [one["reasoning"] for one in shared.value.values()] == ["All well."] * 2
    assert "reasoning_joined" in shared.mended


@pytest.mark.parametrize(
    "score",
    [
        *(4, 4.0, "4", " 4 ", "4.0", "**4**", "4/5", "4 / 5", "4 out of 5", "Score: 4", "4/5 - plausible", "4."),
        *("4 - plausible", "4: plausible", "4 \u2014 plausible", "4, plausible", "4. Plausible", "4 (plausible)"),
        *("four", "Four - plausible", "Plausible, with nothing clearly off.", "4 - only one thing off"),
    ],
)
def test_score_is_read_as_four(score: Any) -> None:
    answer = read({"realism": {"reasoning": "", "score": score}, "consistency": CONSISTENCY})
    assert isinstance(answer, Read)
    assert answer.value["realism"]["score"] == 4
    assert type(answer.value["realism"]["score"]) is int


@pytest.mark.parametrize(
    "score",
    [
        *(True, False, None, 0, 6, 4.5, -4, [4, 5], {"a": 4}, "true", "", "0", "6", "4.5", "-4", "4/10", "4 out of 10"),
        *(
            "4 out of ten",
            "4-5",
            "4 or 5",
            "4 or five",
            "4 to five",
            "between 4 and 5",
            "4 and a half",
            "4%",
            "4 percent",
        ),
        *("high", "plausible", "4 - no, three", "4/", "IV"),
    ],
)
def test_score_that_is_no_option_is_refused(score: Any) -> None:
    answer = read({"realism": {"reasoning": "", "score": score}, "consistency": CONSISTENCY})
    assert isinstance(answer, Refused)
    assert answer.cause == "bad_value"
    assert "realism" in answer.line


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ({"realism": REALISM}, "missing_field"),
        ({"realism": REALISM, "consistency": {"reasoning": "Agrees."}}, "missing_field"),
        (json.dumps(MEANT)[:-4], "not_closed"),
        (f"{json.dumps(MEANT)[:-1]}, {json.dumps(MEANT | {'realism': CONSISTENCY})[1:]}", "repeated_keys"),
        ({"realism": REALISM, "realism_score": 5, "consistency": CONSISTENCY}, "repeated_keys"),
        ({"realism": REALISM, "Realism": 5, "consistency": CONSISTENCY}, "repeated_keys"),
        ({"realism": {"score": 4, "Score": 5}, "consistency": CONSISTENCY}, "repeated_keys"),
        ([MEANT, MEANT | {"realism": CONSISTENCY}], "repeated_keys"),
        (f"{json.dumps(MEANT)} {json.dumps(MEANT | {'realism': CONSISTENCY})}", "several_objects"),
        ({"type": "object", "properties": MEANT}, "schema_echoed"),
        ("The trade is plausible, I give it a 4.", "no_object"),
        ("Realism: 4\nConsistency: 5", "no_object"),
    ],
)
def test_judgement_without_one_score_of_each_is_refused(said: Any, cause: str) -> None:
    answer = read(said)
    assert isinstance(answer, Refused)
    assert answer.cause == cause


def test_options_are_given_back_as_the_dataset_has_them() -> None:
    words = {"tone": {"good": "Reads well.", "bad": "Reads badly."}}
    answer = read_judgement(Answer('{"tone": {"reasoning": "", "score": "Good"}}'), words)
    assert isinstance(answer, Read)
    assert answer.value["tone"]["score"] == "good"
    texts = {"tone": {str(option): text for option, text in OPTIONS.items()}}
    answer = read_judgement(Answer('{"tone": {"reasoning": "", "score": 4}}'), texts)
    assert isinstance(answer, Read)
    assert answer.value["tone"]["score"] == "4"


@pytest.mark.parametrize(
    "said",
    [
        {name: one | {"max_score": 10} for name, one in MEANT.items()},
        {name: one | {"out_of": 10} for name, one in MEANT.items()},
        {"scale": "1-10", "realism": 4, "consistency": 5},
        [{"scale": {"min": 1, "max": 100}}, {"name": "realism", "score": 4}, {"name": "consistency", "score": 5}],
    ],
)
def test_score_on_another_scale_is_refused(said: Any) -> None:
    answer = read(said)
    assert isinstance(answer, Refused)
    assert answer.cause == "bad_value"
    assert "scale" in answer.line


@pytest.mark.parametrize("beside", [{"max_score": 5}, {"out_of": 5}, {"scale": "1-5"}, {"weight": 0.3}])
def test_scale_that_is_the_criterias_own_changes_nothing(beside: dict[str, Any]) -> None:
    answer = read({name: one | beside for name, one in MEANT.items()})
    assert isinstance(answer, Read)
    assert answer.value == MEANT


@pytest.mark.parametrize("score", ["4: Impossible.", "4 - impossible", "4 (Exact)"])
def test_score_that_its_own_words_contradict_is_refused(score: str) -> None:
    assert isinstance(read(MEANT | {"realism": REALISM | {"score": score}}), Refused)


@pytest.mark.parametrize(
    "between", ["\n", "\n```\n```json\n", "\nand the other one:\n"], ids=["lines", "fences", "prose"]
)
def test_an_object_for_each_criterion_is_read_as_one(between: str) -> None:
    parts = [json.dumps({name: one}) for name, one in MEANT.items()]
    answer = read(between.join(parts))
    assert isinstance(answer, Read)
    assert answer.value == MEANT
    assert "scores_arranged" in answer.mended


def test_objects_that_contradict_one_another_are_not_joined() -> None:
    parts = [{"realism": 4}, {"realism": 2}, {"consistency": 5}]
    assert isinstance(read("\n".join(map(json.dumps, parts))), Refused)
    assert isinstance(read("\n".join(map(json.dumps, parts[:2]))), Refused)
    assert isinstance(read(json.dumps(parts[0]) + '\n{"consistency": 5'), Refused)
