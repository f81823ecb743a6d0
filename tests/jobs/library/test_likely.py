"""What a person reads of a provider that cannot be spoken to: address, its own words, the likely cause."""

import pytest

from jobs.library.likely import cut_address, say_failed_connection, say_missing, say_no_json, say_redirect

URL = "http://10.0.0.1:8000/v1/chat/completions"


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("no connection to 10.0.0.1:8000 (Connection refused)", "is the server started"),
        ("no connection to x:443 ([Errno -2] Name or service not known)", "the host is not known"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate", "SSL_CERT_FILE"),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number", "no TLS there"),
        ("[SSL] record layer failure (_ssl.c:1006)", "no TLS there"),
        ("the connection broke", f"at {URL}"),
    ],
)
def test_failed_connection_names_address_and_cause(words: str, cause: str) -> None:
    said = say_failed_connection(words, URL)
    assert cause in said
    assert said.startswith(f"{words} at {URL}")


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("text/html", "<html><title>Proxy\n login</title>", "a web page and no JSON (Proxy login)"),
        ("text/event-stream", 'data: {"id": 1}', "a stream of events"),
        ("", "data: [DONE]", "a stream of events"),
        ("application/json", "", "an empty body"),
        ("text/html", "<h1>The plain HTTP request was sent to HTTPS port</h1>", "it wants TLS: write https://"),
        ("text/plain", "Client sent an HTTP request to an HTTPS server.", "it wants TLS: write https://"),
        ("text/plain", "hello", "no JSON: hello"),
    ],
)
def test_body_that_is_no_json_is_named(kind: str, text: str, said: str) -> None:
    assert said in say_no_json(200, kind, text, URL)


def test_redirect_says_what_to_put_where() -> None:
    said = say_redirect(307, "https://new.example/v1/chat/completions", URL, "/chat/completions")
    assert said == (
        f"HTTP 307: {URL} sends to https://new.example/v1/chat/completions; put https://new.example/v1 into "
        "provider.endpoint"
    )
    assert say_redirect(308, "/v2/chat/completions", URL, "/chat/completions").endswith(
        "sends to http://10.0.0.1:8000/v2/chat/completions; put http://10.0.0.1:8000/v2 into provider.endpoint"
    )
    page = say_redirect(302, "https://login.example/?next=v1", URL, "/chat/completions")
    assert "sends to https://login.example: a page to sign in at?" in page
    assert "does not say where" in say_redirect(301, None, URL, "/chat/completions")


def test_missing_model_is_told_from_a_wrong_path() -> None:
    assert say_missing(["a", "b"], None, "Not Found") == "The server has a, b."
    assert say_missing(None, ["a"], "Not Found").startswith("Does the address end in /v1?")
    assert "no list of models" in say_missing(None, None, "Not Found")
    assert say_missing(None, None, 'HTTP 404: model "x" not found') == "It lists no models: see models.*.model."


def test_secrets_of_an_address_are_cut() -> None:
    assert cut_address("https://me:secret@x.example/v1?key=1") == "https://x.example/v1"
