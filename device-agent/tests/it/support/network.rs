//! A network of a test's own.

use std::future::Future;
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, unshare};

/// Runs a test in a network namespace of its own, whose loopback is a LAN: 10.75.0.0/16, with multicast. Every address in it
/// is this machine's.
pub fn in_own_network<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    apart(&["link set lo up multicast on", "addr add 10.75.0.1/16 dev lo", "addr add 10.75.0.2/32 dev lo"], test);
}

fn apart<F: Future<Output = ()>>(links: &'static [&'static str], test: impl FnOnce() -> F + Send + 'static) {
    let outcome = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).unwrap_or_else(|error| {
            panic!("no network of its own ({error}): run the tests as root, on a kernel with network namespaces")
        });
        links.iter().for_each(|arguments| ip(arguments));
        // Its threads are children of this one, and so in the same network.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(test());
    });
    if let Err(panic) = outcome.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Runs a test in a network namespace of its own with an interface beside loopback, `lan0`, which is up and has no address
/// yet. There is no route to anywhere.
pub fn in_own_lan<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    apart(&["link set lo up", "link add lan0 type veth peer name lan1", "link set lan0 up", "link set lan1 up"], test);
}

/// The program ip, with these words.
pub fn ip(arguments: &str) {
    let run = Command::new("ip").args(arguments.split(' ')).output();
    let run = run.expect("the program ip is needed: apt-get install iproute2");
    assert!(run.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&run.stderr));
}
