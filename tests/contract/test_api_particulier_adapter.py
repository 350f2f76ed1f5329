"""API Particulier as its fact sheet describes it: what is sent, what each status means, what is asked again."""

import asyncio
import logging
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gateway.adapters import api_particulier
from gateway.adapters.api_particulier import BUDGET_S, ApiParticulier, http_client, silence_http_loggers
from gateway.core.model import Absent, Household, HouseholdStatus
from gateway.core.rules import Mode
from gateway.ports import HouseholdRequest
from tests.builders import ANGELA
from tests.household_source import (
    BY_IDENTITY,
    BY_NUMBER,
    BY_TOKEN,
    REQUESTS,
    SETTINGS,
    SIRET,
    Desk,
    Hand,
    a_desk,
    ok,
    quotas_of,
    refused,
    refused_v2,
)

NOT_FOUND = HouseholdStatus.NOT_FOUND
NOT_AVAILABLE = HouseholdStatus.NOT_AVAILABLE
NOT_AUTHENTICATED = HouseholdStatus.NOT_AUTHENTICATED
UNAVAILABLE = HouseholdStatus.UNAVAILABLE

pytestmark = pytest.mark.anyio


def absent(answer: Household | Absent) -> Absent:
    assert isinstance(answer, Absent)
    return answer


# What is sent


async def test_franceconnect_mode_sends_the_persons_token_and_the_recipient_and_nothing_else() -> None:
    with a_desk() as desk:
        assert isinstance(await desk.answers(ok()).fetch(BY_TOKEN), Household)
    (sent,) = desk.calls
    assert str(sent.url) == f"https://api.example/v3/dss/quotient_familial/france_connect?recipient={SIRET}"
    assert sent.headers["Authorization"] == "Bearer the-fc-token"
    assert "X-Api-Key" not in sent.headers


async def test_identity_mode_sends_the_civil_status_and_our_own_token() -> None:
    with a_desk() as desk:
        assert isinstance(await desk.answers(ok()).fetch(BY_IDENTITY), Household)
    (sent,) = desk.calls
    assert sent.url.path == "/v3/dss/quotient_familial/identite"
    assert sent.headers["Authorization"] == "Bearer the.api.token"
    assert sent.url.params["recipient"] == SIRET
    assert sent.url.params.get_list("prenoms[]") == ["Angela", "Claire", "Louise"]
    assert sent.url.params["codeCogInseeCommuneNaissance"] == "75107"


async def test_number_mode_sends_the_number_and_the_key_to_a_broker_of_the_v2_route() -> None:
    with a_desk(base_url="https://broker.example/caf/") as desk:
        assert isinstance(await desk.answers(ok()).fetch(BY_NUMBER), Household)
    (sent,) = desk.calls
    address = "https://broker.example/caf/api/v2/composition-familiale?numeroAllocataire=2345678&codePostal=75001"
    assert str(sent.url) == address
    assert sent.headers["X-Api-Key"] == "the.api.token"
    assert "Authorization" not in sent.headers


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (replace(BY_TOKEN, access_token=None), NOT_AUTHENTICATED, "api_particulier_no_access_token"),
        (replace(BY_TOKEN, access_token="a\r\nb"), NOT_AUTHENTICATED, "api_particulier_no_access_token"),
        (replace(BY_TOKEN, access_token="jéton"), NOT_AUTHENTICATED, "api_particulier_no_access_token"),
        (replace(BY_IDENTITY, identity=None), NOT_AUTHENTICATED, "api_particulier_no_identity"),
        (
            replace(BY_IDENTITY, identity=replace(ANGELA, birthcountry=None)),
            NOT_AVAILABLE,
            "identity_without_birthcountry",
        ),
        (replace(BY_IDENTITY, identity=replace(ANGELA, birth_name="Иванов")), NOT_AVAILABLE, "identity_name_unusable"),
        (replace(BY_NUMBER, number=None), NOT_AVAILABLE, "api_particulier_no_number"),
    ],
)
async def test_what_cannot_be_asked_is_answered_without_a_call(
    request_: HouseholdRequest, status: HouseholdStatus, code: str
) -> None:
    with a_desk() as desk:
        assert await desk.answers(ok()).fetch(request_) == Absent(status, code)
    assert desk.calls == []


