//! Taking change sets back, each by a new one, and what that would do.

use contract::ChangeSetId;
use contract::rest::{Accepted, Preview, Undo};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::change::{Edit, New, Now, Purpose, apply, now_set, said};
use super::history::find;
use super::preview::of_edits;
use super::{Scope, locks};
use crate::app::error::{conflict, not_found};
use crate::app::idempotency::Once;
use crate::app::{Actor, App, Result, views};
use crate::db::entity::{change_set, change_set_value};

/// So far back it is noted what an undo of an undo of an undo means.
const CHAIN: usize = 100;

/// Takes a change set back by a new one. Taken back already, it stays so.
pub async fn undo(app: &App, actor: &Actor, once: &Once, id: ChangeSetId, wanted: Undo) -> Result<Accepted> {
    said("comment", &wanted.comment)?;
    let write = app.db.write().await?;
    let tx = &write.tx;
    if let Some(answer) = once.replay(tx).await? {
        return Ok(answer);
    }
    let set = find(tx, id).await?;
    if let Some(by) = set.undone_by {
        let mut answer = views::accepted_many(&[]);
        answer.change_set = Some(ChangeSetId(by));
        return Ok(answer);
    }
    let (scope, edits, _) = edits(app, tx, &set, wanted.force).await?;
    let purpose = Purpose { comment: wanted.comment.trim().to_owned(), undoes: Some(set.id), ..Purpose::default() };
    let answer = apply(app, tx, actor, scope, edits, purpose).await?;
    if let Some(by) = answer.accepted.change_set {
        taken_back(tx, set, by.0).await?;
    }
    once.keep(tx, &answer.accepted).await?;
    write.commit().await?;
    answer.tell(app);
    Ok(answer.accepted)
}

/// What [`undo`] would do, with its locks and secrets, and refused where it is.
pub async fn preview_undo(app: &App, id: ChangeSetId, wanted: Undo) -> Result<Preview> {
    said("comment", &wanted.comment)?;
    let db = app.db.read();
    let set = find(db, id).await?;
    let (scope, edits, now) = match set.undone_by {
        Some(_) => (scope_of(db, &set).await?, Vec::new(), Now::new()),
        None => edits(app, db, &set, wanted.force).await?,
    };
    of_edits(app, scope, edits, now).await
}

async fn scope_of(tx: &impl ConnectionTrait, set: &change_set::Model) -> Result<Scope> {
    let scope = Scope::of(&set.layer, set.scope_id).ok_or_else(|| not_found("layer"))?;
    locks::exists(tx, scope).await?;
    Ok(scope)
}

/// The values before a change set, as changes of its layer, and what that has now. Refused (409, `changed-since`) where they were changed again,
/// unless it is forced.
async fn edits(
    app: &App,
    tx: &impl ConnectionTrait,
    set: &change_set::Model,
    force: bool,
) -> Result<(Scope, Vec<Edit>, Now)> {
    let scope = scope_of(tx, set).await?;
    let query = change_set_value::Entity::find().filter(change_set_value::Column::ChangeSetId.eq(set.id));
    let values = query.order_by_asc(change_set_value::Column::Key).all(tx).await?;
    let open = |key: &str, value: Option<&String>, locked: bool, reason: &str| -> Result<Option<New>> {
        let Some(value) = value else { return Ok(None) };
        let text = app.secrets.open_setting(key, value)?.into_owned();
        Ok(Some(New { text, locked, reason: reason.to_owned() }))
    };
    let (mut edits, mut made) = (Vec::new(), Vec::new());
    for row in &values {
        let value = open(&row.key, row.old_value.as_ref(), row.old_locked, &row.old_reason)?;
        edits.push(Edit { key: row.key.clone(), value });
        made.push(open(&row.key, row.new_value.as_ref(), row.new_locked, &row.new_reason)?);
    }
    let now = now_set(app, tx, scope, &edits).await?;
    let since: Vec<&str> = edits
        .iter()
        .zip(&made)
        .filter(|(edit, made)| {
            let now = now.get(&edit.key).map(|(new, _)| new);
            now != made.as_ref() && now != edit.value.as_ref()
        })
        .map(|(edit, _)| edit.key.as_str())
        .collect();
    if !since.is_empty() && !force {
        let detail = format!("Changed again since: {}. Undo the newer change first, or force it.", since.join(", "));
        return Err(conflict("changed-since", "force", detail));
    }
    Ok((scope, edits, now))
}

/// Notes that `set` is taken back by `by`. What `set` had taken back is in force again; what that had taken back is not, and
/// so on.
async fn taken_back(tx: &impl ConnectionTrait, set: change_set::Model, by: Uuid) -> Result<()> {
    mark(tx, set.id, None, Some(by)).await?;
    let (mut newer, mut older, mut in_force) = (set.id, set.undoes, true);
    for _ in 0..CHAIN {
        let Some(id) = older else { break };
        let Some(row) = change_set::Entity::find_by_id(id).one(tx).await? else { break };
        match in_force {
            true => mark(tx, id, Some(newer), None).await?,
            false => mark(tx, id, None, Some(newer)).await?,
        }
        (newer, older, in_force) = (id, row.undoes, !in_force);
    }
    Ok(())
}

/// Who took it back, where that is noted as `from` so far: others may have done so since.
async fn mark(tx: &impl ConnectionTrait, id: Uuid, from: Option<Uuid>, to: Option<Uuid>) -> Result<()> {
    let column = change_set::Column::UndoneBy;
    change_set::Entity::update_many()
        .col_expr(column, Expr::value(to))
        .filter(change_set::Column::Id.eq(id))
        .filter(from.map_or_else(|| column.is_null(), |from| column.eq(from)))
        .exec(tx)
        .await?;
    Ok(())
}
