#!/usr/bin/env python3
"""A foreign CPE, NetGet's, managed by our server: it appears under New phones, is accepted, configured, read, restarted."""

import json
import re
import sys

import interop
from interop import CLOUD, Events, Failed, Program, Report, wait_until
from install import PYTHON
from netget import NetGet

sys.path.insert(0, str(PYTHON))
from relay import Relay

EMAIL, PASSWORD = "admin@bellhop.local", "a password for interop"
MAC = "00:0b:82:77:00:01"
OTHER_MAC = "00:0b:82:77:00:02"
PROFILE = "Device.Services.VoiceService.1.VoiceProfile.1."
DISPLAY_NAME = f"{PROFILE}Line.1.SIP.X_GRANDSTREAM_DisplayName"
NOT_FOUND, NOT_WRITABLE = 9005, 9008


class Device:
    """The CPE's data model: a telephone adapter with one TR-104 line. NetGet asks it what to answer."""

    def __init__(self, mac, lacks=()):
        self.mac, self.serial, self.lacks = mac, mac.replace(":", "").upper(), lacks
        self.events = Events("NetGet")
        self.boots = 0
        self.sets = []
        self.reset()

    def reset(self):
        text, yes, number = "xsd:string", "xsd:boolean", "xsd:unsignedInt"
        read_only = {
            "Device.DeviceInfo.Manufacturer": ("Interop Works", text),
            "Device.DeviceInfo.ModelName": ("IW-1", text),
            "Device.DeviceInfo.SoftwareVersion": ("4.2", text),
            "Device.DeviceInfo.HardwareVersion": ("B", text),
            "Device.DeviceInfo.SerialNumber": (self.serial, text),
            "Device.ManagementServer.ParameterKey": ("", text),
            "Device.ManagementServer.ConnectionRequestURL": ("", text),
            "Device.LAN.MACAddress": (self.mac, text),
            f"{PROFILE}Line.1.Status": ("Disabled", text),
        }
        writable = {
            "Device.ManagementServer.Username": ("", text),
            "Device.ManagementServer.Password": ("", text),
            "Device.ManagementServer.ConnectionRequestUsername": ("", text),
            "Device.ManagementServer.ConnectionRequestPassword": ("", text),
            "Device.ManagementServer.PeriodicInformEnable": ("false", yes),
            "Device.ManagementServer.PeriodicInformInterval": ("86400", number),
            f"{PROFILE}Name": ("", text),
            f"{PROFILE}SIP.RegistrarServer": ("", text),
            f"{PROFILE}SIP.OutboundProxy": ("", text),
            f"{PROFILE}Line.1.Enable": ("Disabled", text),
            f"{PROFILE}Line.1.DirectoryNumber": ("", text),
            f"{PROFILE}Line.1.SIP.AuthUserName": ("", text),
            f"{PROFILE}Line.1.SIP.AuthPassword": ("", text),
            DISPLAY_NAME: ("", text),
        }
        for name in self.lacks:
            del writable[name]
        self.types = {name: type_ for name, (_, type_) in {**read_only, **writable}.items()}
        self.values = {name: value for name, (value, _) in {**read_only, **writable}.items()}
        self.writable = set(writable)

    def answer(self, event_id, event):
        """NetGet's question: what to do about an RPC of the ACS, or after a session."""
        self.events.put({"event": event_id, **event})
        if event_id != "tr069_rpc":
            return []
        arguments = event["arguments"]
        work = getattr(self, "do_" + event["method"], None)
        if work is None:
            return [{"type": "tr069_fault", "code": 9000, "message": "Method not supported"}]
        return work(arguments)

    @staticmethod
    def fault(code, message):
        return [{"type": "tr069_fault", "code": code, "message": message}]

    def below(self, path):
        if path and not path.endswith("."):
            return [path] if path in self.values else []
        return sorted(name for name in self.values if name.startswith(path))

    def do_GetParameterValues(self, arguments):
        names = []
        for path in arguments["names"]:
            found = self.below(path)
            if not found:
                return self.fault(NOT_FOUND, f"no parameter {path}"[:200])
            names += found
        values = {name: "" if name.endswith("Password") else self.values[name] for name in names}
        return [{"type": "tr069_parameter_values", "parameters": values, "types": {name: self.types[name] for name in names}}]

    def do_SetParameterValues(self, arguments):
        for parameter in arguments["parameters"]:
            if parameter["name"] not in self.values:
                return self.fault(9003, f"no parameter {parameter['name']}"[:200])
            if parameter["name"] not in self.writable:
                return self.fault(9003, f"{parameter['name']} is read-only"[:200])
        self.sets.append({parameter["name"]: parameter["value"] for parameter in arguments["parameters"]})
        self.values.update(self.sets[-1])
        self.values["Device.ManagementServer.ParameterKey"] = arguments["parameter_key"]
        return [{"type": "tr069_done", "status": 0}]

    def do_GetParameterNames(self, arguments):
        path, names = arguments["path"], {}
        for full in self.below(path):
            rest = full[len(path):]
            parts = rest.split(".")
            depth = 1 if arguments["next_level"] else len(parts)
            for end in range(1, depth + 1):
                name = path + ".".join(parts[:end])
                names[name if end == len(parts) else name + "."] = end == len(parts) and full in self.writable
        if not names:
            return self.fault(NOT_FOUND, f"no parameter {path}"[:200])
        listed = [{"name": name, "writable": writable} for name, writable in sorted(names.items())]
        return [{"type": "tr069_parameter_names", "parameters": listed}]

    def do_Reboot(self, _):
        self.boots += 1
        return [{"type": "tr069_done"}, self.inform("1 BOOT", "M Reboot")]

    def do_FactoryReset(self, _):
        self.reset()
        self.boots += 1
        return [{"type": "tr069_done"}, self.inform("0 BOOTSTRAP", "1 BOOT")]

    def inform(self, *codes):
        return {"type": "tr069_inform", "events": list(codes), "parameters": self.told()}

    def told(self):
        names = ("DeviceInfo.SoftwareVersion", "DeviceInfo.HardwareVersion", "ManagementServer.ParameterKey", "LAN.MACAddress")
        return {f"Device.{name}": self.values[f"Device.{name}"] for name in names}


