#!/usr/bin/env python3
"""Our agent, managed by two foreign ACSs: acsrs and NetGet, each through its own API."""

import json
import subprocess
import sys

import interop
from acsrs import Acsrs
from install import PYTHON
from interop import AGENT, Events, Failed, Program, Report, wait_until
from netget import NetGet

sys.path.insert(0, str(PYTHON))
from relay import Relay

ROOM = "Device.X_BELLHOP_Settings.hotel.room.number"
PROFILE = "Device.Services.VoiceService.1.VoiceProfile.1."
MAC = "c0:74:ad:00:77:01"
SERIAL = MAC.replace(":", "")


def start_agent(folder, acs_url, *options):
    command = [AGENT, "run", "--state-dir", folder / "phone", "--mac", MAC, "--acs-url", acs_url]
    command += ["--control", "127.0.0.1:0", "--connection-request-port", "0", "--sip-bind", "127.0.0.1"]
    return Program("agent", [*command, "--retry-wait", "1", *options], folder, {"BELLHOP_LOG": "info"})


def agent_state(folder):
    out = subprocess.run([AGENT, "state", "--state-dir", folder / "phone"], capture_output=True, check=True)
    return json.loads(out.stdout)


def has(*events):
    """An Inform of acsrs with these events."""
    return lambda inform: set(events) <= set(inform["events"])


def call_phone(acs, user=None, password=None):
    """A connection request by curl's digest client: the HTTP status."""
    phone = acs.phone(SERIAL)
    user, password = user or phone["username"], password or phone["password"]
    words = ["curl", "--silent", "--digest", "--user", f"{user}:{password}", "--output", "/dev/null", "--max-time", "20"]
    done = subprocess.run([*words, "--write-out", "%{http_code}", phone["url"]], capture_output=True, text=True)
    return int(done.stdout or 0)


def under_acsrs(report: Report, folder):
    acs = Acsrs(folder)
    acs.start(authenticate=False)
    # acsrs puts its own port behind a Host header that has one already; see README.
    relay = Relay(f"http://127.0.0.1:{acs.http_port}", host="127.0.0.1")
    agent = start_agent(folder, acs.url(relay.url))

    inform = acs.informs.wait(has("Boot"), "an Inform with 1 BOOT")
    with acs.session() as session:
        identity = session.get(SERIAL, "Device.DeviceInfo.")
        report.check("the first Inform says 0 BOOTSTRAP and 1 BOOT", acs.bootstraps() == 1)
        wanted = {"manufacturer": "Bellhop", "oui": "C074AD", "product_class": "GHP620", "serial_number": SERIAL}
        report.check("its DeviceId is the phone's", all(inform[key] == value for key, value in wanted.items()), inform)
        forced = ["DeviceInfo.HardwareVersion", "DeviceInfo.SoftwareVersion", "ManagementServer.ParameterKey",
                  "ManagementServer.ConnectionRequestURL"]
        told = {parameter["name"] for parameter in inform["parameters"]}
        missing = [name for name in forced if f"Device.{name}" not in told]
        report.check("it holds the forced Inform parameters", not missing, missing)
        report.check("DeviceInfo is read as an object",
                     identity.get("Device.DeviceInfo.SerialNumber") == SERIAL, identity)
        read_tree(report, session)
        write(report, session, folder)
        refusals(report, session)
        # For the next part, while the session is open.
        credentials = {"Device.ManagementServer.Username": acs.username, "Device.ManagementServer.Password": acs.password}
        status, answer = session.set_values(SERIAL, credentials, "xsd:string")
        report.check("acsrs sets the phone's own user name and password", answer == {"SetParameterValues": True}, answer)

    call(report, acs)
    call_by_acsrs(report, acs, relay)
    download(report, acs)
    with_password(report, acs)
    # TR-069 §3.4.2: one connection should last for the session, and the answer to a challenge has to come on the same one.
    used = [len(connections) for connections in relay.connections]
    report.check(f"each of {len(used)} sessions kept to one TCP connection", set(used) == {1}, used)
    with_tls(report, acs, folder, agent)
    acs.stop()
    relay.stop()


