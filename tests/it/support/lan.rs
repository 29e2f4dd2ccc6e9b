//! A network of its own for one phone: a namespace with a cable to this machine, a DHCP server at this end (dnsmasq) and a
//! DHCP client at the other (dhclient). Needs root, and the Debian packages iproute2, dnsmasq-base and isc-dhcp-client.

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
    /// Both ends of DHCP.
    programs: Vec<Child>,
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
        let lan = Self { namespace, cable, here, programs: Vec::new() };
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
        self.programs.push(command.spawn().unwrap());
    }

    /// Has the phone's end ask for an address; what it is told is left in the file.
    pub async fn ask_dhcp(&mut self, folder: &Path, lease: &Path) {
        let (script, config, pid) =
            (folder.join("dhclient.sh"), folder.join("dhclient.conf"), folder.join("dhclient.pid"));
        let text = "#!/bin/sh\nPATH=$PATH:/usr/sbin:/sbin\n[ \"$reason\" = BOUND ] || exit 0\n\
                    ip address replace \"$new_ip_address/24\" dev \"$interface\"\n\
                    ip route replace default via \"$new_routers\"\n";
        std::fs::write(&script, text).unwrap();
        must("chmod", &["755", &script.display().to_string()]);
        let wanted = "subnet-mask, routers, tftp-server-name, ntp-servers, time-offset, vendor-encapsulated-options";
        std::fs::write(&config, format!("timeout 20;\nretry 1;\ninitial-interval 1;\nrequest {wanted};\n")).unwrap();
        // It takes the file that is there only.
        std::fs::write(lease, "").unwrap();
        let mut client = self.inside("dhclient");
        client
            .args(["-d", "-1", "-4", "-cf"])
            .arg(config)
            .arg("-lf")
            .arg(lease)
            .arg("-pf")
            .arg(pid)
            .arg("-sf")
            .arg(script);
        let log = std::fs::File::create(folder.join("dhclient.log")).unwrap();
        client.arg("eth0").stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.programs.push(client.spawn().unwrap());
        wait_true("the phone's end has a lease and its address", async || {
            let addresses = must("ip", &["-n", &self.namespace, "-4", "address", "show", "eth0"]).stdout;
            String::from_utf8_lossy(&addresses).contains("inet ")
                && std::fs::read_to_string(lease).is_ok_and(|text| text.contains("fixed-address"))
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
        for program in &mut self.programs {
            let _ = program.kill();
            let _ = program.wait();
        }
        // The cable goes with its other end.
        run("ip", &["netns", "delete", &self.namespace]);
        run("ip", &["link", "delete", &self.cable]);
    }
}