class Api:
    """Our server's REST API, as a customer's program would use it."""

    def __init__(self, base):
        self.base = base
        self.token = None
        self.token = self.send("POST", "/login", {"email": EMAIL, "password": PASSWORD})["access_token"]

    def call(self, method, path, body=None):
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body)
        status, _, answer = interop.request(method, f"{self.base}/api/v1{path}", data, headers)
        return status, json.loads(answer) if answer else None

    def send(self, method, path, body=None):
        status, answer = self.call(method, path, body)
        if not 200 <= status < 300:
            raise Failed(f"{method} {path}: {status} {answer}")
        return answer

    def get(self, path):
        return self.send("GET", path)


def start_server(folder):
    api, acs, mqtt = (interop.free_port() for _ in range(3))
    settings = {
        "SERVER__LISTEN": f"127.0.0.1:{api}",
        "ACS__LISTEN": f"127.0.0.1:{acs}",
        "MQTT__LISTEN": f"127.0.0.1:{mqtt}",
        "SERVER__DATA_DIR": folder / "data",
        "SERVER__WEB_ROOT": "",
        "ADMIN__PASSWORD": PASSWORD,
        "JOBS__RETRY_BASE_S": "1",
        "WAKE__ALLOW_LOOPBACK": "true",
    }
    env = {f"BELLHOP__{name}": str(value) for name, value in settings.items()} | {"BELLHOP_LOG": "info", "BELLHOP_CONFIG": ""}
    (folder / "data").mkdir()
    Program("cloud", ["env", "-u", "BELLHOP_CONFIG", CLOUD, "serve"], folder, env).said("ready")
    return Api(f"http://127.0.0.1:{api}"), f"http://127.0.0.1:{acs}"


def make_rooms(api):
    """A property; the ids of its rooms by number, and its own."""
    made = api.send("POST", "/properties", {"chain": "Interop", "code": "interop", "name": "Interop House", "time_zone": "Europe/Lisbon"})
    rooms = [{"number": number, "extension": number} for number in ("1207", "1208")]
    layout = {"buildings": [{"name": "House", "floors": [{"name": "12", "level": 12, "rooms": rooms}]}]}
    api.send("POST", f"/properties/{made['id']}/layout", layout)
    board = api.get(f"/properties/{made['id']}/board")
    cards = board["buildings"][0]["floors"][0]["rooms"]
    return {"property": made["id"], **{card["number"]: card["id"] for card in cards}}


def session(*codes):
    return lambda event: event["event"] == "tr069_session" and event["ok"] and set(codes) <= set(event["events"])