@pytest.mark.parametrize("request_", [BY_IDENTITY, BY_NUMBER])
async def test_without_our_own_token_there_is_no_call_and_an_operator_is_told(request_: HouseholdRequest) -> None:
    with a_desk(token=None) as desk:
        assert await desk.answers(ok()).fetch(request_) == Absent(UNAVAILABLE, "api_particulier_no_token")
    assert desk.calls == []
    assert desk.troubles == [("api_particulier_no_token", "")]


async def test_franceconnect_mode_needs_no_token_of_ours() -> None:
    with a_desk(token=None) as desk:
        assert isinstance(await desk.answers(ok()).fetch(BY_TOKEN), Household)


# What each status means

FAULT = {"source": {"parameter": "recipient"}}


@pytest.mark.parametrize(
    ("status", "code", "expected", "operator"),
    [
        (400, "00401", UNAVAILABLE, True),
        (401, "00101", UNAVAILABLE, True),
        (401, "00103", UNAVAILABLE, True),
        (401, "00105", UNAVAILABLE, True),
        (401, "00106", UNAVAILABLE, True),
        (403, "00100", UNAVAILABLE, True),
        (403, "00107", UNAVAILABLE, True),
        (403, "00213", UNAVAILABLE, True),
        (404, "23003", NOT_FOUND, False),
        (404, "10003", NOT_FOUND, False),
        (404, "40003", NOT_FOUND, False),
        (404, "35003", NOT_FOUND, False),
        (404, "37003", NOT_FOUND, False),
        (404, "00402", UNAVAILABLE, True),
        (409, "00015", UNAVAILABLE, False),
        (422, "00203", UNAVAILABLE, True),
        (422, "00210", UNAVAILABLE, True),
        (422, "00353", UNAVAILABLE, True),
        (422, "00354", UNAVAILABLE, True),
        (422, "00356", UNAVAILABLE, True),
        (422, "35565", UNAVAILABLE, True),
        *((422, code, NOT_FOUND, False) for code in ("00363", "00365", "00366", "00367", "00400", "00401")),
        *((422, f"0042{last}", NOT_FOUND, False) for last in range(9)),
        (422, "00355", NOT_FOUND, False),
        (422, "35560", NOT_FOUND, False),
        (422, "35561", NOT_FOUND, False),
        (422, "51564", NOT_FOUND, False),
        (429, "00429", UNAVAILABLE, True),
        (500, "00500", UNAVAILABLE, False),
        *(
            (502, code, UNAVAILABLE, False)
            for code in ("35000", "35001", "35004", "35008", "35009", "35011", "00501", "35998", "35999", "37999")
        ),
        (503, "35020", UNAVAILABLE, False),
        (504, "35002", UNAVAILABLE, False),
    ],
)
async def test_each_status_of_v3_becomes_one_of_the_closed_list(
    status: int, code: str, expected: HouseholdStatus, operator: bool
) -> None:
    with a_desk() as desk:
        answer = absent(await desk.answers(refused(status, code, {"X-Request-Id": "r-1"})).fetch(BY_IDENTITY))
    assert answer == Absent(expected, f"api_particulier_{status}_{code}", "r-1")
    assert desk.troubles == ([(answer.code, "r-1")] if operator else [])


@pytest.mark.parametrize("parameter", ["recipient", "annee", "mois"])
async def test_a_422_about_our_own_parameters_is_our_fault_under_any_code(parameter: str) -> None:
    with a_desk() as desk:
        answer = await desk.answers(refused(422, "00355", source={"parameter": parameter})).fetch()
    assert answer == Absent(UNAVAILABLE, "api_particulier_422_00355")


async def test_a_422_about_the_person_is_an_ordinary_answer() -> None:
    with a_desk() as desk:
        answer = await desk.answers(refused(422, "00355", source={"parameter": "nomNaissance"})).fetch()
    assert answer == Absent(NOT_FOUND, "api_particulier_422_00355")
    assert desk.troubles == []


