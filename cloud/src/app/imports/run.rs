//! Applying an import: some rows at a time, each lot one transaction, so that the server goes on meanwhile and a crash
//! loses nothing. What is left is found anew each time by holding all rows against what is there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use contract::PhoneId;
use contract::rest::{ImportCounts, ImportState};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::brief::Brief;
use super::carry;
use super::stored::{self, Content};
use crate::app::error::conflict;
use crate::app::{Actor, App, Result, audit};
use crate::clock::now_ms;
use crate::db::entity::import;
use crate::domain::import::plan::{Step, lot};

/// Rows of one transaction; more only where rooms change accounts or extensions with each other.
const LOT: usize = 500;
/// Names of accounts in one line of the audit.
const NAMED: usize = 20;
/// How long after its last lot an import is taken for abandoned.
const LEASE_MS: i64 = 15_000;
/// The same after its last sign of life, while another system is read.
pub const READING_MS: i64 = 30_000;
/// How often there is one, however long the other system lets us wait.
const BEAT: Duration = Duration::from_secs(5);
/// The fence of an import that is made with somebody at work on it.
pub const FIRST: i64 = 1;

/// The right to work on an import. Whoever has an older one can write no more.
pub struct Claim {
    import: Uuid,
    fence: i64,
    actor: Actor,
}

impl Claim {
    /// Takes an import that nobody works on, from its beginning.
    pub async fn take(
        tx: &impl ConnectionTrait,
        row: &import::Model,
        actor: &Actor,
        skip_errors: bool,
    ) -> Result<Self> {
        let update = import::Entity::update_many()
            .col_expr(import::Column::State, Expr::value(ImportState::Applying.as_str()))
            .col_expr(import::Column::Note, Expr::value(""))
            .col_expr(import::Column::Report, Expr::value(row.report.clone()))
            .col_expr(import::Column::Shown, Expr::value(row.shown.clone()))
            .col_expr(import::Column::Counts, Expr::value(serde_json::to_string(&ImportCounts::default())?))
            .col_expr(import::Column::RowsDone, Expr::value(0))
            .col_expr(import::Column::SkipErrors, Expr::value(skip_errors))
            .col_expr(import::Column::AppliedBy, Expr::value(actor.0.clone()));
        Self::by(tx, update, (row.id, row.fence), actor).await?.ok_or_else(|| {
            conflict(
                "import-running",
                "import",
                "Somebody else has just begun to apply it, or has changed its columns. Look at it again.",
            )
        })
    }

    async fn by(
        tx: &impl ConnectionTrait,
        update: sea_orm::UpdateMany<import::Entity>,
        (import, fence): (Uuid, i64),
        actor: &Actor,
    ) -> Result<Option<Self>> {
        let taken = update
            .col_expr(import::Column::Fence, Expr::col(import::Column::Fence).add(1))
            .col_expr(import::Column::LeaseUntil, Expr::value(now_ms() + LEASE_MS))
            .filter(import::Column::Id.eq(import))
            .filter(import::Column::Fence.eq(fence))
            .exec(tx)
            .await?;
        let claim = Self { import, fence: fence + 1, actor: actor.clone() };
        Ok((taken.rows_affected == 1).then_some(claim))
    }

    /// The first claim of an import that was just made.
    pub fn first(import: Uuid, actor: &Actor) -> Self {
        Self { import, fence: FIRST, actor: actor.clone() }
    }

    /// Says how far reading is.
    pub async fn read(&self, app: &App, done: usize, total: usize) -> Result<()> {
        let update = import::Entity::update_many()
            .col_expr(import::Column::RowsDone, Expr::value(done as i32))
            .col_expr(import::Column::RowsTotal, Expr::value(total as i32));
        self.own(app, update).await.map(drop)
    }