def task(report, api, phone, order):
    """Orders a task; its job when it has ended, `None` when the server does not know tasks."""
    status, job = api.call("POST", f"/phones/{phone}/tasks", order)
    if status == 404:
        report.skip(f"the task {order['kind']}", "the server does not know tasks yet (404)")
        return None
    if not report.check(f"the task {order['kind']} is taken", status == 202, job):
        return None

    def ended():
        jobs = {entry["id"]: entry for entry in api.get(f"/phones/{phone}")["jobs"]}
        found = jobs.get(job["id"])
        return found if found and found["state"] in ("done", "parked", "cancelled", "superseded") else None

    return wait_until(f"the task {order['kind']} ends", ended)


def work(report: Report, folder):
    report.note("NetGet 0.3.5 (crates.io: netget-tool) as the CPE")
    api, acs = start_server(folder)
    rooms = make_rooms(api)
    values = {"account.1.enable": "yes", "account.1.sip.server.1.address": "sip.interop.example",
              "account.1.sip.subscriber.password": "a secret of the line"}
    api.send("PUT", f"/properties/{rooms['property']}/settings", {"values": values})

    device = Device(MAC)
    cpe = Cpe(folder, "first", acs, device)
    phone = enrol(report, api, device, cpe, rooms["1207"])
    configured(report, api, device, cpe, phone)
    called(report, api, device, phone)
    tasks(report, api, device, phone)
    cpe.stop()
    lacking(report, api, folder, acs, rooms)


class Cpe:
    """NetGet's CPE. It knows no authentication; a relay answers our challenge for it once it was given its password."""

    def __init__(self, folder, name, acs, device):
        (folder / name).mkdir()
        self.relay = Relay(acs)
        self.device = device
        startup = {"serial_number": device.serial, "manufacturer": "Interop Works", "oui": "000B82", "product_class": "IW-1",
                   "connection_request_listen": "127.0.0.1:0", "events": ["0 BOOTSTRAP", "1 BOOT"]}
        self._netget = NetGet.cpe(folder / name, f"{self.relay.url}/acs", startup, device.answer)

    def come(self):
        """A session of its own accord; how it went."""
        return json.loads(self._netget.act(self.device.inform("2 PERIODIC")))

    def stop(self):
        self._netget.stop()
        self.relay.stop()


def enrol(report, api, device, cpe, room):
    device.events.wait(session("0 BOOTSTRAP"), "the first session")
    row = wait_until("it waits under New phones", lambda: (api.get("/phones/new") or [None])[0])
    said = {name: row[name] for name in ("mac", "manufacturer", "model", "serial")}
    wanted = {"mac": device.mac, "manufacturer": "Interop Works", "model": "IW-1", "serial": device.serial}
    report.check("it appears under New phones with MAC, maker, model and serial number", said == wanted, said)
    phone = row["id"]
    every = {"Device.ManagementServer.PeriodicInformEnable": "true", "Device.ManagementServer.PeriodicInformInterval": "30"}
    report.check("and is asked to come by itself every 30 s, and for nothing else", device.sets == [every], device.sets)
    api.send("POST", f"/phones/{phone}/accept", {"property": None, "room": room})
    came = cpe.come()
    user = device.values["Device.ManagementServer.Username"]
    password = device.values["Device.ManagementServer.Password"]
    report.check("accepted, it is given a user name and a password of its own",
                 came["ok"] and user == phone and len(password) >= 16, (came, user))
    cpe.relay.credentials = (user, password)
    return phone


def configured(report, api, device, cpe, phone):
    """Its next sessions begin with a challenge."""
    came = cpe.come()
    proof = cpe.relay.authorizations
    report.check("the digest of a foreign client is accepted", came["ok"] and proof, came)
    report.note("it was " + (re.search("algorithm=[^ ,]*", proof[0] + " algorithm=none").group()))
    detail = wait_until("its settings are in sync",
                        lambda: (found := api.get(f"/phones/{phone}"))["phone"]["sync"] == "in-sync" and found)
    report.check("it is enrolled", detail["phone"]["enrolment"] == "enrolled", detail["phone"])
    report.check("its firmware is known from the Inform", detail["phone"]["firmware"] == "4.2", detail["phone"])
    wanted = {
        f"{PROFILE}SIP.RegistrarServer": "sip.interop.example",
        f"{PROFILE}Line.1.Enable": "Enabled",
        f"{PROFILE}Line.1.SIP.AuthUserName": "1207",
        f"{PROFILE}Line.1.SIP.AuthPassword": "a secret of the line",
    }
    held = {name: device.values[name] for name in wanted}
    report.check("it holds its line's settings at TR-104 paths, with the room's extension", held == wanted, held)
    keys = device.values["Device.ManagementServer.ParameterKey"]
    report.check("and the ParameterKey names the version", keys == f"bh:{detail['applied_version']}", keys)
    reported = {value["key"]: value["reported"] for value in detail["values"]}
    report.check("what the phone reports is shown",
                 reported.get("account.1.sip.server.1.address") == "sip.interop.example", reported)
    jobs = [job for job in detail["jobs"] if job["state"] != "done"]
    report.check("no job is left", not jobs, jobs)


