//! The real-time thread of a phone. It sleeps while nothing sounds, and ends with its [`Handle`].

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::Instant;

use super::desk::Runner;
use super::engine::Engine;

#[derive(Default)]
struct Flags {
    /// Nothing sounds.
    idle: AtomicBool,
    /// The phone is gone.
    stop: AtomicBool,
}

/// Wakes the thread, lets it sleep, and ends it when dropped.
pub(in crate::io) struct Handle {
    flags: Arc<Flags>,
    thread: Thread,
}

impl Runner for Handle {
    fn start(make: impl FnOnce() -> Engine + Send + 'static) -> io::Result<Self> {
        let flags = Arc::new(Flags::default());
        let shared = flags.clone();
        let thread = thread::Builder::new().name("sound".to_owned()).spawn(move || {
            let start = Instant::now();
            let mut engine = make();
            while !shared.stop.load(Ordering::Acquire) {
                if shared.idle.load(Ordering::Acquire) && engine.is_quiet() {
                    thread::park();
                } else {
                    engine.block(start.elapsed());
                }
            }
        })?;
        Ok(Self { flags, thread: thread.thread().clone() })
    }

    fn sounds(&mut self, sounds: bool) {
        self.flags.idle.store(!sounds, Ordering::Release);
        self.thread.unpark();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.flags.stop.store(true, Ordering::Release);
        self.thread.unpark();
    }
}
