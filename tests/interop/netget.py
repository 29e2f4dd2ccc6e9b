"""NetGet (crates.io: netget-tool), a foreign ACS and a foreign CPE. Its TR-069 code owns sessions and envelopes; what it asks
or answers is decided by whoever started it, event by event, over a Unix socket.
"""

import json
import os
import shutil
import socket
import socketserver
import tempfile
import threading

from interop import BIN, PATIENCE, Program


class NetGet:
    """NetGet's ACS or CPE as a program of its own. `answer(event id, event)` gives the list of actions, by NetGet's names."""

    def __init__(self, name, folder, words, answer):
        """`words` hold `{socket}` where the host wants the socket's path."""
        # Unix socket paths are short.
        path = os.path.join(tempfile.mkdtemp(prefix="interop-"), "s")
        self._path = path

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                said = json.loads(self.rfile.read())
                actions = answer(said["event_type_id"], said["event"])
                self.wfile.write(json.dumps(actions).encode())

        self._server = socketserver.ThreadingUnixStreamServer(path, Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        words = [path if word == "{socket}" else word for word in words]
        self.program = Program(name, [BIN / "netget-host", *words], folder)
        self.address = self.program.said("ready ").removeprefix("ready ")

    @classmethod
    def acs(cls, folder, answer):
        return cls("netget-acs", folder, ["acs", "127.0.0.1:0", "{socket}"], answer)

    @classmethod
    def cpe(cls, folder, acs_url, startup, answer):
        return cls("netget-cpe", folder, ["cpe", acs_url, "{socket}", json.dumps(startup)], answer)

    def act(self, action):
        """Has the CPE do something of its own accord; what came of it."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(self._path + ".in")
            connection.sendall(json.dumps(action).encode())
            connection.shutdown(socket.SHUT_WR)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
        return b"".join(parts).decode()

    def stop(self):
        self.program.stop()
        self._server.shutdown()
        self._server.server_close()
        shutil.rmtree(os.path.dirname(self._path), ignore_errors=True)
