"""One rule of the server's side, or of a stream's end, removed at a time; each is caught from outside, on a socket."""

from tests.mutants import Mutant

_CONNECTION = "gateway/web/server/connection.py"
_FRONT = "gateway/web/server/front.py"
_FAILURES = "gateway/web/failures.py"
_HEADS = "tests/attack/test_framing.py::"
_BODIES = "tests/attack/test_body_framing.py::"
_SLOW = "tests/attack/test_slow_clients.py::"
_SOCKETS = "tests/attack/test_websocket.py::"
_EVENTS = "tests/attack/test_event_streams.py::"
_HELD = "tests/attack/test_held_bodies.py::"
_REFUSED = _HEADS + "test_a_head_with_two_readings_is_refused_and_nothing_goes_upstream"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "a refused connection goes on",
        _CONNECTION,
        "        self._transport.write(self._front.refusal(code, status, bodiless=bodiless))\n        self._linger()",
        "        self._transport.write(self._front.refusal(code, status, bodiless=bodiless))\n        self._enter(Phase.IDLE)",
        _REFUSED,
    ),
    Mutant(
        "what comes behind a refusal is read",
        _CONNECTION,
        "        if self.phase is Phase.LINGER:\n            return\n",
        "",
        _HEADS + "test_what_is_sent_after_a_refusal_is_never_read_as_a_request",
    ),
    Mutant(
        "a refused HEAD has a body",
        _FRONT,
        '(b"" if bodiless else body)',
        "body",
        _HEADS + "test_a_refusal_of_a_head_request_has_no_body",
    ),
    Mutant(
        "an unknown host keeps its connection",
        _FAILURES,
        "417, 421, 431",
        "417, 431",
        _REFUSED,
    ),
    Mutant(
        "a target may be endless",
        _FRONT,
        "        if len(head.target) > self.limits.target_bytes:",
        "        if False:",
        _SLOW + "test_a_target_over_8_kb_is_414_and_one_of_8_kb_is_served",
    ),
    Mutant(
        "fields are not counted",
        _FRONT,
        "        if len(head.fields) > self.limits.header_fields:",
        "        if False:",
        _SLOW + "test_a_101st_header_field_is_431_and_the_100th_is_served",
    ),
    Mutant(
        "an endless head is waited for",
        _CONNECTION,
        "            if len(buffer) >= limits.head_bytes + len(HEAD_END):",
        "            if False:",
        _SLOW + "test_an_endless_head_is_refused_before_it_fills_memory",
    ),
    Mutant(
        "half a head is waited for",
        _CONNECTION,
        '            self.refuse("head_timeout", 408)',
        "            pass",
        _SLOW + "test_half_a_head_is_given_up_after_its_time",
    ),
    Mutant(
        "half a body is waited for",
        _CONNECTION,
        '                self.refuse("body_timeout", 408)',
        "                pass",
        _SLOW + "test_a_body_that_stalls_is_given_up_after_its_time",
    ),
    Mutant(
        "each byte of a head renews its time",
        _CONNECTION,
        "            elif self.phase is not Phase.HEAD:\n                self._enter(Phase.HEAD)",
        "            else:\n                self._enter(Phase.HEAD)",
        _SLOW + "test_a_head_that_drips_gets_no_more_time_for_it",
    ),
    Mutant(
        "a client that does not read is waited for",
        _CONNECTION,
        "        elif self.phase is Phase.STALLED:\n            self.cut()",
        "        elif self.phase is Phase.STALLED:\n            pass",
        _SLOW + "test_a_client_that_stops_reading_is_cut_and_its_upstream_let_go",
    ),
    Mutant(
        "bare line feeds are found when the head is whole",
        _CONNECTION,
        "            if has_bare_lf(buffer):",
        "            if False:",
        _REFUSED,
    ),
    Mutant(
        "a body is asked for by itself",
        _CONNECTION,
        "                self._transport.write(CONTINUE)",
        "                pass",
        _BODIES + "test_the_gateway_itself_asks_for_a_body_that_waits_for_its_word",
    ),
    Mutant(
        "a stream's head waits for its first event",
        _CONNECTION,
        "            self._front.soon(self._write_head)",
        "            pass",
        _EVENTS + "test_the_head_arrives_before_the_first_event",
    ),
    Mutant(
        "a client that leaves a stream is kept",
        _CONNECTION,
        "        streaming = self._answering and self._answer_left == CHUNKED",
        "        streaming = False",
        _EVENTS + "test_a_client_that_leaves_a_silent_stream_ends_it_upstream",
    ),
    Mutant(
        "a stream outlives its session",
        "gateway/web/live.py",
        "                        answer.expel()",
        "                        pass",
        _EVENTS + "test_a_silent_stream_ends_with_its_session_too",
    ),
    Mutant(
        "any page opens a WebSocket",
        "gateway/web/websocket.py",
        "    if origins != (_own_origin(services, snapshot),) and (origins or session is not None):",
        "    if False:",
        _SOCKETS + "test_a_page_of_another_origin_opens_nothing",
    ),
    Mutant(
        "a session opens a WebSocket without saying its page",
        "gateway/web/websocket.py",
        "and (origins or session is not None):",
        "and origins:",
        _SOCKETS + "test_without_an_origin_a_session_opens_nothing",
    ),
    Mutant(
        "any route opens a WebSocket",
        "gateway/web/websocket.py",
        "    if not route.websocket:",
        "    if False:",
        _SOCKETS + "test_what_is_no_handshake_opens_nothing",
    ),
    Mutant(
        "who has left is sent for all the same",
        "gateway/web/relay.py",
        "        if not self._over:\n            self._prepared",
        "        if True:\n            self._prepared",
        "tests/integration/test_turns.py::test_who_has_left_in_the_same_turn_is_not_sent_for",
    ),
    Mutant(
        "one that fails keeps the others",
        "gateway/web/server/turn.py",
        "            if waiting or ready:",
        "            if False:",
        "tests/unit/test_turn.py::test_one_that_fails_is_stranded_and_keeps_nobody_from_leaving",
    ),
    Mutant(
        "a request that fails unforeseen leaves its client waiting",
        "gateway/web/server/turn.py",
        "            each.strand()\n            raise\n",
        "            raise\n",
        "tests/integration/test_turns.py::test_a_request_that_fails_unforeseen_ends_its_connection",
    ),
    Mutant(
        "a proxy that has left is answered",
        "gateway/web/spoken.py",
        "        if self._over:\n            return\n        self._over",
        "        self._over",
        "tests/integration/test_turns.py::test_a_proxy_that_has_left_is_told_nothing",
    ),
    Mutant(
        "a request and its task keep each other",
        "gateway/web/server/asgi.py",
        "            self._task = None  #",
        "            pass  #",
        "tests/integration/test_nothing_is_left_over.py::test_it_is_free_at_once",
    ),
    Mutant(
        "an answer that lasted and its task keep each other",
        "gateway/web/gate.py",
        "            lasting.over()\n",
        "",
        "tests/integration/test_nothing_is_left_over.py::test_it_is_free_at_once",
    ),
    Mutant(
        "who has left is connected to a WebSocket",
        "gateway/web/server/asgi.py",
        "        if self._gone:\n            raise ClientGone\n        self._ended",
        "        self._ended",
        "tests/integration/test_turns.py::test_who_left_during_a_handshake_is_connected_to_nothing",
    ),
    Mutant(
        "who reads nothing is answered on",
        _CONNECTION,
        "            self._enter(Phase.STALLED if self._choked else Phase.IDLE)",
        "            self._enter(Phase.IDLE)",
        _SLOW + "test_who_reads_none_of_its_answers_is_answered_no_more",
    ),
    Mutant(
        "a body may take as long as it likes, below ASGI",
        "gateway/web/relay.py",
        "        if lane is not None:\n",
        "        if False:\n",
        _HELD + "test_what_is_contested_meanwhile_does_not_leave",
    ),
    Mutant(
        "a body may take as long as it likes, in the application",
        "gateway/web/gate.py",
        "self._services.clock() - began <= FRESH_S",
        "self._services.clock() - began <= 1e9",
        _HELD + "test_what_is_contested_meanwhile_does_not_leave",
    ),
    Mutant(
        "a session is judged as it was when the head came",
        "gateway/web/judge.py",
        "exchange.session and await services.sessions.current(exchange.session)",
        "exchange.session",
        _HELD + "test_whose_body_is_whole_before_that_is_judged_as_nobody",
    ),
    Mutant(
        "a body that is on its way holds its session open",
        "gateway/web/gate.py",
        "        services.live.add(lasting.session_id, lasting)\n",
        "",
        _HELD + "test_a_request_under_way_ends_with_its_session",
    ),
    Mutant(
        "an agent is looked for before the answer has come",
        "gateway/web/agents.py",
        """    form = await posted_form(exchange.snapshot, exchange.receive)
    agent = await signed_in(services, exchange)
""",
        """    agent = await signed_in(services, exchange)
    form = await posted_form(exchange.snapshot, exchange.receive)
""",
        _HELD + "test_an_agent_who_was_sent_away_meanwhile_settles_nothing",
    ),
    Mutant(
        "a tunnel whose client spoke early is not read on",
        _CONNECTION,
        "            self._responder.body(early)\n            self.resume_body()",
        "            self._responder.body(early)",
        _SOCKETS + "test_a_client_that_says_much_before_the_101_is_heard_and_its_end_noticed",
    ),
    Mutant(
        "a decision outlives its day",
        "gateway/web/forward.py",
        "min(services.day_ends_at, _until(route, session))",
        "_until(route, session)",
        "tests/attack/test_quick_lane.py::test_a_decision_is_no_older_than_the_day",
    ),
    Mutant(
        "a log that cannot be written stops what it tells of",
        "gateway/adapters/logs.py",
        "cast(TextIO, _Unfailing(stream))",
        "stream",
        "tests/attack/test_full_disk.py::test_clients_are_given_up_and_pages_answered_all_the_same",
    ),
    Mutant(
        "a body that a server may leave unread is followed by the next person",
        "gateway/adapters/upstream/connection.py",
        "head.keep_alive and whole and not asking.unread",
        "head.keep_alive and whole",
        "tests/attack/test_upstream_answers.py::test_a_body_that_a_server_may_leave_unread_is_not_its_next_request",
    ),
    Mutant(
        "what is overdue is told so before the next look is arranged",
        _FRONT,
        "                self.soon(self._expire, connection, now)",
        "                connection.expired()",
        "tests/unit/test_front.py::test_one_that_fails_keeps_no_other_from_its_end_and_the_next_look_is_taken",
    ),
)
