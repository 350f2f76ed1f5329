"""python server.py SETUP.json: idpyoidc's provider on loopback, set up by the test that starts it.

What is ours is the HTTP around it and the two pages; every check and every token is the library's.
"""

import html
import json
import sys
import traceback
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

from configuration import configuration
from idpyoidc.message.oidc import AccessTokenRequest, AuthorizationRequest
from idpyoidc.server import Server
from idpyoidc.server.configure import OPConfiguration
from idpyoidc.time_util import utc_time_sans_frac

SETUP = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
ISSUER = SETUP["issuer"]
BASE = urlsplit(ISSUER).path
LOGOUT = (
    '<!doctype html><html lang="fr"><body><h1>Se déconnecter ?</h1><form method="post" action="{base}/logout">'
    '<input type="hidden" name="sjwt" value="{sjwt}">'
    '<button type="submit" name="logout" value="yes">Oui, me déconnecter</button></form></body></html>'
)

# Front-Channel Logout 1.0 §2: one frame a client, in the provider's own page; its frames are the library's.
FRAMED = (
    '<!doctype html><html lang="fr"><body><h1>Vous êtes déconnecté</h1>{frames}<p><a href="{onward}">Revenir</a></p>'
    "</body></html>"
)

JSON = ("Content-Type", "application/json")
ERRORS = []
REFRESHED = []


