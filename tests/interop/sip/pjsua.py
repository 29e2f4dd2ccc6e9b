#!/usr/bin/env python3
"""A PJSIP phone (PJSUA2), in the foreground, that registers by itself.

    pjsua.py RUN_DIR USER PASSWORD SERVER LOCAL [answer=auto|manual] [srtp=SUITE,SUITE] [codecs=iLBC/8000/1]
             [play=FILE.wav] [ilbc=20|30]

RUN_DIR  this run's folder: log, heard-1.wav and so on, one a call, and the FIFO `in`
SERVER   registrar, host:port
LOCAL    own address and port of SIP
srtp     mandatory, by these suites alone; without, none
play     what it says, a WAV file of 16 kHz, over and over
ilbc     length of a frame, ms, as its fmtp says

Control: lines into RUN_DIR/in; see README.md.
"""

import os
import sys
from pathlib import Path

RUN, USER, PASSWORD, SERVER, LOCAL = sys.argv[1:6]
OPTIONS = {"answer": "manual", "srtp": "", "codecs": "iLBC/8000/1", "play": "", "ilbc": "30"}
OPTIONS |= dict(option.split("=", 1) for option in sys.argv[6:])
RUN = Path(RUN).resolve()
RUN.mkdir(parents=True, exist_ok=True)
FIFO = RUN / "in"
if not FIFO.exists():
    os.mkfifo(FIFO)
# Of the whole process, PJSIP's own thread and all.
log = os.open(RUN / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
os.dup2(log, 1)
os.dup2(log, 2)
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "target" / "interop" / "sip-python"))
import pjsua2 as pj  # noqa: E402


def say(*words):
    os.write(1, ("# " + " ".join(map(str, words)) + "\n").encode())


class Call(pj.Call):
    player = recorder = None

    def onCallState(self, _):
        info = self.getInfo()
        say("call", info.stateText, info.lastStatusCode)
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            # Writes the file's header.
            self.player = self.recorder = None
            account.calls.remove(self)
            say("ended", info.lastStatusCode)

    def onCallMediaState(self, _):
        # Its list lives as long as it does.
        info = self.getInfo()
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE and not self.recorder:
                account.count += 1
                sound = self.getAudioMedia(index)
                self.recorder = pj.AudioMediaRecorder()
                self.recorder.createRecorder(str(RUN / f"heard-{account.count}.wav"))
                sound.startTransmit(self.recorder)
                if OPTIONS["play"]:
                    self.player = pj.AudioMediaPlayer()
                    self.player.createPlayer(OPTIONS["play"], 0)
                    self.player.startTransmit(sound)
                say("media", self.getStreamInfo(index).codecName)

    def onDtmfDigit(self, digit):
        say("digit", digit.digit, "by", digit.method)


class Account(pj.Account):
    calls = []
    count = 0

    def onRegState(self, news):
        say("registered" if news.code == 200 else "not registered", news.code)

    def onIncomingCall(self, news):
        call = Call(self, news.callId)
        self.calls.append(call)
        say("incoming")
        if OPTIONS["answer"] == "auto":
            answer(call)


def answer(call):
    parameters = pj.CallOpParam()
    parameters.statusCode = 200
    call.answer(parameters)


def obey(line):
    word, _, rest = line.partition(" ")
    if word == "call":
        call = Call(account)
        account.calls.append(call)
        call.makeCall(rest, pj.CallOpParam(True))
    elif word == "answer":
        answer(account.calls[-1])
    elif word == "terminate":
        account.calls[-1].hangup(pj.CallOpParam())
    elif word == "digits":
        # As RTP events, which it sends one after the other.
        account.calls[-1].dialDtmf(rest)
    else:
        say("unknown:", line)


def configured():
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.logConfig.level = 5
    config.logConfig.consoleLevel = 5
    config.medConfig.noVad = True
    config.medConfig.ecTailLen = 0
    config.medConfig.clockRate = 16000
    config.medConfig.ilbcMode = int(OPTIONS["ilbc"])
    return config


def account_config():
    address, port = LOCAL.rsplit(":", 1)
    config = pj.AccountConfig()
    host = SERVER.rsplit(":", 1)[0]
    config.idUri = f"sip:{USER}@{host}"
    config.regConfig.registrarUri = f"sip:{SERVER}"
    config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", USER, 0, PASSWORD))
    config.sipConfig.proxies.append(f"sip:{SERVER};lr")
    config.mediaConfig.transportConfig.boundAddress = address
    config.mediaConfig.transportConfig.port = 30000 + int(port) % 1000 * 10
    config.mediaConfig.transportConfig.portRange = 90
    if OPTIONS["srtp"]:
        config.mediaConfig.srtpUse = pj.PJMEDIA_SRTP_MANDATORY
        config.mediaConfig.srtpSecureSignaling = 0
        wanted = pj.SrtpCryptoVector()
        for name in OPTIONS["srtp"].split(","):
            crypto = pj.SrtpCrypto()
            crypto.name = name
            wanted.append(crypto)
        config.mediaConfig.srtpOpt.cryptos = wanted
    return config


endpoint = pj.Endpoint()
endpoint.libCreate()
endpoint.libInit(configured())
transport = pj.TransportConfig()
transport.boundAddress, transport.port = LOCAL.rsplit(":", 1)[0], int(LOCAL.rsplit(":", 1)[1])
endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
endpoint.libStart()
endpoint.audDevManager().setNullDev()
wanted = OPTIONS["codecs"].split(",")
for codec in endpoint.codecEnum2():
    endpoint.codecSetPriority(codec.codecId, 255 - wanted.index(codec.codecId) if codec.codecId in wanted else 0)
account = Account()
account.create(account_config())
# For both, so that it does not end when a writer goes.
commands = os.open(FIFO, os.O_RDWR | os.O_NONBLOCK)
waiting = b""
while True:
    endpoint.libHandleEvents(10)
    try:
        waiting += os.read(commands, 4096)
    except BlockingIOError:
        continue
    *lines, waiting = waiting.split(b"\n")
    for line in lines:
        try:
            obey(line.decode().strip())
        except pj.Error as error:
            say("failed:", line.decode(), error.info())