def called(report, api, device, phone):
    """A connection request. NetGet's listener wants no digest and answers the first GET."""
    api.send("POST", f"/phones/{phone}/push")
    device.events.wait(session("6 CONNECTION REQUEST"), "a session our connection request asked for")
    report.check("a push calls the phone: 6 CONNECTION REQUEST", True)


def tasks(report, api, device, phone):
    job = task(report, api, phone, {"kind": "refresh", "path": ""})
    if job is None:
        return
    report.check("the parameter tree is read", job["state"] == "done", job)
    tree = api.get(f"/phones/{phone}/parameters?path=Device.&limit=200")
    below = {entry["path"] for entry in tree["items"]}
    report.check("and shown level by level", {"Device.DeviceInfo.", "Device.Services."} <= below, below)
    found = api.get(f"/phones/{phone}/parameters?path=&search=HardwareVersion&limit=200")["items"]
    report.check("with its values", [entry["value"] for entry in found] == ["B"], found)

    name = f"{PROFILE}Name"
    job = task(report, api, phone, {"kind": "set-parameters", "values": [{"path": name, "value": "Reception"}]})
    report.check("a parameter is set by hand", job["state"] == "done" and device.values[name] == "Reception", job)
    unknown = {"kind": "set-parameters", "values": [{"path": "Device.NoSuch", "value": "1", "type": "string"}]}
    job = task(report, api, phone, unknown)
    report.check("a refusal of the phone is shown with its code",
                 job["state"] != "done" and "9003" in json.dumps(job), job)

    job = task(report, api, phone, {"kind": "methods"})
    report.check("its methods are listed", "FactoryReset" in json.dumps(job.get("result")), job)
    job = task(report, api, phone, {"kind": "reboot"})
    report.check("it is restarted, once", job["state"] == "done" and device.boots == 1, job)
    job = task(report, api, phone, {"kind": "download", "file_type": "1 Firmware Upgrade Image", "url": "http://127.0.0.1:9/x"})
    report.check("a Download it does not know (9000) is told as such",
                 job["state"] != "done" and "9000" in json.dumps(job), job)
    job = task(report, api, phone, {"kind": "factory-reset"})
    report.check("it is reset to factory settings", job["state"] == "done" and device.boots == 2, job)


def lacking(report, api, folder, acs, rooms):
    """A phone of another maker has no vendor parameter of this one: it is to get all the others."""
    device = Device(OTHER_MAC, lacks=(DISPLAY_NAME,))
    cpe = Cpe(folder, "second", acs, device)
    device.events.wait(session("0 BOOTSTRAP"), "the first session of the second CPE")
    row = wait_until("the second CPE waits under New phones", lambda: (api.get("/phones/new") or [None])[0])
    api.send("POST", f"/phones/{row['id']}/accept", {"property": None, "room": rooms["1208"]})
    cpe.come()
    cpe.relay.credentials = tuple(device.values[f"Device.ManagementServer.{name}"] for name in ("Username", "Password"))
    cpe.come()
    userid = f"{PROFILE}Line.1.SIP.AuthUserName"

    def settled():
        jobs = api.get(f"/phones/{row['id']}")["jobs"]
        return device.values[userid] == "1208" or (jobs and all(job["attempts"] >= 2 or job["done_at"] for job in jobs) and jobs)

    jobs = wait_until("the second CPE is configured, or tried twice", settled)
    report.check("a phone that lacks one parameter (9005) gets the others", device.values[userid] == "1208", jobs)
    cpe.stop()


if __name__ == "__main__":
    interop.main("a foreign CPE under our ACS", work)