def read_tree(report, session):
    status, answer = session.ask(SERIAL, {"GetParameterNames": {"name": "Device.", "next_level": True}})
    level = [entry["name"] for entry in answer.get("GetParameterNames", [])]
    report.check("one level of names", "Device.DeviceInfo." in level and "Device.Services." in level, answer)
    status, answer = session.ask(SERIAL, {"GetParameterNames": {"name": "Device.", "next_level": False}})
    leaves = {entry["name"] for entry in answer.get("GetParameterNames", []) if not entry["name"].endswith(".")}
    report.check(f"all names ({len(leaves)} parameters)", len(leaves) > 500, answer)
    values = session.get(SERIAL, "Device.")
    report.check("and the same parameters when all values are read", set(values) == leaves,
                 sorted(set(values) ^ leaves)[:5])


def write(report, session, folder):
    status, answer = session.set_values(SERIAL, {ROOM: "1207"})
    report.check("the room number is set by its vendor path", answer == {"SetParameterValues": True}, answer)
    report.check("and read back", session.get(SERIAL, ROOM) == {ROOM: "1207"})
    shown = wait_until("the phone shows its room", lambda: "1207" in json.dumps(agent_state(folder)))
    report.check("and the phone itself says so", shown)
    account = {
        f"{PROFILE}SIP.RegistrarServer": "sip.interop.example",
        f"{PROFILE}Line.1.SIP.AuthUserName": "1207",
        f"{PROFILE}Line.1.Enable": "Enabled",
    }
    status, answer = session.set_values(SERIAL, account)
    report.check("an account is set by TR-104 paths, three in one request", answer == {"SetParameterValues": True}, answer)
    read = session.get(SERIAL, *account)
    report.check("and read back", read == account, read)
    status, answer = session.set_values(SERIAL, {"Device.ManagementServer.PeriodicInformInterval": "600"}, "xsd:unsignedInt")
    report.check("a number is set as unsignedInt", answer == {"SetParameterValues": True}, answer)
    status, answer = session.set_values(SERIAL, {"Device.ManagementServer.PeriodicInformEnable": "1"}, "xsd:boolean")
    report.check("a boolean is set as 1", answer == {"SetParameterValues": True}, answer)


def refusals(report, session):
    def refused(what, code, answer):
        status, answer = answer
        said = answer.get("Error", {}).get("description", "")
        report.check(f"{what} is refused with {code}", status == 400 and said.startswith(code), answer)

    refused("an unknown name", "9005", session.ask(SERIAL, {"GetParameterValues": [{"name": "Device.NoSuch"}]}))
    read_only = {"Device.DeviceInfo.SerialNumber": "1"}
    refused("a write to a parameter that is read-only", "9003", session.set_values(SERIAL, read_only, "xsd:string"))
    out_of_range = {"Device.ManagementServer.PeriodicInformInterval": "-1"}
    refused("a value out of range", "9003", session.set_values(SERIAL, out_of_range, "xsd:unsignedInt"))
    refused("AddObject where no table is", "9005", session.ask(SERIAL, {"AddObject": {"object_name": f"{PROFILE}Line."}}))
    kept = session.get(SERIAL, "Device.ManagementServer.PeriodicInformInterval")
    report.check("and the refused values changed nothing", list(kept.values()) == ["600"], kept)


def call(report, acs):
    """Connection requests, when the session has ended."""
    report.check("a call with a wrong password is refused", call_phone(acs, password="wrong") == 401)
    report.check("a call with digest, by curl, is accepted", call_phone(acs) in (200, 204))
    acs.informs.wait(has("ConnectionRequest"), "an Inform with 6 CONNECTION REQUEST")
    report.check("and the phone comes with 6 CONNECTION REQUEST", True)


