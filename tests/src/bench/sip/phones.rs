//! Our phones on sockets, and the registrar they and baresip register with.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use phone_core::settings::calls::DialSource;
use phone_core::sip::call::CallId;
use phone_core::{Command, Input, Instant, IoOptions, PhoneEvent, PhoneHandle};
use tokio::net::UdpSocket;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use super::core::config;
use super::registrar::Registrar;

const LIMIT: Duration = Duration::from_secs(20);

/// Serves a registrar on `address` until its runtime ends.
///
/// # Errors
/// If the address is taken.
pub async fn serve_registrar(address: &str) -> Result<()> {
    let socket = Arc::new(UdpSocket::bind(address).await?);
    let start = std::time::Instant::now();
    tokio::spawn(async move {
        let (mut registrar, mut buffer) = (Registrar::new(3600), vec![0; 65_536]);
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let now = Instant::new(start.elapsed() + Duration::from_secs(1_000_000));
            if let Some(answer) = buffer.get(..length).and_then(|bytes| registrar.answer(now, from, bytes)) {
                let _ = socket.send_to(&answer, from).await;
            }
        }
    });
    Ok(())
}

/// One of our phones, registered.
pub struct Ours {
    phone: PhoneHandle,
    events: Receiver<PhoneEvent>,
}

impl Ours {
    /// On port 5060 of `bind`, registered with `server`.
    ///
    /// # Errors
    /// If it does not register.
    pub async fn start(number: u32, bind: IpAddr, server: &str, answers: bool) -> Result<Self> {
        let mut config = config(number, server);
        for account in &mut config.accounts {
            account.calls.auto_answer = answers;
        }
        let options = IoOptions { bind, ..IoOptions::default() };
        let (phone, events) = phone_core::spawn(config, options)?;
        let mut ours = Self { phone, events };
        ours.until(|event| matches!(event, PhoneEvent::Registered { .. }).then_some(()))
            .await
            .context("registering")?;
        Ok(ours)
    }

    /// Calls somebody and returns when he has answered.
    ///
    /// # Errors
    /// If he does not.
    pub async fn call(&mut self, number: &str) -> Result<CallId> {
        let dial = Command::Dial { account: 1, number: number.to_owned(), source: DialSource::Api };
        self.phone.input(Input::Command(dial)).await?;
        let answered = |event: &PhoneEvent| match event {
            PhoneEvent::EstablishedCall(info) => Some(Ok(info.call)),
            PhoneEvent::DialFailed { reason, .. } => Some(Err(reason.clone())),
            PhoneEvent::TerminatedCall { code, reason, .. } => Some(Err(format!("{code} {reason}"))),
            _ => None,
        };
        match self.until(answered).await? {
            Ok(call) => Ok(call),
            Err(reason) => bail!("the call failed: {reason}"),
        }
    }

    /// Hangs up and returns when the call is over.
    ///
    /// # Errors
    /// If it does not end.
    pub async fn hang_up(&mut self, call: CallId) -> Result<()> {
        self.phone.input(Input::Command(Command::HangUp(call))).await?;
        self.until(|event| matches!(event, PhoneEvent::TerminatedCall { .. }).then_some(())).await
    }

    /// Drops what it has told so far.
    pub fn forget(&mut self) {
        while self.events.try_recv().is_ok() {}
    }

    async fn until<T>(&mut self, wanted: impl Fn(&PhoneEvent) -> Option<T>) -> Result<T> {
        let wait = async {
            while let Some(event) = self.events.recv().await {
                if let Some(found) = wanted(&event) {
                    return Ok(found);
                }
            }
            bail!("the phone has stopped")
        };
        timeout(LIMIT, wait).await.context("the phone says nothing of it")?
    }
}
