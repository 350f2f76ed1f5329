"""One promise of the session stores broken at a time."""

from tests.mutants import Mutant

_SEALED = "gateway/adapters/sessions/sealed.py"
_REDIS = "gateway/adapters/sessions/redis.py"
_OPEN = "gateway/web/open_sessions.py"
_STORES = "tests/contract/test_session_stores.py::"
_OWN = "tests/contract/test_redis_store.py::"
_RACES = "tests/attack/test_races.py::"
_UNIT = "tests/unit/test_open_sessions.py::"

_ROOM = "tests/attack/test_login_room.py::"
_LIMITS = "gateway/adapters/limits.py"
_COMMAND = "tests/integration/test_sessions_command.py::"

_USERS = "tests/contract/test_redis_sentinel_users.py::"
_CLIENT = "gateway/adapters/sessions/redis_client.py"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "the server's password is tried on the sentinels",
        _CLIENT,
        "_credentials(settings.sentinel_username, settings.sentinel_password)",
        "_credentials(settings.sentinel_username or settings.username, settings.sentinel_password or settings.password)",
        _USERS + "test_whoever_the_sentinels_refuse_is_told_that_it_was_them_and_no_credential",
    ),
    Mutant(
        "one sentinel that refuses us hides the others",
        _CLIENT,
        "            except (RedisError, OSError) as error:\n                refusal",
        "            except (LostConnection, OSError) as error:\n                refusal",
        _USERS + "test_one_sentinel_that_refuses_us_is_passed_over_as_one_that_is_down",
    ),
    Mutant(
        "a server that is down is called unknown",
        _CLIENT,
        "        if known:\n",
        "        if False:\n",
        _USERS + "test_a_master_that_dies_is_replaced_and_while_nobody_stands_in_the_service_is_not_called_unknown",
    ),
    Mutant(
        "a refusal of the sentinels is taken for the server's",
        "gateway/adapters/sessions/redis_trouble.py",
        "if of_sentinel and word in _WITH_USERS",
        "if False",
        _USERS + "test_whoever_the_sentinels_refuse_is_told_that_it_was_them_and_no_credential",
    ),
    Mutant(
        "a sentinel's certificate of anybody",
        "gateway/adapters/sessions/redis_client.py",
        "asking = {**_timeouts(), **_tls(settings),",
        'asking = {**_timeouts(), **_tls(settings), "ssl_cert_reqs": "none", "ssl_check_hostname": False,',
        "tests/contract/test_redis_guarded.py::test_a_sentinel_with_a_certificate_of_another_authority_sends_nobody_anywhere",
    ),
    Mutant(
        "one address takes the shares of all",
        _LIMITS,
        "if within and await self._shared_out.allowed",
        "if await self._shared_out.allowed",
        _ROOM + "test_who_begins_all_the_logins_there_is_room_for_is_stopped_and_nobody_else_is",
    ),
    Mutant(
        "all addresses are one",
        "gateway/web/login.py",
        "services.transactions.begin(transaction, address_of(services, exchange))",
        "services.transactions.begin(transaction)",
        _ROOM + "test_who_begins_all_the_logins_there_is_room_for_is_stopped_and_nobody_else_is",
    ),
    Mutant(
        "a full room is the fault of whoever comes",
        _LIMITS,
        "        if within:\n            raise DependencyFailed",
        "        if False:\n            raise DependencyFailed",
        _ROOM + "test_the_room_of_all_ends_too_and_says_that_it_is_full",
    ),
    Mutant(
        "a login under way outlives the command",
        "gateway/cli/sessions.py",
        "        await ended_logins(settings, records, time.time).note(**named)\n",
        "",
        _COMMAND + "test_a_login_that_is_under_way_does_not_outlive_a_revocation",
    ),
    Mutant(
        "a login under way outlives the end of all",
        "gateway/adapters/sessions/ended.py",
        ' + [self._name("", "", "")]',
        "",
        _COMMAND + "test_a_login_that_is_under_way_does_not_outlive_a_revocation",
    ),
    Mutant(
        "a change is written over another's",
        _SEALED,
        "self._ends_at(session), now, instead_of=instead_of)",
        "self._ends_at(session), now)",
        _RACES + "test_a_refusal_given_at_the_very_moment_of_another_change_is_not_lost",
    ),
    Mutant(
        "Redis replaces whatever lies there",
        _REDIS,
        "if ARGV[5] ~= '' and",
        "if false and",
        _STORES + "test_of_many_changes_at_once_none_is_lost[redis]",
    ),
    Mutant(
        "SQLite replaces whatever lies there",
        "gateway/adapters/sessions/sqlite.py",
        " AND blob = ifnull(?, blob) ",
        " AND ifnull(?, 1) NOTNULL ",
        _STORES + "test_of_many_changes_at_once_none_is_lost[sqlite]",
    ),
    Mutant(
        "half a name revokes everybody",
        _SEALED,
        "        if bool(provider) != bool(sub or sid):\n",
        "        if False:\n",
        _STORES + "test_half_a_name_revokes_nothing",
    ),
    Mutant(
        "a sid is looked for in everybody's sessions",
        _SEALED,
        "set.intersection(",
        "set.union(",
        _STORES + "test_a_sid_with_a_sub_is_revoked_for_that_person_alone",
    ),
    Mutant(
        "a tag is looked up under the newest secret alone",
        _SEALED,
        "for secret in self._secrets for name in",
        "for secret in self._secrets[-1:] for name in",
        _STORES + "test_a_session_opened_before_the_secret_was_rotated_is_still_revoked",
    ),
    Mutant(
        "a full store sends away who is signed in",
        _SEALED,
        "            if error.code != FULL:\n                raise\n",
        "            raise\n",
        _STORES + "test_who_is_signed_in_goes_on_in_a_store_that_is_full",
    ),
    Mutant(
        "a flood of logins takes the whole store",
        "gateway/adapters/sessions/transactions.py",
        "if self._room is not None and not await self._room.allowed(address):",
        "if False:",
        _STORES + "test_logins_begun_are_bounded_apart_from_sessions",
    ),
    Mutant(
        "a revoked session stays open in its own process",
        _OPEN,
        "                if _concerned(entry.session, provider, sub, sid):\n",
        "                if False:\n",
        _UNIT + "test_a_session_that_this_process_revoked_is_forgotten_at_once",
    ),
    Mutant(
        "what was read while it was revoked is kept",
        _OPEN,
        "            self._changes += 1\n            for entry",
        "            for entry",
        _UNIT + "test_a_session_read_while_it_was_being_revoked_is_not_kept",
    ),
    Mutant(
        "Redis brings back what is gone",
        _REDIS,
        "if #head < 20 or tonumber(string.sub(head, 1, 12)) <= tonumber(ARGV[1]) then return 0 end\n",
        "",
        _STORES + "test_a_record_is_replaced_only_while_it_is_there",
    ),
    Mutant(
        "Redis gives a record to all who take it",
        _REDIS,
        '"GETDEL"',
        '"GET"',
        _STORES + "test_a_record_is_taken_once",
    ),
    Mutant(
        "a tag of an earlier record of that name counts",
        _REDIS,
        ' and head[12:].decode("ascii") == candidate.partition(":")[2]',
        "",
        _STORES + "test_a_record_that_was_dropped_and_made_again_bears_its_new_tags_only",
    ),
    Mutant(
        "a Redis that evicts is trusted",
        _REDIS,
        '        if told.get("maxmemory") and told.get("maxmemory_policy") != "noeviction":\n',
        "        if False:\n",
        _OWN + "test_a_redis_that_throws_out_what_it_chooses_is_refused",
    ),
    Mutant(
        "the name in the server's certificate is not checked",
        "gateway/adapters/sessions/redis_client.py",
        '    return {"ssl": True, ',
        '    return {"ssl": True, "ssl_check_hostname": False, ',
        _OWN + "test_over_tls_the_authority_the_name_and_our_certificate_are_checked",
    ),
)