async def test_of_several_errors_the_one_that_blames_our_request_counts() -> None:
    errors = [{"code": "00420", "source": None}, {"code": "00203", "source": {"parameter": "recipient"}}]
    with a_desk() as desk:
        answer = await desk.answers(httpx.Response(422, json={"errors": errors})).fetch()
    assert answer == Absent(UNAVAILABLE, "api_particulier_422_00203")


@pytest.mark.parametrize(
    ("code", "expected", "operator"),
    [
        ("50001", NOT_AUTHENTICATED, False),
        ("51501", NOT_AUTHENTICATED, False),
        ("50002", NOT_AUTHENTICATED, False),
        ("51502", NOT_AUTHENTICATED, False),
        ("51504", NOT_AUTHENTICATED, False),
        ("50003", UNAVAILABLE, True),
        ("51503", UNAVAILABLE, True),
    ],
)
async def test_a_franceconnect_token_that_is_refused_asks_for_a_new_login_unless_scopes_are_missing(
    code: str, expected: HouseholdStatus, operator: bool
) -> None:
    with a_desk() as desk:
        answer = await desk.answers(refused(401, code)).fetch(BY_TOKEN)
    assert answer == Absent(expected, f"api_particulier_401_{code}")
    assert bool(desk.troubles) is operator


@pytest.mark.parametrize(
    ("status", "word", "expected"),
    [
        (400, "not_found", NOT_FOUND),
        (400, "bad_request", UNAVAILABLE),
        (401, "access_denied", UNAVAILABLE),
        (401, "unauthorized", UNAVAILABLE),
        (404, "not_found", NOT_FOUND),
        (503, "data_provider_error", UNAVAILABLE),
        (503, "provider_unknown_error", UNAVAILABLE),
        (504, "timeout_error", UNAVAILABLE),
        (502, "network_error", UNAVAILABLE),
    ],
)
async def test_each_status_of_v2_becomes_one_of_the_closed_list(
    status: int, word: str, expected: HouseholdStatus
) -> None:
    with a_desk() as desk:
        answer = await desk.answers(refused_v2(status, word)).fetch(BY_NUMBER)
    assert answer == Absent(expected, f"api_particulier_{status}_{word}")


@pytest.mark.parametrize("status", [409, 429])
async def test_a_flat_list_of_errors_has_a_status_and_no_code(status: int) -> None:
    with a_desk() as desk:
        response = httpx.Response(status, json={"errors": ["texte"]}, headers={"Retry-After": "60"})
        answer = await desk.answers(response).fetch(BY_NUMBER)
    assert answer == Absent(UNAVAILABLE, f"api_particulier_{status}")


async def test_a_retired_route_is_a_fault_of_configuration() -> None:
    with a_desk() as desk:
        answer = await desk.answers(httpx.Response(410, text="Fermé le 31/10/2025")).fetch(BY_NUMBER)
    assert answer == Absent(UNAVAILABLE, "api_particulier_410")
    assert desk.troubles == [("api_particulier_410", "")]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    with a_desk() as desk:
        response = httpx.Response(status, headers={"Location": "https://api.example/elsewhere"})
        answer = await desk.answers(response).fetch(BY_IDENTITY)
    assert answer == Absent(UNAVAILABLE, f"api_particulier_{status}")
    assert len(desk.calls) == 1
    assert desk.troubles


# Trouble on the way


@pytest.mark.parametrize(
    ("error", "code", "operator"),
    [
        (httpx.ConnectTimeout("x"), "api_particulier_timeout", False),
        (httpx.ReadTimeout("x"), "api_particulier_timeout", False),
        (httpx.PoolTimeout("x"), "api_particulier_timeout", False),
        (httpx.ConnectError("x"), "api_particulier_connection", False),
        (httpx.ReadError("x"), "api_particulier_connection", False),
        (httpx.RemoteProtocolError("x"), "api_particulier_connection", False),
    ],
)
async def test_a_call_that_breaks_is_an_outage_and_is_not_asked_again(
    error: httpx.HTTPError, code: str, operator: bool
) -> None:
    with a_desk() as desk:
        answer = await desk.answers(error).fetch(BY_IDENTITY)
    assert answer == Absent(UNAVAILABLE, code)
    assert len(desk.calls) == 1
    assert bool(desk.troubles) is operator