def prepared(server):
    # This version takes an assertion for the token endpoint's address alone; the issuer is what RFC 7523's successor wants.
    server.get_endpoint("token").allowed_targets.append("")
    # Nobody authenticates at this endpoint; this version looks for somebody all the same, and fails.
    server.get_endpoint("session").client_authentication = lambda *asked, **more: {}
    for client in SETUP["clients"]:
        known = {**client, "response_types_supported": ["code"]}
        known["allowed_scopes"] = ["openid", "profile", "email", "offline_access"]
        known["redirect_uris"] = [(uri, {}) for uri in client["redirect_uris"]]
        known["post_logout_redirect_uri"] = [(uri, {}) for uri in client["post_logout_redirect_uris"]]
        known["response_types"] = ["code"]
        known["revoke_refresh_on_issue"] = True
        # Without this line any of the three would do for any client.
        known["token_endpoint_client_authn_method"] = [client["token_endpoint_auth_method"]]
        server.context.cdb[client["client_id"]] = known
        if "client_secret" in client:
            server.keyjar.add_symmetric(client["client_id"], client["client_secret"])
        else:
            server.keyjar.add_url(client["client_id"], client["jwks_uri"])


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of_openid = None

    def do_GET(self):
        self._answer({})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
        self._answer(dict(parse_qsl(body)), posted=True)

    def log_message(self, *said):
        pass

    def _answer(self, form, posted=False):
        try:
            self._route(urlsplit(self.path), form, posted)
        except Exception as error:  # noqa: BLE001 - whatever the library raises is its refusal
            ERRORS.append(f"{self.path.partition('?')[0]}: {error!r}")
            traceback.print_exc()
            self._say(400, json.dumps({"error": "invalid_request"}), [JSON])

    def _route(self, url, form, posted):
        path = url.path.removeprefix(BASE).lstrip("/")
        asked = form if posted else dict(parse_qsl(url.query))
        ours = {
            "_test/errors": lambda asked: self._say(200, json.dumps(ERRORS), [JSON]),
            "_test/refreshed": lambda asked: self._say(200, json.dumps(len(REFRESHED)), [JSON]),
            "_test/forget": self._forget,
            "jwks": lambda asked: self._say(200, self.server_of_openid.keyjar.export_jwks_as_json(), [JSON]),
            "verify-logout": lambda asked: self._say(200, LOGOUT.format(base=BASE, sjwt=asked["sjwt"])),
            "chosen": self._chosen,
            "logout": self._logged_out,
            "logged-out": lambda asked: self._say(200, "<h1>Vous êtes déconnecté</h1>"),
        }
        if path in ours:
            return ours[path](asked)
        for endpoint in self.server_of_openid.endpoint.values():
            if endpoint.endpoint_path == path:
                return self._endpoint(endpoint, asked)
        return self._say(404, "")

    def _endpoint(self, endpoint, asked):
        cookies = [
            {"name": name, "value": each.value} for name, each in SimpleCookie(self.headers.get("cookie")).items()
        ]
        info = {
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "method": self.command,
            "url": f"{ISSUER}{self.path.removeprefix(BASE)}",
            "cookie": cookies,
        }
        request = endpoint.parse_request(asked, http_info=info)
        if "error" in request:
            return self._refuse(request)
        if endpoint.name == "token" and request.get("grant_type") == "authorization_code":
            request = AccessTokenRequest(**request)
        found = endpoint.process_request(request, http_info=info)
        if "error" in found:
            return self._refuse(found)
        if endpoint.name == "token" and request.get("grant_type") == "refresh_token":
            REFRESHED.append(found["response_args"].get("refresh_token"))
        return self._found(endpoint, request, found)

    def _refuse(self, refusal):
        said = {name: str(refusal[name]) for name in ("error", "error_description") if name in refusal}
        ERRORS.append(f"{self.path.partition('?')[0]}: {said}")
        status = 401 if said["error"] == "invalid_client" else 400
        return self._say(status, json.dumps(said), [JSON])

    def _found(self, endpoint, request, found):
        cookies = self._cookies(found.get("cookie"))
        if "http_response" in found:
            return self._say(200, found["http_response"], cookies)
        if "redirect_location" in found:
            return self._say(303, "", [("Location", found["redirect_location"]), *cookies])
        told = endpoint.do_response(request=request, **found)
        placed = told.get("response_placement", endpoint.response_placement)
        if placed == "body":
            return self._say(200, told["response"], [*told["http_headers"], *cookies])
        return self._say(303, "", [("Location", told["response"]), *cookies])

    def _cookies(self, cookies):
        for cookie in cookies or []:
            if isinstance(cookie, dict) and "name" in cookie:
                age = f"; Max-Age={cookie['max-age']}" if "max-age" in cookie else ""
                yield "Set-Cookie", f"{cookie['name']}={cookie['value']}; Path=/; HttpOnly; SameSite=Lax{age}"

    def _chosen(self, form):
        server = self.server_of_openid
        endpoint = server.get_endpoint("authorization")
        method = server.context.authn_broker.get_method_by_id("chosen")
        login, asked = method.verify(form["login"]), method.unpack_token(form["token"])
        request = AuthorizationRequest().from_urlencoded(asked["query"])
        session = endpoint.create_session(request, login, asked["authn_class_ref"], utc_time_sans_frac(), method)
        return self._found(endpoint, request, endpoint.authz_part2(request, session_id=session))

    def _forget(self, form):
        """As when an administrator ends the sessions of everybody, without a word to anybody."""
        sessions = self.server_of_openid.context.session_manager
        for each in list(sessions.db.values()):
            for token in getattr(each, "issued_token", []):
                token.revoke()
        return self._say(200, "")

    def _logged_out(self, form):
        endpoint = self.server_of_openid.get_endpoint("session")
        info = endpoint.unpack_signed_jwt(form["sjwt"])
        frames = endpoint.do_verified_logout(sid=info["sid"], alla=True)
        if frames:
            onward = html.escape(info["redirect_uri"])
            shown = "".join(f"{frame}</iframe>" for frame in frames)
            return self._say(200, FRAMED.format(frames=shown, onward=onward), [*self._cookies(endpoint.kill_cookies())])
        return self._say(303, "", [("Location", info["redirect_uri"]), *self._cookies(endpoint.kill_cookies())])

    def _say(self, status, text, headers=()):
        body = text.encode()
        headers = list(headers)
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "text/html; charset=utf-8"))
        self.send_response_only(status)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def main():
    server = Server(OPConfiguration(configuration(SETUP)), cwd=".")
    prepared(server)
    Answer.server_of_openid = server
    listening = ThreadingHTTPServer(("127.0.0.1", urlsplit(ISSUER).port), Answer)
    listening.daemon_threads = True
    Thread(target=listening.serve_forever, daemon=True).start()
    print("listening", flush=True)
    # Nobody is left to ask once the test that started it has gone.
    sys.stdin.read()


main()