def call_by_acsrs(report, acs, relay):
    """acsrs calls by itself when it wants something of a phone that is in no session."""
    wait_until("the session ends", lambda: relay.idle)
    status, answer = acs.call(SERIAL, {"GetParameterValues": [{"name": ROOM}]})
    if "Authentication failed" in json.dumps(answer):
        report.skip("a call by acsrs itself", "it computes its digest for the path / whatever the URL is (see README)")
        call_phone(acs)
        acs.informs.wait(has("ConnectionRequest"), "an Inform with 6 CONNECTION REQUEST")
        return
    report.check("acsrs calls the phone by itself", answer.get("GetParameterValues"), answer)


def download(report, acs):
    """acsrs's `Upgrade` is a Download of type "1 Firmware Upgrade Image" from acsrs itself."""
    folder = acs.settings / "download"
    folder.mkdir(exist_ok=True)
    (folder / "image.bin").write_bytes(b"no firmware of any phone\n" * 1000)
    status, answer = acs.call(SERIAL, {"Upgrade": {"file_name": "image.bin"}})
    said = json.dumps(answer)
    if "9000" in said:
        report.skip("a file is downloaded", "the agent does not know Download yet (9000)")
        return
    # acsrs has no answer of its own for a DownloadResponse.
    report.check("Download is accepted", "Unknown response from CPE" in said or status == 200, answer)
    inform = acs.informs.wait(has("TransferComplete"), "an Inform with 7 TRANSFER COMPLETE")
    report.check("and its end is told: 7 TRANSFER COMPLETE with M Download", has("MDownload")(inform), inform)


def with_password(report, acs):
    """acsrs again on the same ports, now with Basic authentication."""
    phone = acs.phone(SERIAL)
    acs.stop()
    acs.start(authenticate=True)
    again = acs.phone(SERIAL)
    if again["password"] != phone["password"]:
        raise Failed("acsrs forgot the phone")
    report.check("acsrs, restarted with passwords on, calls the phone", call_phone(acs) in (200, 204))
    acs.informs.wait(has("ConnectionRequest"), "an Inform with the password")
    report.check("and the phone proves itself (Basic)", True)
    with acs.session() as session:
        report.check("and is still the one it was", session.get(SERIAL, ROOM) == {ROOM: "1207"})


def with_tls(report, acs, folder, agent):
    options = subprocess.run([AGENT, "run", "--help"], capture_output=True, text=True).stdout
    if "--ca " not in options:
        report.skip("the same over TLS", "the agent has no --ca yet")
        return
    with acs.session() as session:
        status, answer = session.set_values(SERIAL, {"Device.ManagementServer.URL": acs.secure_url}, "xsd:string")
        report.check("the phone is sent to the ACS's https address", answer == {"SetParameterValues": True}, answer)
    agent.stop()
    start_agent(folder, acs.secure_url, "--ca", acs.ca)
    acs.informs.wait(has("Boot"), "an Inform over TLS")
    report.check("a new URL is a new ACS: 0 BOOTSTRAP, over TLS with acsrs's certificate checked", acs.bootstraps() == 1)


class NetGetAcs:
    """NetGet's ACS: each session is given the orders of the next list; what comes is kept."""

    def __init__(self, folder):
        self.orders = []
        self.events = Events("NetGet")
        self.netget = NetGet.acs(folder, self.answer)
        self.url = f"http://{self.netget.address}/acs"

    def answer(self, event_id, event):
        self.events.put({"event": event_id, **event})
        if event_id == "tr069_inform" and self.orders:
            return [{"type": f"tr069_{kind}", **rest} for kind, rest in self.orders.pop(0)]
        return []

    def inform(self, *codes):
        """Waits for an Inform with these events: their command keys by code."""
        told = lambda event: {entry["code"]: entry["command_key"] for entry in event["events"]}
        which = lambda event: event["event"] == "tr069_inform" and set(codes) <= set(told(event))
        return told(self.events.wait(which, "an Inform with " + " and ".join(codes)))

    def response(self, method):
        which = lambda event: event["event"] == "tr069_response" and event["method"] == method
        return self.events.wait(which, f"the answer to {method}")