async def test_an_answer_that_never_ends_is_cut_even_if_bytes_keep_coming() -> None:
    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):  # type: ignore[no-untyped-def]
            yield b"{"
            await asyncio.Event().wait()

    with a_desk(connect_s=0.01, read_s=0.01) as desk:
        answer = await desk.answers(httpx.Response(200, stream=Endless())).fetch(BY_IDENTITY)
    assert answer == Absent(UNAVAILABLE, "api_particulier_timeout")


# What is asked again


async def retried(desk: Desk, *responses: httpx.Response, request: HouseholdRequest = BY_TOKEN) -> list[float]:
    assert isinstance(await desk.answers(*responses).fetch(request), Household)
    return desk.hand.slept


@pytest.mark.parametrize(
    ("refusals", "slept"),
    [
        ([refused(409, "00015")], [0.5]),
        ([refused(409, "00015"), refused(409, "00015")], [0.5, 0.5]),
        ([refused(500, "00500")], [0.5]),
        ([refused(502, "35001")], [0.5]),
        ([refused(502, "35001"), refused(502, "35001")], [0.5, 1.0]),
        ([refused(502, "35000")], [0.5]),
        ([refused(502, "00501", meta={"retry_in": 10})], [10]),
        ([refused(503, "35020", meta={"retry_in": 5}), refused(502, "35004")], [5, 1.0]),
        ([refused(429, "00429", {"Retry-After": "3"})], [3.5]),
    ],
)
@pytest.mark.parametrize("mode", [Mode.FRANCECONNECT, Mode.IDENTITY])
async def test_what_may_be_asked_again_is_after_the_right_while(
    refusals: list[httpx.Response], slept: list[float], mode: Mode
) -> None:
    with a_desk() as desk:
        assert await retried(desk, *refusals, ok(), request=REQUESTS[mode]) == slept
    assert len(desk.calls) == len(refusals) + 1
    assert desk.troubles == []


async def test_chance_spreads_the_retries_within_two_seconds() -> None:
    with a_desk(jitter=lambda: 0.999) as desk:
        (slept,) = await retried(desk, refused(409, "00015"), ok())
    assert 0.5 < slept <= 2


@pytest.mark.parametrize(
    ("status", "code", "calls"),
    [
        (400, "00401", 1),
        (401, "50002", 1),
        (403, "00100", 1),
        (404, "35003", 1),
        (409, "00015", 3),
        (410, "", 1),
        (422, "35560", 1),
        (500, "00500", 2),
        (502, "35001", 3),
        (502, "35000", 2),
        (502, "35998", 2),
        (502, "35999", 2),
        (502, "37999", 2),
        (503, "35020", 3),
        (504, "35002", 1),
    ],
)
async def test_nothing_is_asked_more_often_than_the_provider_allows(status: int, code: str, calls: int) -> None:
    with a_desk() as desk:
        answer = absent(await desk.answers(refused(status, code)).fetch())
    assert answer.code.startswith(f"api_particulier_{status}")
    assert len(desk.calls) == calls


async def test_retries_of_different_kinds_count_together() -> None:
    refusals = [refused(503, "35020"), refused(502, "35001"), refused(409, "00015"), ok()]
    with a_desk() as desk:
        assert absent(await desk.answers(*refusals).fetch()).code == "api_particulier_409_00015"
    assert len(desk.calls) == 3


@pytest.mark.parametrize("retry_in", [19, 20, 2700])
async def test_a_retry_that_would_come_after_the_budget_is_given_up_at_once(retry_in: int) -> None:
    with a_desk() as desk:
        answer = await desk.answers(refused(503, "35020", meta={"retry_in": retry_in})).fetch()
    assert answer == Absent(UNAVAILABLE, "api_particulier_503_35020")
    assert desk.hand.slept == []


