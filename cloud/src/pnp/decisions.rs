//! Decisions under way: many phones ask at once when power comes back, and the database may be slow to answer then. Nobody
//! waits for another phone's.

use std::future::{Future, pending};
use std::time::Duration;

use tokio::task::JoinSet;

/// At once.
const MOST: usize = 64;

/// What is decided: a URL, or nothing to say. `None`: it could not be decided.
pub type Decision = Option<Option<String>>;

/// Of phones named by `I`.
#[derive(Debug)]
pub struct Decisions<I> {
    longest: Duration,
    tasks: JoinSet<(I, Decision)>,
}

impl<I: Send + 'static> Decisions<I> {
    /// `longest`: how long one may take.
    pub fn new(longest: Duration) -> Self {
        Self { longest, tasks: JoinSet::new() }
    }

    /// Begins one. False: too many are under way.
    pub fn begin(&mut self, id: I, decision: impl Future<Output = Decision> + Send + 'static) -> bool {
        let room = self.tasks.len() < MOST;
        if room {
            let longest = self.longest;
            self.tasks.spawn(async move { (id, tokio::time::timeout(longest, decision).await.ok().flatten()) });
        }
        room
    }

    /// The next that is done. Nothing is lost where this is dropped.
    pub async fn next(&mut self) -> (I, Decision) {
        loop {
            match self.tasks.join_next().await {
                Some(Ok(done)) => return done,
                // The phone is forgotten in its time.
                Some(Err(error)) => tracing::error!(%error, "SIP PnP: a decision ended badly"),
                None => return pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_decision_holds_up_nobody() {
        let mut decisions = Decisions::new(Duration::MAX);
        assert!(decisions.begin(1, pending()));
        assert!(decisions.begin(2, async { Some(Some("http://h/".to_owned())) }));
        assert_eq!(decisions.next().await, (2, Some(Some("http://h/".to_owned()))));
        while decisions.begin(3, pending()) {}
        assert_eq!(decisions.tasks.len(), MOST);
    }

    #[tokio::test]
    async fn what_takes_too_long_could_not_be_decided() {
        let mut decisions = Decisions::new(Duration::ZERO);
        decisions.begin(1, pending());
        assert_eq!(decisions.next().await, (1, None));
        decisions.begin(2, async { Some(None) });
        assert_eq!(decisions.next().await, (2, Some(None)), "nothing to say is a decision");
    }
}
