"""An HTTP relay between one CPE and an ACS. It gives peers what they lack and changes nothing of the SOAP they say:

* `credentials`: answers the ACS's Digest challenge for a CPE that knows no authentication, with the digest client of the
  Python package `requests`, so that our ACS's challenge is read by a foreign client;
* `host`: the Host header to show, for an ACS that builds wrong links from one that names a port.

Every envelope that passes is kept, so that a script can look at what was really said.
"""

import http.server
import threading

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "host", "content-length"}


class Relay:
    def __init__(self, target, host=None):
        self.target = target.rstrip("/")
        self.host = host
        self.credentials = None
        # (direction, bytes): "up" from the CPE, "down" from the ACS.
        self.envelopes = []
        # No CWMP session is open.
        self.idle = True
        # For each CWMP session: the TCP connections the CPE used for it.
        self.connections = []
        # What an authenticated exchange was made with, for the report.
        self.authorizations = []
        relay = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                self.pass_on("GET")

            def do_POST(self):
                self.pass_on("POST")

            def pass_on(self, method):
                import requests

                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                try:
                    answer = relay.exchange(self.connection, method, self.path, self.headers, body)
                except (requests.RequestException, OSError):
                    # As if the ACS itself were gone.
                    self.close_connection = True
                    return
                self.send_response(answer.status_code)
                for name, value in answer.raw.headers.items():
                    if name.lower() not in HOP_BY_HOP:
                        self.send_header(name, value)
                if answer.status_code != 204:
                    self.send_header("Content-Length", str(len(answer.content)))
                try:
                    self.end_headers()
                    self.wfile.write(answer.content)
                except OSError:
                    # The CPE is gone: it was ended, or gave up.
                    self.close_connection = True

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        # The CPE's latest, and what goes on to the ACS for it.
        self._connection = self._session = None
        self._challenged = False

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def exchange(self, connection, method, path, headers, body):
        import requests
        from requests.auth import HTTPDigestAuth

        # A connection to the ACS for each of the CPE's, since some ACSs keep the session with the connection.
        if connection is not self._connection:
            self._connection, self._session = connection, requests.Session()
            self._session.trust_env = False
        # An Inform begins a session, unless it answers a challenge.
        if not self.connections or (b":Inform>" in body and not self._challenged):
            self.connections.append(set())
        session = self._session
        self.idle = False
        self.connections[-1].add(connection)
        passed = {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP}
        passed["Accept-Encoding"] = headers.get("Accept-Encoding") or "identity"
        if self.host:
            passed["Host"] = self.host
        auth = HTTPDigestAuth(*self.credentials) if self.credentials else None
        # The peers see to their cookies themselves.
        session.cookies.clear()
        answer = session.request(method, self.target + path, headers=passed, data=body, auth=auth, allow_redirects=False)
        self._challenged = answer.status_code == 401
        sent = answer.request.headers.get("Authorization")
        if sent:
            self.authorizations.append(sent if isinstance(sent, str) else sent.decode())
        if body:
            self.envelopes.append(("up", body))
        if answer.content:
            self.envelopes.append(("down", answer.content))
        elif not self._challenged:
            # The session is over; an ACS that ties it to the connection should know.
            session.close()
            self.idle = True
        return answer

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
