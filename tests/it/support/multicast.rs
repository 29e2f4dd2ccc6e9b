//! A LAN of a test's own.

use std::future::Future;
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, unshare};
use tokio::runtime::{Builder, Runtime};

/// A network namespace whose loopback is a LAN, 10.75.0.0/16 with multicast, and threads that live in it. Every address in it
/// is this machine's; nothing else can be reached. A socket stays in the network it was opened in, whoever uses it.
pub struct MulticastLan(Option<Runtime>);

impl MulticastLan {
    pub fn new() -> Self {
        let made = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap_or_else(|error| {
                panic!("no network of its own ({error}): run the tests as root, on a kernel with network namespaces")
            });
            for arguments in [
                "link set lo up multicast on",
                "addr add 10.75.0.1/16 dev lo",
                "addr add 10.75.0.2/32 dev lo",
                "route add 224.0.0.0/4 dev lo",
            ] {
                let run = Command::new("ip").args(arguments.split(' ')).output();
                let run = run.expect("the program ip is needed: apt-get install iproute2");
                assert!(run.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&run.stderr));
            }
            // Its threads are children of this one, and so in the same network.
            Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
        });
        Self(Some(made.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))))
    }

    /// Runs something in it.
    pub async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        self.0.as_ref().unwrap().spawn(work).await.unwrap()
    }
}

impl Drop for MulticastLan {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
