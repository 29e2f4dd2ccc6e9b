//! Debian packages that a command needs: says which and why, installs them, and keeps their daemons from starting.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::procs;

/// One package, how to tell that it is there, and what for.
pub struct Package {
    pub name: &'static str,
    /// Any of these files means it is installed.
    pub files: &'static [&'static str],
    pub why: &'static str,
}

/// What building the phone takes beside Rust.
pub const BUILD: [&Package; 2] = [&CC, &CMAKE];
const CC: Package = Package { name: "gcc", files: &["/usr/bin/cc"], why: "compiles libopus and SQLite" };
const CMAKE: Package = Package {
    name: "cmake",
    files: &["/usr/bin/cmake", "/usr/local/bin/cmake"],
    why: "configures libopus, which is built from the sources in its crate",
};
pub const KAMAILIO: Package = Package {
    name: "kamailio",
    files: &["/usr/sbin/kamailio", "/usr/local/sbin/kamailio"],
    why: "the SIP registrar the phones register at",
};
/// The foreign SIP programs of phone-core's tests beside Kamailio; see tests/interop/sip.
pub const SIP_PEERS: [&Package; 15] = [
    &KAMAILIO_TLS,
    &KAMAILIO_PRESENCE,
    &SIPP,
    &BARESIP,
    &LINPHONE,
    &SIPVICIOUS,
    &DNSMASQ,
    &IPROUTE,
    &OPENSSL,
    &FFMPEG,
    &ESPEAK,
    &MULTIMON,
    &NFTABLES,
    &PYTHON,
    &PIP,
];
const FFMPEG: Package =
    Package { name: "ffmpeg", files: &["/usr/bin/ffmpeg"], why: "speaks and hears G.723.1, and converts sound" };
const ESPEAK: Package =
    Package { name: "espeak-ng", files: &["/usr/bin/espeak-ng"], why: "what is said in the calls of the tests" };
const MULTIMON: Package = Package {
    name: "multimon-ng",
    files: &["/usr/bin/multimon-ng"],
    why: "decodes the digits the phone sends as tones",
};
const NFTABLES: Package =
    Package { name: "nftables", files: &["/usr/sbin/nft", "/sbin/nft"], why: "loses packets between phones" };
pub const PYTHON: Package = Package {
    name: "python3",
    files: &["/usr/bin/python3", "/usr/local/bin/python3"],
    why: "scripts of the foreign peers are in Python",
};
pub const PIP: Package = Package {
    name: "python3-pip",
    files: &["/usr/bin/pip3", "/usr/local/bin/pip3"],
    why: "fetches the peers that are Python packages",
};
/// Fetches configuration files by TFTP.
pub const CURL: Package =
    Package { name: "curl", files: &["/usr/bin/curl"], why: "a TFTP client, and an HTTP client with digest" };
pub const OPENSSL: Package =
    Package { name: "openssl", files: &["/usr/bin/openssl"], why: "makes the certificates of the calls over TLS" };
const KAMAILIO_TLS: Package = Package {
    name: "kamailio-tls-modules",
    files: &[
        "/usr/lib/x86_64-linux-gnu/kamailio/modules/tls.so",
        "/usr/lib/aarch64-linux-gnu/kamailio/modules/tls.so",
        "/usr/lib64/kamailio/modules/tls.so",
    ],
    why: "the phone registers at Kamailio over TLS",
};
const KAMAILIO_PRESENCE: Package = Package {
    name: "kamailio-presence-modules",
    files: &[
        "/usr/lib/x86_64-linux-gnu/kamailio/modules/presence.so",
        "/usr/lib/aarch64-linux-gnu/kamailio/modules/presence.so",
        "/usr/lib64/kamailio/modules/presence.so",
    ],
    why: "Kamailio tells the phone of messages, dialogs and registrations",
};
const SIPP: Package =
    Package { name: "sip-tester", files: &["/usr/bin/sipp"], why: "plays scripted SIP scenarios against the phone" };
pub const BARESIP: Package =
    Package { name: "baresip-core", files: &["/usr/bin/baresip"], why: "a phone that the phone calls" };
const LINPHONE: Package =
    Package { name: "linphone-cli", files: &["/usr/bin/linphonec"], why: "another phone, with G.729 and G.726" };
const SIPVICIOUS: Package =
    Package { name: "sipvicious", files: &["/usr/bin/svmap"], why: "scans the phone as attackers do" };