def under_netget(report, folder):
    """What acsrs has no API for: Reboot and FactoryReset, and a ParameterKey."""
    acs = NetGetAcs(folder)
    interval = "Device.ManagementServer.PeriodicInformInterval"
    acs.orders.append([
        ("get_parameter_values", {"names": ["Device.DeviceInfo.SerialNumber", "Device.LAN."]}),
        ("set_parameter_values", {"values": {ROOM: "1208", interval: 900}, "parameter_key": "interop-key"}),
        ("get_parameter_values", {"names": [ROOM, interval, "Device.ManagementServer.ParameterKey"]}),
        ("get_parameter_names", {"path": "Device.Services.", "next_level": False}),
        ("add_object", {"object": "Device.Services.VoiceService.1.VoiceProfile."}),
        ("get_parameter_values", {"names": ["Device.NoSuch."]}),
        ("reboot", {"command_key": "interop-reboot"}),
    ])
    start_agent(folder, acs.url)
    acs.inform("0 BOOTSTRAP", "1 BOOT")
    report.check("NetGet hears 0 BOOTSTRAP and 1 BOOT", True)
    values = lambda event: {entry["name"]: entry["value"] for entry in event["result"]["parameters"]}
    read = values(acs.response("GetParameterValues"))
    report.check("values are read by name and by object", read.get("Device.DeviceInfo.SerialNumber") == SERIAL and len(read) > 1, read)
    done = acs.response("SetParameterValues")
    report.check("two values of two types are set with a ParameterKey", done["ok"], done)
    read = values(acs.response("GetParameterValues"))
    wanted = {ROOM: "1208", interval: "900", "Device.ManagementServer.ParameterKey": "interop-key"}
    report.check("and read back, the key as well", read == wanted, read)
    names = acs.response("GetParameterNames")
    report.check("the names below Services are listed", names["ok"] and len(names["result"]["parameters"]) > 10, names)
    refused = acs.response("AddObject")
    report.check("AddObject is refused with 9005", refused.get("fault", {}).get("code") == 9005, refused)
    refused = acs.response("GetParameterValues")
    report.check("an unknown object is refused with 9005", refused.get("fault", {}).get("code") == 9005, refused)
    done = acs.response("Reboot")
    report.check("Reboot is accepted", done["ok"], done)

    acs.orders.append([("get_parameter_values", {"names": [ROOM]}), ("factory_reset", {})])
    keys = acs.inform("1 BOOT", "M Reboot")
    report.check("the phone comes back with 1 BOOT and M Reboot", "0 BOOTSTRAP" not in keys, keys)
    report.check("and M Reboot has the CommandKey", keys["M Reboot"] == "interop-reboot", keys)
    read = values(acs.response("GetParameterValues"))
    report.check("it kept its settings", read == {ROOM: "1208"}, read)
    done = acs.response("FactoryReset")
    report.check("FactoryReset is accepted", done["ok"], done)
    acs.orders.append([("get_parameter_values", {"names": [ROOM, interval]})])
    acs.inform("0 BOOTSTRAP", "1 BOOT")
    read = values(acs.response("GetParameterValues"))
    report.check("the phone comes back as from the factory", read[ROOM] == "" and read[interval] != "900", read)


def work(report, folder):
    report.note("acsrs 0.5.2 (crates.io)")
    (folder / "acsrs").mkdir()
    under_acsrs(report, folder / "acsrs")
    interop.stop_everything()
    report.note("NetGet 0.3.5 (crates.io: netget-tool)")
    (folder / "netget").mkdir()
    under_netget(report, folder / "netget")


if __name__ == "__main__":
    interop.main("our agent under foreign ACSs", work)
