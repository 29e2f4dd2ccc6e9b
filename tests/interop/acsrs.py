"""acsrs (crates.io), an ACS in Rust with an API of JSON over HTTP: the peer of `agent_under_foreign_acs.py`."""

import http.client
import json
import subprocess
import threading

import interop
from interop import BIN, Events, Failed, Program


class Acsrs:
    def __init__(self, folder):
        self.folder = folder
        self.settings = folder / "home" / ".acsrs"
        self.settings.mkdir(parents=True)
        self.http_port, self.https_port, self.api_port = (interop.free_port() for _ in range(3))
        self.username, self.password = "bellhop-phone", "a password for interop"
        self.informs = Events("acsrs")
        self._program = None
        self._certificates()

    def _certificates(self):
        """A CA and a certificate with a SAN: those acsrs makes by itself have none, which no TLS library accepts today."""
        run = lambda *words: subprocess.run(["openssl", *words], cwd=self.settings, check=True, capture_output=True)
        run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "ca-key.pem", "-out", "ca.pem",
            "-subj", "/CN=interop CA", "-addext", "basicConstraints=critical,CA:true")
        run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.csr", "-subj", "/CN=localhost")
        (self.settings / "san.cnf").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:false\n")
        run("x509", "-req", "-days", "2", "-in", "cert.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial",
            "-extfile", "san.cnf", "-out", "cert.pem")
        run("pkcs12", "-export", "-inkey", "key.pem", "-in", "cert.pem", "-out", "identity.p12", "-passout", "pass:interop")

    @property
    def ca(self):
        return self.settings / "ca.pem"

    def url(self, base=None):
        return f"{base or f'http://127.0.0.1:{self.http_port}'}/cwmpWeb/CPEMgt"

    @property
    def secure_url(self):
        return self.url(f"https://localhost:{self.https_port}")

    def start(self, authenticate):
        """With `authenticate` every POST needs the phone's user name and password (Basic). Phones are remembered."""
        config = self.settings / "config.toml"
        phones = config.read_text().partition("[[cpe]]")[2] if config.exists() else ""
        config.write_text(
            ("" if phones else "cpe = []\n")
            + "[config]\n"
            + f'hostname = "localhost"\nusername = "{self.username}"\npassword = "{self.password}"\n'
            + 'autocert = false\nidentity_password = "interop"\n'
            + f'unsecure_address = "127.0.0.1:{self.http_port}"\nsecure_address = "127.0.0.1:{self.https_port}"\n'
            + f'management_address = "127.0.0.1:{self.api_port}"\nnoauth = {str(not authenticate).lower()}\n'
            + (f"[[cpe]]{phones}" if phones else "")
        )
        self._program = Program("acsrs", [BIN / "acsrs", "-v"], self.folder, {"HOME": str(self.folder / "home")})
        self._program.said("Management server listening")
        threading.Thread(target=self._monitor, args=(self._program,), daemon=True).start()

    def stop(self):
        self._program.stop()

    def bootstraps(self):
        """How many Informs said 0 BOOTSTRAP since its start, by its log: its API looks for a misspelt "0 BOOSTRAP"."""
        return self._program.count("Event: 0 BOOTSTRAP")

    def _monitor(self, program):
        """Its long poll answers with the Informs since the last one."""
        connection = http.client.HTTPConnection("127.0.0.1", self.api_port)
        try:
            while program.child.poll() is None:
                connection.request("POST", "/api", json.dumps({"command": "Monitor"}))
                for inform in json.loads(connection.getresponse().read())["Monitor"]:
                    self.informs.put(inform)
        except (OSError, http.client.HTTPException):
            pass

    def call(self, serial, command):
        """One command for a phone: (HTTP status, answer). acsrs calls the phone first when it is not in a session."""
        body = json.dumps({"serial_number": serial, "command": command})
        status, _, answer = interop.request("POST", f"http://127.0.0.1:{self.api_port}/api", body)
        return status, json.loads(answer)

    def phone(self, serial):
        _, answer = self.call("", "List")
        for phone in answer["List"]:
            if phone["sn"] == serial:
                return phone
        raise Failed(f"acsrs does not know the phone {serial}: {answer}")

    def session(self):
        return Session(self)


class Session:
    """Holds acsrs's CWMP session open: it ends one only when no connection to its API wants anything of the phone."""

    def __init__(self, acs):
        self._connection = http.client.HTTPConnection("127.0.0.1", acs.api_port, timeout=interop.PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def ask(self, serial, command):
        self._connection.request("POST", "/api", json.dumps({"serial_number": serial, "command": command}))
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())

    def get(self, serial, *names):
        status, answer = self.ask(serial, {"GetParameterValues": [{"name": name} for name in names]})
        if status != 200:
            return answer
        return {value["name"]: value["value"] for value in answer["GetParameterValues"]}

    def set_values(self, serial, values, type_=""):
        """Without a type acsrs reads the parameter first and sends the type it got."""
        wanted = [{"name": name, "value": value, "type": type_} for name, value in values.items()]
        return self.ask(serial, {"SetParameterValues": wanted})
