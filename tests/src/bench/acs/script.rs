//! A session as it was recorded.

use serde::{Deserialize, Serialize};

use super::wire::Reply;

/// What phone and server said, turn by turn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Script {
    pub turns: Vec<Turn>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Turn {
    /// What the phone POSTs; `None`: its own Inform.
    pub body: Option<Vec<u8>>,
    pub answer: Answer,
}

/// What the server answered, for the baseline to answer the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn of(reply: &Reply<'_>) -> Self {
        let kept = ["content-type", "soapaction", "set-cookie"];
        let headers = kept.iter().filter_map(|name| Some(((*name).to_owned(), reply.header(name)?.to_owned())));
        Self { status: reply.status, headers: headers.collect(), body: reply.body.to_vec() }
    }
}

impl Script {
    /// The statuses, in order.
    pub fn statuses(&self) -> Vec<u16> {
        self.turns.iter().map(|turn| turn.answer.status).collect()
    }
}