pub const DNSMASQ: Package = Package {
    name: "dnsmasq-base",
    files: &["/usr/sbin/dnsmasq"],
    why: "answers the phone's SRV and NAPTR questions, and gives it an address by DHCP",
};
pub const DHCLIENT: Package = Package {
    name: "isc-dhcp-client",
    files: &["/usr/sbin/dhclient", "/sbin/dhclient"],
    why: "gets a new phone its address, and writes the leases the phone reads",
};
pub const IPROUTE: Package = Package {
    name: "iproute2",
    files: &["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"],
    why: "each of these tests has a network of its own",
};
pub const MOSQUITTO: Package = Package {
    name: "mosquitto",
    files: &["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"],
    why: "the integration tests run phones through it as the external MQTT broker",
};
/// The file servers of the phone's tests, DHCP clients and a time server; see device-agent/tests/provision.
pub const FILE_SERVERS: [&Package; 7] = [&NGINX, &LIGHTTPD, &VSFTPD, &TFTPD, &DHCLIENT, &BUSYBOX, &CHRONY];
const CHRONY: Package = Package { name: "chrony", files: &["/usr/sbin/chronyd"], why: "tells the phone the time" };
const NGINX: Package = Package {
    name: "nginx-light",
    files: &["/usr/sbin/nginx"],
    why: "a web server the phone fetches its settings from",
};
const LIGHTTPD: Package =
    Package { name: "lighttpd", files: &["/usr/sbin/lighttpd"], why: "another one, which asks for Digest" };
const VSFTPD: Package = Package {
    name: "vsftpd",
    files: &["/usr/sbin/vsftpd"],
    why: "an FTP server, with TLS from the first byte as well",
};
const TFTPD: Package = Package { name: "tftpd-hpa", files: &["/usr/sbin/in.tftpd"], why: "a TFTP server" };
const BUSYBOX: Package =
    Package { name: "busybox", files: &["/usr/bin/busybox", "/bin/busybox"], why: "udhcpc, the other one that does" };
pub const XMLLINT: Package = Package {
    name: "libxml2-utils",
    files: &["/usr/bin/xmllint"],
    why: "checks our TR-069 messages against the Broadband Forum's schemas",
};
pub const POSTGRESQL: Package = Package {
    name: "postgresql",
    files: &["/usr/lib/postgresql"],
    why: "the integration tests run on it a second time, in a private cluster",
};
pub const CHROMIUM: Package = Package {
    name: "chromium",
    files: &["/usr/bin/chromium"],
    why: "the browser tests click through the application in it",
};
pub const CHROMEDRIVER: Package =
    Package { name: "chromium-driver", files: &["/usr/bin/chromedriver"], why: "steers Chromium in the browser tests" };
pub const FONTS: Package = Package {
    name: "fonts-dejavu-core",
    files: &["/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"],
    why: "Chromium cannot lay out text without a font",
};

/// As root. A `policy-rc.d` that says 101 keeps every installed daemon from starting; what stood there before comes back, also
/// after a run that was killed in between.
const INSTALL: &str = r#"
policy=/usr/sbin/policy-rc.d
saved=$policy.before-bellhop
restore() { rm -f "$policy"; if [ -e "$saved" ]; then mv "$saved" "$policy"; fi; }
if [ -e "$policy" ] && [ ! -e "$saved" ]; then mv "$policy" "$saved"; fi
trap restore EXIT
trap 'exit 130' INT TERM HUP
printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" || exit 1
export DEBIAN_FRONTEND=noninteractive
apt-get update -q && apt-get install -q -y --no-install-recommends "$@" || exit 1
# It takes the place of systemd's own time service, which a developer's machine may have had.
case " $* " in *" chrony "*) [ ! -d /run/systemd/system ] || systemctl start chrony ;; esac
"#;

fn missing<'a>(packages: &[&'a Package]) -> Vec<&'a Package> {
    let there = |package: &Package| package.files.iter().any(|file| std::path::Path::new(file).exists());
    packages.iter().copied().filter(|package| !there(package)).collect()
}

/// Installs what is missing, after saying so.
pub fn ensure(packages: &[&Package]) -> Result<()> {
    let missing_packages = missing(packages);
    if missing_packages.is_empty() {
        return Ok(());
    }
    println!("Debian packages that are missing:");
    for package in &missing_packages {
        println!("  {:<18} {}", package.name, package.why);
    }
    let names: Vec<&str> = missing_packages.iter().map(|package| package.name).collect();
    let by_hand = format!("apt-get update && apt-get install -y --no-install-recommends {}", names.join(" "));
    if procs::which("apt-get").is_none() {
        bail!("there is no apt-get here; install the equivalents of {} and start again", names.join(", "));
    }

    let root = nix::unistd::geteuid().is_root();
    let mut command = if root {
        Command::new("sh")
    } else if let Some(sudo) = procs::which("sudo") {
        println!("(sudo may ask for your password)");
        let mut command = Command::new(sudo);
        command.arg("sh");
        command
    } else {
        bail!("not root and there is no sudo. Run this as root, then start again:\n\n    {by_hand}\n");
    };
    command.args(["-c", INSTALL, "sh"]).args(&names);
    // sudo needs the terminal to ask, so that one stays in our process group.
    let installed =
        if root { procs::run(&mut command)? } else { command.status().context("cannot run sudo")?.success() };
    procs::go_on()?;
    let still: Vec<&str> = missing(packages).iter().map(|package| package.name).collect();
    if !installed || !still.is_empty() {
        bail!(
            "could not install {}. Run this as root to see why, then start again:\n\n    {by_hand}\n",
            names.join(", ")
        );
    }
    Ok(())
}
