#!/usr/bin/env python3
"""Installs the foreign peers, at fixed versions, below target/interop. What is there already is left alone."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from interop import BIN, HOME

# From crates.io.
ACSRS = "0.5.2"
NETGET = "0.3.5"
# Its TR-069 sources, by SHA-256.
NETGET_SOURCES = {
    "client/tr069/actions.rs": "8d47e3ef5295da0dfea00611495359167b4c418c1faf557517dbe2f7166d479e",
    "client/tr069/mod.rs": "f8a0ebc2e141af5e188b2aa66908218f4efe709de3167b87c23c615cf6b9054e",
    "server/tr069/actions.rs": "6c793ba04b6f8f90cbd9ee7623e5df9f4050a697ee88f5edb5d917a9eef9129f",
    "server/tr069/mod.rs": "4fb0c97d4d22237b60703913bd1665cc8bf42e5df97508bd072662c896e6e4e3",
    "server/tr069/wire.rs": "2440da5403b1b2ef34a1c9fe045b397bb0d6877fcf0ab6d6e3cce37db9ac3a24",
}
# From PyPI.
PYTHON_PACKAGES = {"requests": "2.32.5", "lxml": "6.0.2"}
PYTHON = HOME / "python"


class NotInstalled(Exception):
    pass


def cargo(what, *words, log="cargo"):
    """Cargo without the variables of a surrounding `cargo run`, its output in a log."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CARGO_PKG_", "CARGO_MANIFEST_"))}
    env.pop("LD_LIBRARY_PATH", None)
    env |= {"CARGO_PROFILE_DEV_DEBUG": "0"}
    file = HOME / f"{log}.log"
    with file.open("w") as output:
        done = subprocess.run(["cargo", *map(str, words)], env=env, stdout=output, stderr=subprocess.STDOUT, cwd=HOME)
    if done.returncode != 0:
        raise NotInstalled(f"{what}: cargo failed; see {file}")


def acsrs():
    stamp = HOME / f"acsrs-{ACSRS}.installed"
    if stamp.exists() and (BIN / "acsrs").exists():
        print(f"acsrs {ACSRS}: there", flush=True)
        return
    print(f"acsrs {ACSRS}: building, a minute or two", flush=True)
    options = ["--locked", "--profile", "dev", "--force", "--root", HOME, "--target-dir", HOME / "build"]
    cargo("acsrs", "install", "acsrs", "--version", ACSRS, *options, log="acsrs")
    stamp.touch()


def netget():
    """Copies NetGet's TR-069 files beside our host for them, and builds that."""
    here = Path(__file__).parent / "netget-host"
    there = HOME / "netget-host"
    own = [path for path in here.rglob("*") if path.is_file()]
    print_of = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(own)) + NETGET.encode()).hexdigest()
    stamp = HOME / "netget.installed"
    if stamp.exists() and stamp.read_text() == print_of and (BIN / "netget-host").exists():
        print(f"netget-tool {NETGET}: there", flush=True)
        return
    print(f"netget-tool {NETGET}: fetching its TR-069 sources and building them, a minute or two", flush=True)
    # Fetches the one crate, checked against the index, and none of its thousand dependencies.
    cargo("netget-tool", "info", f"netget-tool@{NETGET}", log="netget")
    registry = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo")) / "registry" / "src"
    found = sorted(registry.glob(f"*/netget-tool-{NETGET}"))
    if not found:
        raise NotInstalled(f"netget-tool: cargo left no sources below {registry}")
    shutil.rmtree(there, ignore_errors=True)
    shutil.copytree(here, there)
    for name, sha256 in NETGET_SOURCES.items():
        source = (found[0] / "src" / name).read_bytes()
        if hashlib.sha256(source).hexdigest() != sha256:
            raise NotInstalled(f"netget-tool: {name} is another file than expected")
        (there / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (there / "src" / name).write_bytes(source)
    cargo("netget-tool", "build", "--locked", "--manifest-path", there / "Cargo.toml", "--target-dir", HOME / "build", log="netget")
    BIN.mkdir(exist_ok=True)
    shutil.copy2(HOME / "build" / "debug" / "netget-host", BIN / "netget-host")
    stamp.write_text(print_of)


def python_packages():
    wanted = [f"{name}=={version}" for name, version in PYTHON_PACKAGES.items()]
    stamp = HOME / "python-packages"
    if stamp.exists() and stamp.read_text() == "\n".join(wanted):
        print(", ".join(wanted) + ": there", flush=True)
        return
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", str(PYTHON), *wanted]
    subprocess.run(command, check=True)
    stamp.write_text("\n".join(wanted))


if __name__ == "__main__":
    HOME.mkdir(parents=True, exist_ok=True)
    try:
        acsrs()
        netget()
        python_packages()
    except (NotInstalled, subprocess.CalledProcessError) as error:
        sys.exit(f"not installed: {error}")