async def test_all_retries_together_fit_the_budget() -> None:
    with a_desk() as desk:
        began = desk.hand.now
        await desk.answers(refused(503, "35020", meta={"retry_in": 10})).fetch()
        assert desk.hand.now - began <= BUDGET_S
    assert desk.hand.slept == [10]


async def test_a_retry_may_take_what_is_left_of_the_budget_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_particulier, "BUDGET_S", 0.52)
    monkeypatch.setattr(api_particulier, "CALL_S", 0.0)

    async def never(sent: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        return ok()

    with a_desk() as desk:
        answer = await desk.answers(refused(503, "35020"), never).fetch(BY_IDENTITY)
    assert answer == Absent(UNAVAILABLE, "api_particulier_timeout")
    assert desk.hand.slept == [0.5]


@pytest.mark.parametrize("retry_in", [True, "10", -1, 1.5, None, [10]])
async def test_a_retry_in_of_another_type_is_not_believed(retry_in: object) -> None:
    with a_desk() as desk:
        assert await retried(desk, refused(503, "35020", meta={"retry_in": retry_in}), ok()) == [0.5]


# The quota


@pytest.mark.parametrize("request_", [BY_TOKEN, BY_IDENTITY, BY_NUMBER])
async def test_after_a_429_nobody_calls_before_the_quota_says_so(request_: HouseholdRequest) -> None:
    with a_desk() as desk:
        desk.answers(refused(429, "00429", {"Retry-After": "40"}), ok())
        assert await desk.fetch(request_) == Absent(UNAVAILABLE, "api_particulier_429_00429")
        desk.hand.now += 39
        for request in REQUESTS.values():
            assert await desk.fetch(request) == Absent(UNAVAILABLE, "api_particulier_closed")
        assert len(desk.calls) == 1
        desk.hand.now += 1
        assert isinstance(await desk.fetch(request_), Household)
    assert desk.troubles == [("api_particulier_429_00429", "")]


@pytest.mark.parametrize("retry_after", ["", "soon", "-5", "1.5", "٥"])
async def test_a_429_without_a_readable_while_closes_for_a_minute(retry_after: str) -> None:
    with a_desk() as desk:
        headers = {"Retry-After": retry_after.encode()} if retry_after else {}
        response = httpx.Response(429, headers=headers, json={"errors": ["texte"]})  # type: ignore[arg-type]
        desk.answers(response, ok())
        await desk.fetch()
        desk.hand.now += 59
        assert absent(await desk.fetch()).code == "api_particulier_closed"
        desk.hand.now += 1
        assert isinstance(await desk.fetch(), Household)


async def test_a_429_may_name_a_date() -> None:
    with a_desk() as desk:
        date = format_datetime(datetime.fromtimestamp(desk.hand.now + 4, UTC), usegmt=True)
        assert await retried(desk, refused(429, "00429", {"Retry-After": date}), ok()) == [4.5]


async def test_a_429_that_says_zero_is_asked_again_after_a_moment() -> None:
    with a_desk() as desk:
        assert await retried(desk, refused(429, "00429", {"Retry-After": "0"}), ok()) == [0.5]


async def test_an_absurd_wait_closes_for_half_a_day_and_not_for_ever() -> None:
    with a_desk() as desk:
        desk.answers(refused(429, "00429", {"Retry-After": "9" * 400}), ok())
        await desk.fetch()
        desk.hand.now += 12 * 3600
        assert isinstance(await desk.fetch(), Household)


async def test_two_429_in_a_row_keep_the_later_end() -> None:
    with a_desk() as desk:
        desk.answers(refused(429, "00429", {"Retry-After": "3"}), refused(429, "00429", {"Retry-After": "600"}), ok())
        assert absent(await desk.fetch()).code == "api_particulier_429_00429"
        desk.hand.now += 599
        assert absent(await desk.fetch()).code == "api_particulier_closed"
    assert len(desk.calls) == 2


# The lock that the provider puts on equal queries


async def in_flight(request: HouseholdRequest) -> tuple[int, int]:
    """The most calls that were under way at once, and how many were made, when three people ask together."""
    under_way, most = 0, 0

    async def answer(sent: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(5):
            await asyncio.sleep(0)
        under_way -= 1
        return ok()

    with a_desk() as desk:
        desk.route.side_effect = answer
        answers = await asyncio.gather(*(desk.fetch(request) for _ in range(3)))
        assert all(isinstance(each, Household) for each in answers)
        return most, len(desk.calls)


async def test_franceconnect_calls_of_one_recipient_go_one_after_the_other() -> None:
    assert await in_flight(BY_TOKEN) == (1, 3)


async def test_identity_calls_need_not_wait_for_each_other() -> None:
    assert await in_flight(BY_IDENTITY) == (3, 3)


async def test_whoever_waited_too_long_for_their_turn_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_particulier, "BUDGET_S", 0.01)
    finish = asyncio.Event()

    async def slow(sent: httpx.Request) -> httpx.Response:
        await finish.wait()
        return ok()

    with a_desk() as desk:
        desk.route.side_effect = slow
        first = asyncio.create_task(desk.fetch())
        second = await asyncio.create_task(desk.fetch())
        finish.set()
        assert second == Absent(UNAVAILABLE, "api_particulier_busy")
        assert isinstance(await first, Household)
        assert isinstance(await desk.fetch(), Household)


async def test_a_person_who_leaves_lets_the_next_one_in() -> None:
    started = asyncio.Event()

    async def never(sent: httpx.Request) -> httpx.Response:
        started.set()
        await asyncio.Event().wait()
        return ok()

    with a_desk() as desk:
        desk.route.side_effect = never
        leaving = asyncio.create_task(desk.fetch())
        await started.wait()
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert isinstance(await desk.answers(ok()).fetch(), Household)


# The client


async def test_the_client_trusts_nothing_around_it_and_keeps_no_cookie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with a_desk() as desk:
        desk.answers(httpx.Response(200, json=ok().json(), headers={"Set-Cookie": "who=angela; Path=/"}))
        await desk.fetch()
        await desk.fetch()
    assert [request.headers.get("Cookie") for request in desk.calls] == [None, None]


async def test_the_timeouts_are_those_of_the_settings() -> None:
    client = http_client(replace(SETTINGS, connect_s=3, read_s=21))
    assert (client.timeout.connect, client.timeout.read) == (3, 21)
    assert client.follow_redirects is False
    assert client.trust_env is False
    await client.aclose()


def self_signed(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that no public authority signed, and the server's side of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "private authority")])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    (folder / "authority.pem").write_bytes(pem)
    (folder / "both.pem").write_bytes(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "both.pem")
    return folder / "authority.pem", context


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_private_authority_is_trusted_when_the_settings_name_it_and_not_otherwise(
    tmp_path: Path, trusted: bool
) -> None:
    authority, context = self_signed(tmp_path)
    body = ok().content

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        base_url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        settings = replace(SETTINGS, base_url=base_url, ca_file=authority if trusted else None)
        async with http_client(settings) as client:
            hand, troubles = Hand(), list[tuple[str, str]]()
            source = ApiParticulier(
                settings,
                client,
                quotas=quotas_of(settings, hand),
                clock=hand.clock,
                sleep=hand.sleep,
                on_trouble=lambda *trouble: troubles.append(trouble),
            )
            answer = await source.fetch(BY_TOKEN)
    if trusted:
        assert isinstance(answer, Household)
    else:
        assert answer == Absent(UNAVAILABLE, "api_particulier_tls")
        assert troubles == [("api_particulier_tls", "")]


async def test_an_authority_of_ones_own_must_be_readable(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        http_client(replace(SETTINGS, ca_file=tmp_path / "absent.pem"))


async def test_the_libraries_below_write_no_address_whatever_the_level_of_the_root(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        with a_desk() as desk:
            await desk.answers(ok()).fetch(BY_IDENTITY)
        assert "DUBOIS" not in caplog.text
        logging.getLogger("httpx").setLevel(logging.INFO)
        with a_desk() as desk:
            await desk.answers(ok()).fetch(BY_NUMBER)
    assert "2345678" not in caplog.text
    silence_http_loggers()
    for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
