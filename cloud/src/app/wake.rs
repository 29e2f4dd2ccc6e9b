//! Waking a phone at a person's wish. How, is the waker's business.

use contract::PhoneId;
use contract::rest::{Enrolment, WakeResult};

use super::error::{conflict, not_found, too_many, unavailable};
use super::{Actor, App, Result, audit, phones, views};
use crate::clock::now_ms;

/// Between two wakes of one phone.
const BETWEEN_MS: i64 = 5_000;

/// Asks a phone to open a session now, and says what was tried.
pub async fn wake(app: &App, actor: &Actor, id: PhoneId) -> Result<WakeResult> {
    let phone = phones::find(app, id).await?.ok_or_else(|| not_found("phone"))?;
    if views::enrolment(&phone) == Enrolment::New {
        return Err(conflict("phone-new", "phone", "Nobody has accepted this phone yet; it is not called."));
    }
    let now = now_ms();
    if !app.used.first(&format!("wake {id}"), now + BETWEEN_MS, now) {
        return Err(too_many("This phone was woken a moment ago; wait 5 seconds."));
    }
    let write = app.db.write_beside().await?;
    audit::record(&write.tx, actor, "phone.wake", &id.to_string(), String::new()).await?;
    write.commit().await?;
    let woken = app.wake(id).await;
    woken.ok_or_else(|| unavailable("Phones cannot be woken now: too many wait already, or the server is stopping."))
}
