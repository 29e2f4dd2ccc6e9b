#!/usr/bin/env python3
"""Sends frames of a codec as RTP, each in time, over and over; with libsrtp where a key is given.

    rtp_send.py RUN_DIR LOCAL_ADDRESS REMOTE FRAMES BYTES MS TYPE [SUITE KEY]

REMOTE   address and port
FRAMES   a file of frames, one after the other, as ffmpeg writes G.723.1
BYTES    of a frame
MS       of sound in a frame, at 8 kHz
TYPE     payload type
SUITE    as in a=crypto (RFC 4568), KEY the base64 after `inline:`
"""

import base64
import os
import socket
import struct
import sys
import time
from pathlib import Path

_, LOCAL, REMOTE, FRAMES, BYTES, MS, TYPE, *CRYPTO = sys.argv[1:]


def protection():
    """What makes SRTP of RTP."""
    if not CRYPTO:
        return lambda packet: packet
    sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "target" / "interop" / "sip-python"))
    from pylibsrtp import Policy, Session

    suite, key = CRYPTO
    profiles = {
        "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
        "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    }
    policy = Policy(key=base64.b64decode(key), ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profiles[suite])
    return Session(policy).protect


protect = protection()
frames, size, ms = Path(FRAMES).read_bytes(), int(BYTES), int(MS)
address, port = REMOTE.rsplit(":", 1)
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.bind((LOCAL, 0))
source, first, began = os.urandom(4), int.from_bytes(os.urandom(2), "big"), time.monotonic()
count = 0
while True:
    at = count * size % (len(frames) // size * size)
    marker = 0x80 if count == 0 else 0
    head = struct.pack(">BBHI4s", 0x80, marker | int(TYPE), (first + count) & 0xFFFF, count * ms * 8, source)
    sender.sendto(protect(head + frames[at : at + size]), (address, int(port)))
    count += 1
    time.sleep(max(0.0, began + count * ms / 1000 - time.monotonic()))
