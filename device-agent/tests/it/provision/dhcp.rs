//! What dhclient and udhcpc really write when dnsmasq tells them. In networks of their own.

use std::process::{Child, Command, Stdio};

use device_agent::provision::lease::Lease;

use crate::support::until;

/// Two networks with a wire between them, and dnsmasq in the first.
struct Wire {
    name: String,
    /// Killed with it, however the test ends.
    programs: Vec<Child>,
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
    assert!(status.success(), "ip {arguments}: root is needed for networks of our own");
}

impl Wire {
    fn new(options: &[&str]) -> Self {
        let name = format!("bh{}", std::process::id());
        for side in ["a", "b"] {
            ip(&format!("netns add {name}{side}"));
        }
        ip(&format!("link add {name}v netns {name}a type veth peer name {name}w netns {name}b"));
        ip(&format!("-n {name}a addr add 10.77.0.1/24 dev {name}v"));
        ip(&format!("-n {name}a link set {name}v up"));
        ip(&format!("-n {name}b link set {name}w up"));
        let mut dnsmasq = Command::new("ip");
        dnsmasq.args([
            "netns",
            "exec",
            &format!("{name}a"),
            "dnsmasq",
            "--no-daemon",
            "--conf-file=/dev/null",
            "--port=0",
        ]);
        dnsmasq.args([
            &format!("--interface={name}v"),
            "--bind-interfaces",
            "--dhcp-leasefile=/dev/null",
            "--log-facility=-",
        ]);
        dnsmasq.arg("--dhcp-range=10.77.0.10,10.77.0.50,1h");
        dnsmasq.args(options.iter().map(|option| format!("--dhcp-option-force={option}")));
        let server = dnsmasq.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { name, programs: vec![server] }
    }

    /// A client's command in the second network.
    fn client(&self, command: &str) -> Command {
        let mut client = Command::new("ip");
        let (name, line) = (&self.name, command.replace("@IF@", &format!("{}w", self.name)));
        client.args(["netns", "exec", &format!("{name}b"), "sh", "-c", &line]);
        client.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        client
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for program in &mut self.programs {
            let _ = program.kill();
            let _ = program.wait();
        }
        for side in ["a", "b"] {
            let _ = Command::new("ip").args(["netns", "del", &format!("{}{side}", self.name)]).status();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_clients_write_what_dnsmasq_told_them() {
    let mut wire = Wire::new(&[
        "66,http://10.77.0.1/p",
        "42,10.77.0.1",
        "2,7200",
        "option:sip-server,10.77.0.1",
        "160,tftp://10.77.0.1/",
        "150,10.77.0.1",
        "encap:43,1,http://acs/",
    ]);
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(
        path("conf"),
        "request subnet-mask, time-offset, ntp-servers, tftp-server-name, vendor-encapsulated-options, unknown-120,\n\
         unknown-150, unknown-160;\n",
    )
    .unwrap();
    // dnsmasq may take a moment; the clients ask again.
    let lease = path("lease");
    // In the foreground: in the background it may not have written its number when its starter ends, and outlives the test.
    let line = format!("exec dhclient -d -1 -sf /bin/true -cf {} -lf {lease} -pf {} @IF@", path("conf"), path("pid"));
    let client = wire.client(&line).spawn().unwrap();
    wire.programs.push(client);
    let written = until("a lease", async || std::fs::read(&lease).ok().filter(|text| text.ends_with(b"}\n"))).await;
    if let Some(mut client) = wire.programs.pop() {
        client.kill().unwrap();
        client.wait().unwrap();
    }
    let expected = Lease {
        server: Some("http://10.77.0.1/p".into()),
        acs: Some("http://acs/".into()),
        sip: vec!["10.77.0.1".into()],
        ntp: vec!["10.77.0.1".into()],
        offset_s: Some(7200),
        option_150: Some("10.77.0.1".into()),
        option_160: Some("tftp://10.77.0.1/".into()),
        vendor_server: None,
    };
    assert_eq!(Lease::read(&written), expected);

    let script = path("script");
    std::fs::write(&script, format!("#!/bin/sh\nenv >{}.new && mv {0}.new {0}.$1\n", path("env"))).unwrap();
    let line = format!(
        "chmod +x {script} && busybox udhcpc -i @IF@ -n -q -f -t 10 -T 1 -s {script} -O 43 -O tftp -O ntpsrv -O timezone \
         -O sipsrv -O 150 -O 160"
    );
    assert!(wire.client(&line).status().unwrap().success(), "udhcpc");
    let bound = until("the script", async || std::fs::read(path("env.bound")).ok()).await;
    // An address in option 66 is spoilt by udhcpc itself.
    assert_eq!(Lease::read(&bound), Lease { server: None, ..expected });
}
