#!/usr/bin/env python3
"""Installs the SIP peers that are Python packages, at fixed versions, in target/interop/sip-python."""

import subprocess
import sys
from pathlib import Path

# PJSIP 2.15.1 with its own iLBC, and libsrtp for `rtp_send.py`.
PACKAGES = {"pjsua2-python": "2.15.1.post1", "pylibsrtp": "1.0.0"}
HOME = Path(__file__).resolve().parents[3] / "target" / "interop"


def main():
    wanted = [f"{name}=={version}" for name, version in PACKAGES.items()]
    stamp = HOME / "sip-python.installed"
    if stamp.exists() and stamp.read_text() == "\n".join(wanted):
        return
    print("from PyPI: " + ", ".join(wanted), flush=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--only-binary", ":all:"]
    subprocess.run([*command, "--target", str(HOME / "sip-python"), *wanted], check=True)
    stamp.write_text("\n".join(wanted))


if __name__ == "__main__":
    HOME.mkdir(parents=True, exist_ok=True)
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"not installed: {error}")
