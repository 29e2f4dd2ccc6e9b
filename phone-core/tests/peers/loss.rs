//! Loss in the network of a test, by nftables.

use std::process::Command;

/// Of the UDP packets sent from these ports (`41000-41099`) drops so many percent, by chance. Only in a namespace.
pub fn lose(percent: u32, ports: &str) {
    let rules = format!(
        "table inet loss {{ chain out {{ type filter hook output priority 0; \
         udp sport {{ {ports} }} numgen random mod 100 < {percent} counter drop; }}; }}"
    );
    let set = Command::new("nft").arg(&rules).output().unwrap();
    assert!(set.status.success(), "{rules}: {}", String::from_utf8_lossy(&set.stderr));
}

/// Packets dropped so far.
pub fn lost() -> u32 {
    let told = Command::new("nft").args(["list", "table", "inet", "loss"]).output().unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let count = told.split("counter packets ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    count.unwrap_or_else(|| panic!("no counter in {told}"))
}
