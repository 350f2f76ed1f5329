"""A broken or compromised API Particulier: never somebody's data in a log, never a guess, never a crash."""

import gzip
import json
import logging

import httpx
import pytest

from gateway.core.model import Absent, Household, HouseholdStatus
from tests.household_source import BY_IDENTITY, BY_NUMBER, BY_TOKEN, PAYLOAD, a_desk, ok, refused

pytestmark = pytest.mark.anyio

UNAVAILABLE = HouseholdStatus.UNAVAILABLE
BODY = json.dumps(PAYLOAD).encode()


async def ask(response: httpx.Response) -> Household | Absent:
    with a_desk() as desk:
        return await desk.answers(response).fetch(BY_IDENTITY)


async def test_the_same_answer_unharmed_is_a_household() -> None:
    assert isinstance(await ask(httpx.Response(200, content=BODY)), Household)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "payload_not_json"),
        (b"<html>504 Gateway Time-out</html>", "payload_not_json"),
        (BODY[:-5], "payload_not_json"),
        (BODY + b"{}", "payload_not_json"),
        (b"\xef\xbb\xbf" + BODY, "payload_not_json"),
        (BODY.decode().encode("utf-16"), "payload_not_json"),
        (BODY.replace(b"ANGELA", "ANGÉLA".encode("latin-1")), "payload_not_json"),
        (BODY.replace(b"748", b"NaN"), "payload_not_json"),
        (BODY.replace(b"748", b"Infinity"), "payload_not_json"),
        (BODY.replace(b"748", b"1e400"), "payload_malformed"),
        (BODY.replace(b"748", b"9" * 5000), "payload_not_json"),
        (BODY.replace(b'"valeur"', b'"valeur": 1, "valeur"'), "payload_not_json"),
        (BODY.replace(b'"data"', b'"data": {}, "data"'), "payload_not_json"),
        (b"[" * 100_000 + b"]" * 100_000, "payload_not_json"),
        (b'{"data":' * 100_000 + b"1" + b"}" * 100_000, "payload_not_json"),
        (b"[]", "payload_malformed"),
        (b"null", "payload_malformed"),
        (b'"data"', "payload_malformed"),
        (b"[" + BODY + b"]", "payload_malformed"),
        (BODY.replace(b"ANGELA", b"\\ud800"), "payload_malformed"),
        (BODY.replace(b"ANGELA", b"A" * 1001), "payload_malformed"),
        (json.dumps({"data": {"allocataires": [{}] * 101}}).encode(), "payload_malformed"),
        (b'{"errors": [{"code": "35003"}]}', "payload_errors"),
        (BODY[:-1] + b', "errors": []}', "payload_errors"),
        (b'{"error": "not_found"}', "payload_errors"),
    ],
)
async def test_a_200_that_is_no_household_is_an_outage(body: bytes, code: str) -> None:
    assert await ask(httpx.Response(200, content=body)) == Absent(UNAVAILABLE, code)


async def test_a_body_of_ten_megabytes_is_left_unread() -> None:
    taken = 0

    class Flood(httpx.AsyncByteStream):
        async def __aiter__(self):  # type: ignore[no-untyped-def]
            nonlocal taken
            for _ in range(160):
                taken += 65_536
                yield b" " * 65_536

    assert await ask(httpx.Response(200, stream=Flood())) == Absent(UNAVAILABLE, "payload_unread")
    assert taken < 1_100_000


async def test_just_under_a_megabyte_is_read() -> None:
    assert isinstance(await ask(httpx.Response(200, content=BODY + b" " * (1_000_000 - len(BODY)))), Household)
    too_long = await ask(httpx.Response(200, content=BODY + b" " * (1_000_001 - len(BODY))))
    assert too_long == Absent(UNAVAILABLE, "payload_unread")


