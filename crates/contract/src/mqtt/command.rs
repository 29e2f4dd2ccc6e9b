//! What the server asks of a connected phone beside its settings, and what comes of it.

use serde::{Deserialize, Serialize};

use super::{check_number, check_text};
use crate::Timestamp;
use crate::rest::{ClaimReason, ClaimState, PingRequest, TaskResult, ThroughputRequest, TraceRequest};

/// Something to do once. `id` names it for ever, in TR-069 as well (CommandKey): a phone remembers the last 256 with what
/// came of them, and answers a repeated one with that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// 1 to 32 of `A-Z a-z 0-9 - _ . :`; see [`crate::rest::command_key`].
    pub id: String,
    /// Not to be begun after this, by the phone's clock.
    pub expires_at: Timestamp,
    pub action: Action,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Action {
    Reboot,
    /// Open a CWMP session.
    Inform,
    Ping(PingRequest),
    Traceroute(TraceRequest),
    Throughput(ThroughputRequest),
    /// Send the log by HTTP PUT.
    UploadLog {
        url: String,
    },
    /// What became of a room number or a wish for an extension that was dialled at the phone. It is said there.
    Claim {
        /// The room number that was dialled; empty for an extension.
        number: String,
        state: ClaimState,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<ClaimReason>,
    },
}

/// A file to fetch. What comes of it is told as a command's result, under the same id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileOffer {
    /// As [`Command::id`].
    pub id: String,
    /// Not to be begun after this, by the phone's clock.
    pub expires_at: Timestamp,
    pub kind: FileKind,
    pub url: String,
    /// Bytes.
    pub size: u64,
    /// Of the whole file, 64 hexadecimal digits.
    pub sha256: String,
    /// What the file is a version of; a phone that has it need not fetch it.
    pub version: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    Firmware,
    Configuration,
    Ringtone,
}

/// What came of a command or a file offer, or that it goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandResult {
    pub boot: u32,
    /// Counts together with the events of this boot.
    pub seq: u64,
    /// The command's.
    pub id: String,
    pub at: Timestamp,
    pub state: CommandState,
    /// Why it failed, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// What was found, where there is something to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<TaskResult>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandState {
    /// Begun; another result follows, unless the phone loses its power.
    Running,
    Done,
    Failed,
}

impl CommandState {
    /// Whether nothing follows.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Running)
    }
}

impl Command {
    /// Says what is wrong with a command that decoded but cannot be carried out.
    pub fn check(&self) -> Result<(), String> {
        check_id(&self.id)?;
        match &self.action {
            Action::Reboot | Action::Inform => Ok(()),
            Action::Ping(PingRequest { host, .. }) | Action::Traceroute(TraceRequest { host, .. }) => {
                check_text("host", host)
            }
            Action::Claim { number, .. } => check_text("number", number),
            Action::Throughput(ThroughputRequest { url, .. }) | Action::UploadLog { url } => check_text("url", url),
        }
    }
}

impl FileOffer {
    /// Says what is wrong with an offer that decoded but cannot be taken.
    pub fn check(&self) -> Result<(), String> {
        check_id(&self.id)?;
        check_text("url", &self.url)?;
        check_text("version", &self.version)?;
        if self.sha256.len() != 64 || !self.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("sha256 is not 64 hexadecimal digits".to_owned());
        }
        Ok(())
    }
}

impl CommandResult {
    /// As JSON.
    pub const MOST_BYTES: usize = 32 * 1024;

    /// Says what is wrong with a result that decoded but cannot be true.
    pub fn check(&self) -> Result<(), String> {
        check_number(self.boot, self.seq)?;
        check_id(&self.id)?;
        check_text("fault", self.fault.as_deref().unwrap_or_default())
    }
}

fn check_id(id: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    if id.is_empty() || id.len() > 32 || !id.bytes().all(allowed) {
        return Err("id is not 1 to 32 letters, digits, -, _, . or :".to_owned());
    }
    Ok(())
}
