//! What follows from a file that was handed over to its end, and from one that was not.

use super::record::{Fetched, FirstToken, Recorder};

/// Says to the recorder that a file was handed over ([`Handover::done`]). Dropped before, nothing was fetched, and a first
/// token that opened the file is given back.
pub struct Handover {
    recorder: Recorder,
    fetched: Option<Fetched>,
    first: Option<FirstToken>,
}

impl Handover {
    pub(super) fn new(recorder: &Recorder) -> Self {
        Self { recorder: recorder.clone(), fetched: None, first: None }
    }

    pub(super) fn first(mut self, token: FirstToken) -> Self {
        self.first = Some(token);
        self
    }

    pub(super) fn remembers(mut self, fetched: Fetched) -> Self {
        self.fetched = Some(fetched);
        self
    }

    /// Of a file for the first time.
    #[cfg(test)]
    pub(crate) fn of_token(recorder: &Recorder) -> Self {
        let agent = provisioning::agent::recognise("");
        let keys = super::record::Held {
            file_key: String::new(),
            older_keys: String::new(),
            key_at: 0,
            tag: String::new(),
            turn: 0,
        };
        let fetched = Fetched {
            phone: uuid::Uuid::nil(),
            at: 0,
            version: 1,
            address: String::new(),
            user_agent: String::new(),
            agent,
            keys,
            given: true,
            left_out: 0,
            name: String::new(),
            proved: true,
        };
        let token = FirstToken { phone: fetched.phone, sealed: String::new(), hash: "x".to_owned(), until: 1 };
        Self::new(recorder).first(token).remembers(fetched)
    }

    /// The file went out, all of it.
    pub fn done(mut self) {
        self.first = None;
        if let Some(fetched) = self.fetched.take() {
            self.recorder.fetched(fetched);
        }
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        if let Some(token) = self.first.take() {
            self.recorder.give_back(token);
        }
    }
}
