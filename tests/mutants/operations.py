"""What keeps a bad day from becoming a worse one, removed one at a time."""

from tests.mutants import Mutant

_EXPOSITION = "gateway/adapters/metrics/exposition.py"
_SQLITE = "gateway/adapters/sessions/sqlite.py"
_METRICS = "tests/integration/test_metrics.py::"
_CONTRACT = "tests/contract/test_metrics.py::"
_STORES = "tests/integration/test_store_failures.py::"
_DOCTOR = "tests/integration/test_doctor.py::"
_LIMIT = "tests/integration/test_login_limit.py::"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "a killed worker takes its numbers along",
        _EXPOSITION,
        "        self._left = added(self._left, left)\n",
        "",
        _METRICS + "test_what_a_killed_worker_counted_is_neither_lost_nor_doubled",
    ),
    Mutant(
        "a killed worker is counted twice",
        _EXPOSITION,
        "        self._living.remove(worker)\n",
        "",
        _METRICS + "test_what_a_killed_worker_counted_is_neither_lost_nor_doubled",
    ),
    Mutant(
        "a gauge outlives its process",
        _EXPOSITION,
        'if CATALOGUE[key[0]].kind != "gauge"}',
        "if key}",
        _CONTRACT + "test_an_ended_process_leaves_its_counters_and_takes_its_gauges",
    ),
    Mutant(
        "a label may grow without end",
        "gateway/adapters/metrics/cells.py",
        "if series >= SERIES_AT_MOST or ",
        "if ",
        _CONTRACT + "test_a_label_without_end_fills_its_own_metric_only_and_says_so",
    ),
    Mutant(
        "metrics may be where clients are",
        "gateway/config/listeners.py",
        "    if _meet(admin, public):",
        "    if False:",
        "tests/integration/test_check_command.py::test_a_mistake_in_the_gateway_file_is_explained",
    ),
    Mutant(
        "a refused reload looks like a good one",
        "gateway/cli/server.py",
        '        cells.set("gateway_config_reload_successful", 0)\n',
        "",
        _METRICS + "test_a_reload_is_counted_with_its_result",
    ),
    Mutant(
        "ready whatever the store says",
        "gateway/web/readiness.py",
        "                return error.code\n",
        '                return ""\n',
        "tests/integration/test_proxy.py::test_a_store_that_fails_opens_nothing_and_loses_no_public_page",
    ),
    Mutant(
        "ready while ending",
        "gateway/web/readiness.py",
        "        if self.draining:\n",
        "        if False:\n",
        "tests/integration/test_reload.py::test_a_process_that_ends_is_alive_and_not_ready",
    ),
    Mutant(
        "full is like any trouble",
        _SQLITE,
        "== sqlite3.SQLITE_FULL",
        "== -1",
        _STORES + "test_a_full_disk_takes_no_login_and_ends_no_session",
    ),
    Mutant(
        "a removed file is written to for ever",
        _SQLITE,
        "if self._connection is not None and _identity(self._path) != self._file:",
        "if False:",
        _STORES + "test_a_removed_file_costs_the_sessions_and_nothing_else",
    ),
    Mutant(
        "one failed sweep ends them all",
        "gateway/app.py",
        "            with suppress(DependencyFailed):  # it will be asked again, and requests say what is wrong\n    ",
        "            if True:\n    ",
        "tests/integration/test_reload.py::test_sweeping_goes_on_after_the_store_was_away",
    ),
    Mutant(
        "logins are not limited when asked to be",
        "gateway/web/login.py",
        "    if not await may_depart(services, exchange):",
        "    if False:",
        _LIMIT + "test_the_fourth_in_a_minute_is_told_to_wait_and_how_to_go_on",
    ),
    Mutant(
        "anybody's X-Forwarded-For makes a new visitor",
        "gateway/web/exchange.py",
        "client = client_address(snapshot.peer, said, settings.trusted_proxies, trust_unix=settings.trust_unix)",
        'client = b",".join(said).decode("latin-1") or snapshot.peer',
        _LIMIT + "test_from_a_peer_that_is_not_listed_no_address_is_believed",
    ),
    Mutant(
        "a busy connection lives for ever",
        "gateway/adapters/upstream/pool.py",
        " or now - connection.opened_at > LIFE_S:",
        ":",
        "tests/contract/test_upstream_client.py::test_a_connection_that_never_idles_ends_after_a_minute_all_the_same",
    ),
    Mutant(
        "an outage is not remembered",
        "gateway/web/outages.py",
        "        return self._clock() < self._until.get(provider, 0.0)",
        "        return False",
        "tests/integration/test_outages.py::test_the_mark_goes_by_itself",
    ),
    Mutant(
        "the doctor takes any token",
        "gateway/cli/doctors/household.py",
        "    if response.status_code in {400, 401, 403}:",
        "    if False:",
        _DOCTOR + "test_a_token_that_opens_what_is_needed_one_that_lacks_a_scope_and_one_that_is_none",
    ),
    Mutant(
        "the doctor takes any secret",
        "gateway/cli/doctors/providers.py",
        '        if error.code == "token_invalid_client":',
        "        if False:",
        _DOCTOR + "test_the_command_prints_each_line_with_its_code_and_no_secret",
    ),
    Mutant(
        "the doctor's clock has all the time in the world",
        "gateway/cli/doctors/reach.py",
        "    if abs(skew_s) > SKEW_WRONG_S:",
        "    if False:",
        _DOCTOR + "test_a_clock_that_is_off_by_a_server_s_own_date",
    ),
)