    /// Keeps the import while it is read. Ends when it is not ours any more: removed, or taken for abandoned.
    pub async fn held(&self, app: &App) {
        loop {
            tokio::time::sleep(BEAT).await;
            let update =
                import::Entity::update_many().col_expr(import::Column::LeaseUntil, Expr::value(now_ms() + READING_MS));
            match self.own(app, update).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::warn!(%error, "cannot say that a GDMS account is still being read"),
            }
        }
    }

    /// Changes the import. False: it is not ours any more.
    async fn own(&self, app: &App, update: sea_orm::UpdateMany<import::Entity>) -> Result<bool> {
        let write = app.db.write_beside().await?;
        let mine = update.filter(import::Column::Id.eq(self.import)).filter(import::Column::Fence.eq(self.fence));
        let moved = mine.exec(&write.tx).await?;
        write.commit().await?;
        Ok(moved.rows_affected == 1)
    }

    /// Puts in what was read and tried.
    pub async fn ready(&self, app: &App, row: import::Model) -> Result<()> {
        let update = import::Entity::update_many()
            .col_expr(import::Column::State, Expr::value(ImportState::Ready.as_str()))
            .col_expr(import::Column::Mapping, Expr::value(row.mapping))
            .col_expr(import::Column::Content, Expr::value(row.content))
            .col_expr(import::Column::Report, Expr::value(row.report))
            .col_expr(import::Column::Shown, Expr::value(row.shown))
            .col_expr(import::Column::Counts, Expr::value(row.counts))
            .col_expr(import::Column::RowsTotal, Expr::value(row.rows_total))
            .col_expr(import::Column::RowsDone, Expr::value(0))
            .col_expr(import::Column::LeaseUntil, Expr::value(0_i64));
        self.own(app, update).await.map(drop)
    }

    /// Works on it beside everything else.
    pub fn start(self, app: Arc<App>) {
        tokio::spawn(async move {
            let Err(error) = self.work(&app).await else { return };
            tracing::error!(import = %self.import, error = format!("{error:#}"), "an import broke off");
            let note = "It broke off on our side. What was done stays: apply it again, and look at the server's log.";
            if let Err(error) = self.fail(&app, note).await {
                tracing::error!(import = %self.import, %error, "cannot say that an import broke off");
            }
        });
    }

    /// Says that it cannot go on.
    pub async fn fail(&self, app: &App, note: &str) -> Result<()> {
        let write = app.db.write_beside().await?;
        self.end(&write.tx, ImportState::Failed, note, None).await?;
        write.commit().await?;
        Ok(())
    }

    async fn work(&self, app: &Arc<App>) -> Result<()> {
        let row = stored::find(app.db.read(), contract::ImportId(self.import)).await?;
        let content = Content::new(stored::open(app, &row.content)?, &stored::choices(&row)?)?;
        let mut done = stored::counts(&row.counts);
        let mut position = usize::try_from(row.rows_done).unwrap_or_default();
        let mut lease = 1;
        loop {
            let write = app.db.write().await?;
            let tx = &write.tx;
            let (known, plan) = content.plan(app, tx, row.property_id).await?;
            let left: Vec<Step> = plan.steps.into_iter().filter(|step| step.at >= position).collect();
            let (lot, is_more) = lot(&known, &left, LOT);
            let times = lot.len().div_ceil(LOT) as i64;
            if times > lease {
                // A long one: whoever looks meanwhile does not take it for abandoned.
                lease = times;
                if !self.progress(tx, position, &done, lease).await? {
                    return Ok(());
                }
                write.commit().await?;
                continue;
            }
            let mut jobs = Vec::new();
            // Rows of further on came with these.
            if let Some(last) = left.iter().take(LOT).next_back().map(|step| step.at) {
                let (lot_counts, made) = carry::steps(app, tx, &self.actor, &known, &lot, &row).await?;
                add(&mut done, &lot_counts);
                (position, jobs) = (last + 1, made);
                let line = content.wanted.get(last).map_or(0, |row| row.line);
                let accounts = of_accounts(&lot, &lot_counts);
                let detail = format!("{}: {} rows up to line {line}{accounts}", row.name, lot.len());
                audit::record(tx, &self.actor, "import.rows", &row.property_id.to_string(), detail).await?;
            }
            lease = 1;
            let ours = match is_more {
                true => self.progress(tx, position, &done, lease).await?,
                false => self.done(tx, content.wanted.len() as u32, plan.counts.refused, &mut done).await?,
            };
            if !ours {
                // Somebody else took it over, or it was removed: this lot is theirs.
                return Ok(());
            }
            write.commit().await?;
            app.live.wake();
            app.nudge(jobs.iter().map(|job| PhoneId(job.phone_id)));
            if !is_more {
                return Ok(());
            }
        }
    }

    /// Ends it, with what was done and what became of the other rows. False: it is not ours any more.
    async fn done(&self, tx: &impl ConnectionTrait, total: u32, refused: u32, done: &mut ImportCounts) -> Result<bool> {
        done.refused = refused;
        done.same = total.saturating_sub(done.make + done.change + refused);
        let note = match (done.make + done.change, refused) {
            (0, 0) => "Nothing to do: everything is so already.".to_owned(),
            (0, refused) => format!("Nothing was done: {refused} rows have errors, all others are so already."),
            (_, 0) => String::new(),
            (_, refused) => format!("{refused} rows have errors and were left out."),
        };
        self.end(tx, ImportState::Done, &note, Some(done)).await
    }

    /// The next lot may take `times` the lease. False: it is not ours any more.
    async fn progress(
        &self,
        tx: &impl ConnectionTrait,
        rows: usize,
        counts: &ImportCounts,
        times: i64,
    ) -> Result<bool> {
        let moved = import::Entity::update_many()
            .col_expr(import::Column::RowsDone, Expr::value(rows as i32))
            .col_expr(import::Column::Counts, Expr::value(serde_json::to_string(counts)?))
            .col_expr(import::Column::LeaseUntil, Expr::value(now_ms() + times * LEASE_MS))
            .filter(import::Column::Id.eq(self.import))
            .filter(import::Column::Fence.eq(self.fence))
            .exec(tx)
            .await?;
        Ok(moved.rows_affected == 1)
    }

    /// False: it is not ours any more.
    async fn end(
        &self,
        tx: &impl ConnectionTrait,
        state: ImportState,
        note: &str,
        counts: Option<&ImportCounts>,
    ) -> Result<bool> {
        let mut update = import::Entity::update_many()
            .col_expr(import::Column::State, Expr::value(state.as_str()))
            .col_expr(import::Column::Note, Expr::value(note))
            .col_expr(import::Column::LeaseUntil, Expr::value(0_i64))
            .col_expr(import::Column::DoneAt, Expr::value(now_ms()));
        if let Some(counts) = counts {
            update = update
                .col_expr(import::Column::Counts, Expr::value(serde_json::to_string(counts)?))
                .col_expr(import::Column::RowsDone, Expr::col(import::Column::RowsTotal));
        }
        let mine = update.filter(import::Column::Id.eq(self.import)).filter(import::Column::Fence.eq(self.fence));
        Ok(mine.exec(tx).await?.rows_affected == 1)
    }
}

