"""Answers of a service that are none: of another shape than was asked for, or of another service."""

from typing import Any

import pytest

from jobs.errors import BackendError

from .conftest import Launched, Sender

ODD = r"\$NEMO_MICROSERVICES_BASE_URL does not answer as a Data Designer service does: .* What came: "
PART = {"reasoning": "fine", "score": "five"}


@pytest.mark.parametrize(
    ("put", "said"),
    [
        (
            {"judge": {"verdict": "fine"}},
            "output format of judge: .*'(realism|consistency|completeness)' is a required",
        ),
        ({"judge": dict.fromkeys(["realism", "consistency", "completeness"], PART)}, "'five' is not one of"),
        ({"trade": {"ticker": "X"}}, "output format of trade: .* is a required property"),
        ({"trade": "{not JSON"}, "output format of trade: .*not of type 'object'"),
        ({"trade": [1]}, "output format of trade: .*not of type 'object'"),
    ],
)
def test_rows_of_another_shape_are_an_error_that_a_resume_mends(
    sender: Sender, service: Launched, put: dict[str, Any], said: str
) -> None:
    service.write_script(put=put)
    with pytest.raises(BackendError, match=f"gave . rows of which none can be used: .*{said}"):
        sender.send()
    service.write_script()
    result = sender.send()
    assert (len(result.rows), result.lost) == (6, {})


def test_one_row_of_another_shape_is_lost(sender: Sender, service: Launched) -> None:
    service.write_script(put={"trade": {"ticker": "X"}}, put_at=[2])
    result = sender.send()
    assert list(result.lost) == [2]
    assert result.lost[2].column == "trade"
    assert "does not fit the output format of trade: $: 'trade_type' is a required" in result.lost[2].message
    assert len(result.rows) == 5


def test_objects_may_come_as_their_text(sender: Sender, service: Launched) -> None:
    service.write_script(as_text=["trade", "judge"])
    result = sender.send()
    assert len(result.rows) == 6
    assert all(isinstance(row["trade"], dict) for row in result.rows)
    assert {type(row["judge"]) for row in result.rows} <= {dict, type(None)}


HTML = "<html>\n please log in </html>"


@pytest.mark.parametrize("answer", [HTML, '{"x": 1}', '{"model_providers": 5}', '{"model_providers": ["a"]}', "", "[]"])
def test_settings_of_another_server_are_told(sender: Sender, service: Launched, answer: str) -> None:
    service.write_script(odd={"/settings": answer})
    with pytest.raises(BackendError, match=ODD) as failed:
        sender.make_backend().check_models({})
    assert "\n" not in str(failed.value)
    assert str(failed.value).endswith(" ".join(answer.split()) or "nothing")


@pytest.mark.parametrize(
    ("ending", "answer"),
    [
        ("/jobs/job-[0-9]+", HTML),
        ("/jobs/job-[0-9]+", '{"x": 1}'),
        ("/jobs/job-[0-9]+", '{"id": "job-1", "name": "a", "spec": {}}'),
        ("/dataset/download", HTML),
        ("/dataset/download", ""),
    ],
)
def test_answers_of_another_server_are_told(sender: Sender, service: Launched, ending: str, answer: str) -> None:
    service.write_script(odd={ending: answer})
    with pytest.raises(BackendError, match=ODD) as failed:
        sender.send()
    assert "\n" not in str(failed.value)
    service.write_script()
    assert len(sender.send().rows) == 6


def test_a_row_id_that_is_no_text_is_told(sender: Sender, service: Launched) -> None:
    service.write_script(put={"row_id": ["row-1"]})
    with pytest.raises(BackendError, match=ODD):
        sender.send()
