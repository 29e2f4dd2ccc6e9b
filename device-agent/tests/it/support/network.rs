//! A network of a test's own.

use std::future::Future;
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, unshare};

/// Runs a test in a network namespace of its own, whose loopback is a LAN: 10.75.0.0/16, with multicast. Every address in it
/// is this machine's.
pub fn in_own_network<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let outcome = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).unwrap_or_else(|error| {
            panic!("no network of its own ({error}): run the tests as root, on a kernel with network namespaces")
        });
        for arguments in ["link set lo up multicast on", "addr add 10.75.0.1/16 dev lo", "addr add 10.75.0.2/32 dev lo"]
        {
            let run = Command::new("ip").args(arguments.split(' ')).output();
            let run = run.expect("the program ip is needed: apt-get install iproute2");
            assert!(run.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&run.stderr));
        }
        // Its threads are children of this one, and so in the same network.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(test());
    });
    if let Err(panic) = outcome.join() {
        std::panic::resume_unwind(panic);
    }
}
