//! Files to the phone and from it, and what it says of them when it is not known how they stand.

use contract::rest::{Task, TaskResult, TransferView};
use cwmp::{Download, FaultCode, Message, ScheduleDownload, Secret, TimeWindow, TransferState, Upload};
use sea_orm::{ConnectionTrait, EntityTrait};

use super::tasks::{Job, TRANSFER_MS};
use super::{Reply, Step};
use crate::app::jobs::{Outcome, SENT};
use crate::app::session::work::{Doing, Lost};
use crate::app::{Result, files, heard};
use crate::clock::now_ms;
use crate::db::entity::file;

/// How long an address is good for beyond the time its transfer may begin, in milliseconds: a phone tries again.
const GOOD_MS: i64 = 24 * 3_600_000;

impl<C: ConnectionTrait> Step<'_, C> {
    /// Asks for the transfer.
    pub async fn transfer(&mut self, job: &Job) -> Result<Option<Message>> {
        let (phone, base) = (self.phone.id, self.state.base.clone());
        let until = |seconds: u32| now_ms() + i64::from(seconds) * 1000 + GOOD_MS;
        let request: Message = match &job.task {
            Task::Download(order) => {
                let (url, file_size) = match (order.file, &order.url) {
                    (Some(id), _) => {
                        let Some(row) = file::Entity::find_by_id(id.0).one(self.tx).await? else {
                            return self.gone(job).await;
                        };
                        let url = files::fetch_url(self.app, &base, phone, id, until(order.delay_seconds));
                        (url, u32::try_from(row.size).unwrap_or(0))
                    }
                    (None, url) => (url.clone().unwrap_or_default(), 0),
                };
                Download {
                    command_key: job.key(),
                    file_type: order.file_type.clone(),
                    url,
                    file_size,
                    target_file_name: order.target_file_name.clone(),
                    delay_seconds: order.delay_seconds,
                    username: String::new(),
                    password: Secret::default(),
                    success_url: String::new(),
                    failure_url: String::new(),
                }
                .into()
            }
            Task::ScheduleDownload { file_type, file: id, windows } => {
                let Some(row) = file::Entity::find_by_id(id.0).one(self.tx).await? else {
                    return self.gone(job).await;
                };
                let last = windows.iter().map(|window| window.end).max().unwrap_or(0);
                ScheduleDownload {
                    command_key: job.key(),
                    file_type: file_type.clone(),
                    url: files::fetch_url(self.app, &base, phone, *id, until(last)),
                    file_size: u32::try_from(row.size).unwrap_or(0),
                    time_windows: windows
                        .iter()
                        .map(|window| TimeWindow {
                            start: window.start,
                            end: window.end,
                            mode: window.mode.clone(),
                            user_message: window.user_message.clone(),
                            max_retries: window.max_retries,
                        })
                        .collect(),
                    username: String::new(),
                    password: Secret::default(),
                    target_file_name: String::new(),
                }
                .into()
            }
            Task::Upload { file_type, delay_seconds } => Upload {
                command_key: job.key(),
                file_type: file_type.clone(),
                url: files::send_url(self.app, &base, phone, job.row.id, until(*delay_seconds)),
                delay_seconds: *delay_seconds,
                username: String::new(),
                password: Secret::default(),
            }
            .into(),
            _ => return Ok(None),
        };
        self.order(job, request, Doing::Order { again: false }).await
    }

    async fn gone(&mut self, job: &Job) -> Result<Option<Message>> {
        let note = "The file was removed before the phone came for it. Choose another one.".to_owned();
        self.over(job, Outcome::Refused(note)).await
    }

    /// Asks what transfers the phone has. GetAllQueuedTransfers is the newer method, GetQueuedTransfers the older.
    pub async fn list_transfers(&mut self, job: &Job, all: bool, recover: Option<Lost>) -> Result<Option<Message>> {
        let request = if all { Message::GetAllQueuedTransfers } else { Message::GetQueuedTransfers };
        let step = if recover.is_some() { SENT } else { "" };
        self.send(job, step, request, Doing::Queue { all, recover }).await
    }

    pub async fn transfers_listed(
        &mut self,
        job: &Job,
        all: bool,
        recover: Option<Lost>,
        reply: Reply,
    ) -> Result<Option<Message>> {
        let transfers = match reply {
            Reply::Answer(Message::GetAllQueuedTransfersResponse(answer)) => answer
                .transfers
                .into_iter()
                .map(|one| TransferView {
                    command_key: one.command_key,
                    state: state(one.state),
                    download: Some(one.is_download),
                    file_type: one.file_type,
                    file_size: one.file_size,
                    target_file_name: one.target_file_name,
                })
                .collect(),
            Reply::Answer(Message::GetQueuedTransfersResponse(answer)) => answer
                .transfers
                .into_iter()
                .map(|one| TransferView {
                    command_key: one.command_key,
                    state: state(one.state),
                    download: None,
                    file_type: String::new(),
                    file_size: 0,
                    target_file_name: String::new(),
                })
                .collect(),
            Reply::Fault(fault) if fault.code == FaultCode::METHOD_NOT_SUPPORTED && all => {
                return self.list_transfers(job, false, recover).await;
            }
            Reply::Fault(fault) => {
                return match recover {
                    None => self.refuse(job, &fault).await,
                    Some(lost) => self.not_known(job, lost).await,
                };
            }
            Reply::Answer(_) | Reply::Unreadable(_) => Vec::new(),
        };
        self.listed(job, recover, transfers).await
    }

    async fn listed(
        &mut self,
        job: &Job,
        recover: Option<Lost>,
        transfers: Vec<TransferView>,
    ) -> Result<Option<Message>> {
        let there = transfers.iter().any(|one| one.command_key == job.row.command_key);
        match recover {
            None => self.result(job, TaskResult::Transfers { transfers }).await,
            Some(_) if there => self.wait(job, TRANSFER_MS, "The phone transfers the file.").await,
            Some(Lost::Order) => self.transfer(job).await,
            Some(Lost::End) => {
                let note = "The phone has no such transfer any more, and did not tell how it ended. Look at the phone, \
                            and try again if it is still wanted.";
                self.over(job, Outcome::Refused(note.to_owned())).await
            }
        }
    }

    /// The phone cannot say what transfers it has.
    async fn not_known(&mut self, job: &Job, lost: Lost) -> Result<Option<Message>> {
        if lost == Lost::Order && heard::is_ours(self.phone) {
            // Ours does nothing twice that has the same key.
            return self.transfer(job).await;
        }
        let note = "The connection broke off when the phone was asked, and it cannot say whether it heard it. Look at \
                    the phone, and try again if it is still wanted.";
        self.over(job, Outcome::Refused(note.to_owned())).await
    }
}

fn state(state: TransferState) -> String {
    match state {
        TransferState::NotStarted => "not-started",
        TransferState::InProgress => "in-progress",
        TransferState::Completed => "completed",
    }
    .to_owned()
}
