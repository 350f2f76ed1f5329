"""Sentinel and Cluster as an operator guards them: TLS everywhere, a user with the documented rights, and who is refused."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.adapters.sessions.redis import RedisRecords
from gateway.cli.doctors.store import _tried
from gateway.core.errors import DependencyFailed
from gateway.settings import RedisKind, RedisSettings
from tests.authorities import Authority
from tests.contract.test_redis_failover import contract
from tests.contract.test_redis_store import ACL
from tests.contract.test_session_stores import NOW, Clock
from tests.redis_servers import Guarded, Server, cluster, needs_redis, redis_server, sentinels

pytestmark = [pytest.mark.anyio, needs_redis]

IN_A_CLUSTER = " +cluster +command +asking"
WEAK = "user faible on >right ~gateway:* +get +set"


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours", "Ours")


@pytest.fixture
def theirs(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "theirs", "Theirs")


def guarded(ours: Authority) -> Guarded:
    certificate, key = ours.issue("127.0.0.1")
    files = (f"tls-cert-file {certificate}", f"tls-key-file {key}", f"tls-ca-cert-file {ours.file}")
    asking = {"ssl": True, "ssl_ca_certs": ours.file, "ssl_check_hostname": False}
    asking |= {"ssl_certfile": certificate, "ssl_keyfile": key}
    line = ("--tls", "--cacert", ours.file, "--cert", certificate, "--key", key)
    return Guarded(("--tls", *files, "tls-replication yes"), asking, line)


def reached(kind: RedisKind, servers: Sequence[Server], ours: Authority) -> RedisSettings:
    certificate, key = ours.issue("passerelle")
    return RedisSettings(
        kind, tuple(("127.0.0.1", each.port) for each in servers), service="sessions", tls=True,
        username="passerelle", password="right", ca_file=ours.file, client_cert=certificate, client_key=key,
    )  # fmt: skip


async def refused(settings: RedisSettings) -> str:
    """The word that the operator is given."""
    records = RedisRecords(settings, Clock())
    try:
        with pytest.raises(DependencyFailed) as caught:
            await records.create("a", b"1", NOW + 60)
            await records.tagged("all", NOW)
        assert caught.value.code == "session_store_unavailable"
        return caught.value.reference
    finally:
        await records.close()


async def _judge(settings: RedisSettings, theirs: Authority) -> None:
    await contract(settings)
    wrong = {
        "another authority": replace(settings, ca_file=theirs.file),
        "no TLS": replace(settings, tls=False),
        "no certificate of ours": replace(settings, client_cert="", client_key=""),
        "another password": replace(settings, password="wrong"),
        "another user": replace(settings, username="nobody"),
        "too few rights": replace(settings, username="faible"),
    }
    words = {name: await refused(each) for name, each in wrong.items()}
    print(words)
    assert words == {
        "another authority": "certificate",
        # Both know only that the server hung up: in TLS 1.3 it asks for a certificate after our side is content.
        "no TLS": "",
        "no certificate of ours": words["no certificate of ours"],
        "another password": "password",
        "another user": "password",
        "too few rights": "rights",
    }


async def test_behind_sentinels_over_tls_the_documented_user_may_do_all_and_nobody_else_anything(
    tmp_path: Path, ours: Authority, theirs: Authority
) -> None:
    with sentinels(tmp_path, ACL, WEAK, guarded=guarded(ours)) as (_, watchers):
        await _judge(reached(RedisKind.SENTINEL, watchers, ours), theirs)


async def test_a_sentinel_with_a_certificate_of_another_authority_sends_nobody_anywhere(
    tmp_path: Path, ours: Authority, theirs: Authority
) -> None:
    """Whoever plays a sentinel chooses the server that is given our password and our records."""
    with sentinels(tmp_path, ACL, guarded=guarded(ours)) as ((master, _), watchers):
        foreign = guarded(theirs)
        watch = f"sentinel monitor sessions 127.0.0.1 {master.port} 2"
        options = (*foreign.options, "tls-auth-clients no", watch)
        imposter = Server(tmp_path / "imposter", *options, sentinel=True, client=foreign.asking)
        try:
            imposter.start()
            assert await refused(reached(RedisKind.SENTINEL, [imposter], ours)) == "certificate"
        finally:
            imposter.close()
        records = RedisRecords(reached(RedisKind.SENTINEL, watchers, ours), Clock())
        await records.create("a", b"1", NOW + 60)
        assert await records.load("a", NOW) == b"1"
        await records.close()


async def test_in_a_cluster_over_tls_the_documented_user_may_do_all_and_nobody_else_anything(
    tmp_path: Path, ours: Authority, theirs: Authority
) -> None:
    users = (ACL + IN_A_CLUSTER, WEAK)
    with cluster(tmp_path, replicas=0, users=users, guarded=guarded(ours)) as nodes:
        await _judge(reached(RedisKind.CLUSTER, nodes, ours), theirs)


async def test_without_the_rights_of_a_cluster_the_user_is_refused_with_the_reason(
    tmp_path: Path, ours: Authority
) -> None:
    with cluster(tmp_path, replicas=0, users=(ACL,), guarded=guarded(ours)) as nodes:
        assert await refused(reached(RedisKind.CLUSTER, nodes, ours)) == "rights"


async def test_doctor_says_in_words_which_side_refused(tmp_path: Path) -> None:
    with redis_server(tmp_path, ACL) as server:
        said = {}
        for password in ("right", "wrong"):
            at = RedisSettings(RedisKind.ONE, (("127.0.0.1", server.port),), username="passerelle", password=password)
            (finding,) = await _tried(RedisRecords(at, time.time), "redis store")
            said[password] = (finding.code, finding.hint)
    assert said["right"][0] == "store"
    assert said["wrong"] == ("session_store_unavailable", "it refuses `username` and `password`")


def test_the_documented_rights_of_a_cluster_are_the_tested_ones() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    assert f"also needs `{IN_A_CLUSTER.strip()}`" in page
