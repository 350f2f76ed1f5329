"""One precaution of the upstream client removed at a time."""

from tests.mutants import Mutant

_FOLDER = "gateway/adapters/upstream/"
_CONNECTION = _FOLDER + "connection.py"
_EXCHANGE = _FOLDER + "exchange.py"
_POOL = _FOLDER + "pool.py"
_BALANCE = _FOLDER + "balance.py"
_ATTACK = "tests/attack/test_upstream_answers.py::"
_CLIENT = "tests/contract/test_upstream_client.py::"
_FLOW = "tests/contract/test_upstream_flow.py::"
_SPREAD = "tests/contract/test_upstream_balance.py::"
_TLS = "tests/contract/test_upstream_tls.py::"

_NEXT = _ATTACK + "test_what_follows_an_answer_is_never_the_next_persons"
_ONCE = _CLIENT + "test_a_request_is_sent_again_only_once"
_EARLY = _ATTACK + "test_an_answer_before_the_whole_body_is_the_last_of_its_connection"
_MEASURE = _ATTACK + "test_a_head_without_measure_is_refused"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "a request given up and the task that dialled for it keep each other",
        _EXCHANGE,
        "dialling, self._dialling = self._dialling, None",
        "dialling = self._dialling",
        "tests/integration/test_nothing_is_left_over.py::test_it_is_free_at_once",
    ),
    Mutant(
        "an answer and the pump of its request's body keep each other",
        _FOLDER + "pull.py",
        "            self._pump.cancel()\n            self._pump = None\n",
        "            self._pump.cancel()\n",
        "tests/integration/test_nothing_is_left_over.py::test_it_is_free_at_once",
    ),
    Mutant(
        "what an idle connection says waits for the next person",
        _CONNECTION,
        "            self._transport.abort()\n            return\n        self.heard",
        "            self._pending += data\n            return\n        self.heard",
        _ATTACK + "test_what_comes_on_an_idle_connection_is_never_the_next_persons",
    ),
    Mutant(
        "what the loop has not read is not there",
        _CONNECTION,
        " or self._poller.poll(0))",
        ")",
        _ATTACK + "test_what_the_loop_has_not_read_yet_is_seen_before_a_connection_serves_again",
    ),
    Mutant(
        "no rest",
        _POOL,
        "while resting and now - resting[0].idle_since >= self._rest_s:",
        "while resting:",
        _ATTACK + "test_what_follows_an_answer_a_moment_later_finds_its_connection_at_rest",
    ),
    Mutant(
        "bytes after a body are forgiven", _CONNECTION, "data[:left], 0, False", "data[:left], 0, self._keep", _NEXT
    ),
    Mutant(
        "bytes after the last chunk are forgiven", _CONNECTION, "self._keep and not chunks.rest", "self._keep", _NEXT
    ),
    Mutant(
        "an announced body is not waited for",
        _CONNECTION,
        "self._keep and not _declares_body(head.fields)",
        "self._keep",
        _ATTACK + "test_a_body_announced_where_none_may_be_is_not_waited_for_on_a_kept_connection",
    ),
    Mutant("an early answer is like any other", _CONNECTION, "asking.sent and not", "not", _EARLY),
    Mutant(
        "close is not believed",
        _CONNECTION,
        "head.keep_alive and",
        "True and",
        _CLIENT + "test_an_answer_that_ends_the_connection_is_believed",
    ),
    Mutant(
        "a refused upgrade leaves a connection to keep",
        _CONNECTION,
        " and not asking.upgrade and not self._transport",
        " and not self._transport",
        _CLIENT + "test_an_upgrade_that_is_refused_is_an_ordinary_answer_and_the_last_of_its_connection",
    ),
    Mutant(
        "101 for nothing",
        _CONNECTION,
        "or (head.status == _SWITCHED and not asking.upgrade)",
        "",
        _ATTACK + "test_a_101_that_nobody_asked_for_is_refused",
    ),
    Mutant("a flood of 103", _CONNECTION, "self._interim > INTERIM_ANSWERS", "False", _MEASURE),
    Mutant("any number of fields", _CONNECTION, "len(head.fields) > FIELDS", "False", _MEASURE),
    Mutant("a head of any size", _CONNECTION, "data.find(HEAD_END, 0, HEAD_BYTES)", "data.find(HEAD_END)", _MEASURE),
    Mutant(
        "a banner is waited for",
        _CONNECTION,
        " or data[:7] != _START[: len(data)]",
        "",
        _ATTACK + "test_what_cannot_become_an_answer_is_refused_without_waiting_for_its_end",
    ),
    Mutant(
        "a cut wire is an end",
        _CONNECTION,
        "        return False\n",
        "        return True\n",
        _TLS + "test_an_answer_without_a_length_is_whole_only_when_tls_says_that_it_ends",
    ),
    Mutant(
        "an acting request is sent twice",
        _EXCHANGE,
        "self.method in SAFE and not",
        "not",
        _CLIENT + "test_a_request_that_may_have_acted_is_never_sent_twice",
    ),
    Mutant(
        "a request with a body is sent twice",
        _EXCHANGE,
        "self.method in SAFE and not self._request.length",
        "self.method in SAFE",
        _CLIENT + "test_a_safe_request_with_a_body_is_never_sent_twice",
    ),
    Mutant(
        "a begun answer is asked for again",
        _EXCHANGE,
        "connection.reused and not connection.heard",
        "connection.reused",
        _CLIENT + "test_a_request_whose_answer_had_begun_is_never_sent_twice",
    ),
    Mutant(
        "a fresh connection that dies is replaced",
        _EXCHANGE,
        "connection is not None and connection.reused and",
        "connection is not None and",
        _CLIENT + "test_a_fresh_connection_that_dies_is_not_replaced",
    ),
    Mutant(
        "more than was declared",
        _EXCHANGE,
        "self.sent or 0 <= self._left < len(piece)",
        "False",
        _CLIENT + "test_a_body_that_is_not_of_its_declared_length_ends_the_connection",
    ),
    Mutant(
        "less than was declared",
        _EXCHANGE,
        "        if self._left > 0:\n",
        "        if False:\n",
        _CLIENT + "test_a_body_that_is_not_of_its_declared_length_ends_the_connection",
    ),
    Mutant(
        "the body does not wait for the connection",
        _EXCHANGE,
        "        if self._request.length:\n            self._pause_body()\n",
        "        if self._request.length:\n",
        _CLIENT + "test_the_body_waits_until_the_connection_is_there",
    ),
    Mutant(
        "the upload has no bound",
        _EXCHANGE,
        "        self._unsent_bytes = 0\n        self._pause_body()\n",
        "        self._unsent_bytes = 0\n",
        _FLOW + "test_one_who_awaits_sends_no_faster_than_the_upstream_takes",
    ),
    Mutant(
        "our client's slowness is the upstream's fault",
        _EXCHANGE,
        "connection is None or (self._head_seen and self._paused)",
        "connection is None",
        _FLOW + "test_the_time_does_not_run_while_our_client_takes_nothing",
    ),
    Mutant(
        "slow is stopped",
        _EXCHANGE,
        "            return self._unsent_bytes >= before > 0\n",
        "            return True\n",
        _FLOW + "test_an_upstream_that_takes_the_body_slowly_is_waited_for",
    ),
    Mutant(
        "a tunnel must speak",
        _EXCHANGE,
        "        if self._tunnel:\n            return\n",
        "",
        _FLOW + "test_a_tunnel_may_be_silent_for_as_long_as_it_lives",
    ),
    Mutant(
        "a written request goes elsewhere",
        _EXCHANGE,
        '            self._fail(failure("upstream_tls" if',
        "            self._tried += () if target is None else (target,)\n"
        "            if (other := self._choice.choose(0, self._tried)) is not None:\n"
        "                self._dial(other)\n"
        "                return\n"
        '            self._fail(failure("upstream_tls" if',
        _SPREAD + "test_a_request_that_was_written_stays_where_it_was_sent",
    ),
    Mutant(
        "idle for ever",
        _POOL,
        "        while self._resting and now - self._resting[0].idle_since > IDLE_S:\n",
        "        while False:\n",
        _CLIENT + "test_a_connection_idle_for_too_long_is_closed_and_not_used",
    ),
    Mutant(
        "one identity for all",
        _POOL,
        'tls if upstream.scheme == "https" else None',
        "None",
        _TLS + "test_routes_of_different_tls_identity_never_share_a_connection",
    ),
    Mutant(
        "a faulty upstream is given up",
        _BALANCE,
        "if now >= each.target.faulty.until] or members",
        "if now >= each.target.faulty.until]\n        if not sound:\n            return None",
        _SPREAD + "test_an_upstream_with_faulty_answers_is_avoided_and_never_given_up",
    ),
    Mutant(
        "an ill upstream is asked",
        _BALANCE,
        "return not self.sick and",
        "return",
        _SPREAD + "test_when_every_upstream_is_ill_the_request_fails_at_once_and_reaches_none",
    ),
    Mutant(
        "an open breaker lets everybody through",
        _POOL,
        "            self.until, self._probing = now + self._pause_s, True\n",
        "            self._probing = True\n",
        _SPREAD + "test_an_open_breaker_lets_one_through_after_each_pause",
    ),
    Mutant(
        "a farewell is said inside the application's frame",
        "gateway/core/websocket_frames.py",
        "return not (self._head or self._left or self._closed)",
        "return not self._closed",
        "tests/attack/test_websocket.py::test_nothing_is_said_inside_a_frame_or_after_the_applications_own_farewell",
    ),
    Mutant(
        "a restart leaves a WebSocket to itself",
        "gateway/web/relay.py",
        "            self._connection.cut(self._last_word(GOING_AWAY))",
        "            pass",
        "tests/attack/test_websocket.py::test_a_restart_is_said_where_a_frame_may_stand",
    ),
    Mutant(
        "who is let in during a restart is not told of it",
        "gateway/web/server/connection.py",
        "        if self._stopping and self._responder is not None:\n            self._responder.draining()\n",
        "",
        "tests/attack/test_websocket.py::test_a_restart_is_said_to_who_is_let_in_during_it",
    ),
    Mutant(
        "who reads nothing keeps the socket of a session that has ended",
        "gateway/web/server/connection.py",
        "            asyncio.get_running_loop().call_later(PARTING_S, self._transport.abort)\n",
        "",
        "tests/attack/test_websocket.py::test_who_reads_nothing_is_cut_all_the_same",
    ),
    Mutant(
        "all upstreams are told the first one's name",
        "gateway/adapters/upstream/exchange.py",
        "return request.heads.get(target.upstream.authority, request.head) if request.heads else request.head",
        "return request.head",
        "tests/integration/test_own_names.py::test_each_upstream_is_told_its_own_name_and_it_is_signed",
    ),
    Mutant(
        "an assertion too large for its target is the application's fault",
        "gateway/core/signing/jwt.py",
        "if size_bytes - (target_bytes - 1) * 4 // 3 <= MAX_SIGNATURE_BYTES:",
        "if size_bytes < 0:",
        "tests/unit/test_signing.py::test_a_target_that_an_assertion_cannot_hold_is_the_clients_doing",
    ),
)