/// What a lot did to SIP accounts, for the audit: which were changed, and which have a new password.
fn of_accounts(lot: &[Step], counts: &ImportCounts) -> String {
    if counts.accounts_made + counts.accounts_changed + counts.accounts_given == 0 {
        return String::new();
    }
    let mut changed: BTreeMap<&str, bool> = BTreeMap::new();
    for step in lot.iter().filter_map(|step| step.account.as_ref()).filter(|step| step.id.is_some() && step.changes()) {
        *changed.entry(&step.user).or_default() |= step.password.is_some();
    }
    let more = if changed.len() > NAMED { " and others" } else { "" };
    let word =
        |(user, password): (&str, bool)| if password { format!("{user} (new password)") } else { user.to_owned() };
    let names: Vec<String> = changed.into_iter().take(NAMED).map(word).collect();
    let names = if names.is_empty() { String::new() } else { format!(" ({}{more})", names.join(", ")) };
    format!(
        "; SIP accounts: {} made, {} changed{names}, {} given to rooms",
        counts.accounts_made, counts.accounts_changed, counts.accounts_given
    )
}

fn add(done: &mut ImportCounts, more: &ImportCounts) {
    done.make += more.make;
    done.change += more.change;
    done.buildings_made += more.buildings_made;
    done.floors_made += more.floors_made;
    done.rooms_made += more.rooms_made;
    done.rooms_changed += more.rooms_changed;
    done.phones_made += more.phones_made;
    done.phones_changed += more.phones_changed;
    done.values_set += more.values_set;
    done.accounts_made += more.accounts_made;
    done.accounts_changed += more.accounts_changed;
    done.accounts_given += more.accounts_given;
}

/// Goes on with imports whose process ended.
pub async fn resume(app: &Arc<App>) -> Result<()> {
    let abandoned = import::Entity::find()
        .filter(import::Column::State.is_in(super::WORKED_ON))
        .filter(import::Column::LeaseUntil.lt(now_ms()))
        .into_partial_model::<Brief>()
        .all(app.db.read())
        .await?;
    for row in abandoned {
        let actor = Actor(row.applied_by);
        let write = app.db.write_beside().await?;
        let at = (row.id, row.fence);
        // Waited for the turn to write, whoever works on it may have said that he still does.
        let over = import::Entity::update_many().filter(import::Column::LeaseUntil.lt(now_ms()));
        let Some(claim) = Claim::by(&write.tx, over, at, &actor).await? else { continue };
        write.commit().await?;
        match stored::state(&row.state) {
            ImportState::Applying => claim.start(app.clone()),
            // What signs in to the other system was never stored.
            _ => claim.fail(app, "The server was restarted while it was read. Begin again.").await?,
        }
    }
    Ok(())
}