async def test_a_compressed_answer_is_never_opened() -> None:
    class Compressed(httpx.AsyncByteStream):
        async def __aiter__(self):  # type: ignore[no-untyped-def]
            yield gzip.compress(BODY)

    with a_desk() as desk:
        response = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Compressed())
        assert await desk.answers(response).fetch() == Absent(UNAVAILABLE, "payload_unread")
        (sent,) = desk.calls
    assert sent.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("status", [204, 206])
async def test_a_household_under_another_success_is_not_taken(status: int) -> None:
    assert await ask(httpx.Response(status, content=BODY)) == Absent(UNAVAILABLE, f"api_particulier_{status}")


@pytest.mark.parametrize("status", [404, 422])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Not Found</html>",
        b"[]",
        b"null",
        b'{"errors": {}}',
        b'{"errors": []}',
        b'{"errors": [1]}',
        b" " * 2_000_000,
    ],
)
async def test_a_refusal_that_is_not_the_providers_never_says_that_a_person_has_no_file(
    status: int, body: bytes
) -> None:
    with a_desk() as desk:
        answer = await desk.answers(httpx.Response(status, content=body)).fetch(BY_IDENTITY)
    assert answer == Absent(UNAVAILABLE, f"api_particulier_{status}")
    assert desk.troubles


@pytest.mark.parametrize(
    "code", ["", "DUBOIS ANGELA", "3500", "350033", "35003\n", "٣٥٠٠٣", None, 35003, ["35003"], {}]
)
async def test_a_code_out_of_the_grammar_is_not_repeated(code: object) -> None:
    response = httpx.Response(404, json={"errors": [{"code": code, "meta": [], "source": "recipient"}]})
    assert await ask(response) == Absent(HouseholdStatus.NOT_FOUND, "api_particulier_404")


async def test_a_word_out_of_the_list_is_not_repeated() -> None:
    response = httpx.Response(404, json={"error": "DUBOIS ANGELA", "message": "texte"})
    assert await ask(response) == Absent(HouseholdStatus.NOT_FOUND, "api_particulier_404")


@pytest.mark.parametrize("request_id", [b"a b", b"a\x1b[31m", b"x" * 65, "é".encode(), b""])
async def test_a_request_id_out_of_its_grammar_is_dropped(request_id: bytes) -> None:
    headers = [(b"X-Request-Id", request_id)]
    answer = await ask(httpx.Response(404, headers=headers, json={"errors": [{"code": "35003"}]}))
    assert answer == Absent(HouseholdStatus.NOT_FOUND, "api_particulier_404_35003")


async def test_a_request_id_in_its_grammar_is_kept() -> None:
    answer = await ask(refused(404, "35003", {"X-Request-Id": "0f8fad5b-d9cb-469f-a165-70867728950e"}))
    assert isinstance(answer, Absent)
    assert answer.request_id == "0f8fad5b-d9cb-469f-a165-70867728950e"


async def test_thousands_of_errors_are_not_all_looked_at() -> None:
    errors = [{"code": "35560"}] * 20_000 + [{"code": "00203"}]
    answer = await ask(httpx.Response(422, json={"errors": errors}))
    assert answer == Absent(HouseholdStatus.NOT_FOUND, "api_particulier_422_35560")


async def test_nothing_of_a_person_is_shown_by_what_is_held_or_written(caplog: pytest.LogCaptureFixture) -> None:
    broken = BODY.replace(b"1962-08-24", b"24 AOUT 1962")
    with caplog.at_level(logging.DEBUG), a_desk() as desk:
        desk.answers(httpx.ConnectError("DUBOIS"), httpx.Response(200, content=broken), refused(404, "35003"), ok())
        answers = [await desk.fetch(request) for request in (BY_IDENTITY, BY_TOKEN, BY_NUMBER, BY_IDENTITY)]
    shown = caplog.text + repr([answers, desk.troubles, BY_IDENTITY, BY_TOKEN, BY_NUMBER, desk.source])
    for secret in ("DUBOIS", "Angela", "ANGELA", "1962", "2345678", "75001", "the-fc-token", "the.api.token", "748"):
        assert secret not in shown
