//! A network of its own for one phone: a namespace with a cable to this machine, a DHCP server at this end (dnsmasq) and a
//! DHCP client at the other (udhcpc of busybox). Needs root, iproute2, dnsmasq-base and busybox.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use contract::Mac;

use super::wait_true;

/// The network; gone with this value.
pub struct Lan {
    namespace: String,
    cable: String,
    /// This machine in it.
    pub here: Ipv4Addr,
    dhcp: Option<Child>,
}

fn run(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    output.unwrap_or_else(|error| panic!("cannot run {program}: {error}"))
}

#[track_caller]
fn must(program: &str, arguments: &[&str]) -> Output {
    let output = run(program, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    output
}

impl Lan {
    /// Lays the cable; the phone's end has this MAC address and no IP address. `None`, with a word about it, where this
    /// machine lets nobody make networks.
    pub fn new(mac: Mac) -> Option<Self> {
        let id = std::process::id();
        let namespace = format!("bellhop-{id}");
        let made = run("ip", &["netns", "add", &namespace]);
        if !made.status.success() {
            let why = String::from_utf8_lossy(&made.stderr);
            eprintln!("skipped: a network namespace cannot be made here (root is needed): {}", why.trim());
            return None;
        }
        let cable = format!("bh{id}");
        let here = Ipv4Addr::new(10, 200 + (id / 200 % 50) as u8, (id % 200) as u8 + 1, 1);
        let lan = Self { namespace, cable, here, dhcp: None };
        let (namespace, cable) = (lan.namespace.as_str(), lan.cable.as_str());
        must("ip", &["link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace]);
        must("ip", &["address", "add", &format!("{here}/24"), "dev", cable]);
        must("ip", &["link", "set", cable, "up"]);
        must("ip", &["-n", namespace, "link", "set", "eth0", "address", &mac.to_string()]);
        must("ip", &["-n", namespace, "link", "set", "lo", "up"]);
        must("ip", &["-n", namespace, "link", "set", "eth0", "up"]);
        Some(lan)
    }

    /// Starts the DHCP server with these options, as dnsmasq writes them: `66,http://…`.
    pub fn serve_dhcp(&mut self, folder: &Path, options: &[String]) {
        let [a, b, c, _] = self.here.octets();
        let mut command = Command::new("dnsmasq");
        command
            .args(["--no-daemon", "--conf-file=/dev/null", "--port=0", "--bind-interfaces", "--except-interface=lo"])
            .args(["--user=root", "--dhcp-authoritative", "--pid-file=", "--no-ping"])
            .arg(format!("--interface={}", self.cable))
            .arg(format!("--dhcp-range={a}.{b}.{c}.50,{a}.{b}.{c}.59,255.255.255.0,1h"))
            .arg(format!("--dhcp-leasefile={}", folder.join("dnsmasq.leases").display()))
            .args(options.iter().map(|option| format!("--dhcp-option-force={option}")));
        let log = std::fs::File::create(folder.join("dnsmasq.log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.dhcp = Some(command.spawn().unwrap());
    }

    /// Has the phone's end ask for an address; what it is told is left in the file.
    pub async fn ask_dhcp(&self, folder: &Path, lease: &Path) {
        let script = folder.join("udhcpc.sh");
        let text = format!(
            "#!/bin/sh\nPATH=$PATH:/usr/sbin:/sbin\n[ \"$1\" = bound ] || exit 0\n\
             ip address replace \"$ip/$mask\" dev \"$interface\"\n\
             [ -z \"$router\" ] || ip route replace default via \"$router\"\n\
             env >'{lease}.new' && mv '{lease}.new' '{lease}'\n",
            lease = lease.display()
        );
        std::fs::write(&script, text).unwrap();
        must("chmod", &["755", &script.display().to_string()]);
        wait_true("the phone's end has an address", async || {
            let mut client = self.inside("busybox");
            client.args(["udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", "5", "-T", "1", "-s"]).arg(&script);
            for option in ["tftp", "ntpsrv", "timezone", "sipsrv", "43"] {
                client.args(["-O", option]);
            }
            let client = client.stdin(Stdio::null()).output();
            client.is_ok_and(|output| output.status.success()) && lease.is_file()
        })
        .await;
    }

    /// A program at the phone's end.
    pub fn inside(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace]).arg(program);
        command
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        if let Some(mut dhcp) = self.dhcp.take() {
            let _ = dhcp.kill();
            let _ = dhcp.wait();
        }
        // The cable goes with its other end.
        run("ip", &["netns", "delete", &self.namespace]);
        run("ip", &["link", "delete", &self.cable]);
    }
}
