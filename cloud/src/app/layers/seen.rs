//! What whoever changes a layer has seen of it: nobody takes away unseen what somebody else has set meanwhile.

use std::collections::BTreeMap;

use contract::Timestamp;
use contract::rest::LayerChange;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::Scope;
use super::change::{Edit, Now};
use crate::app::Result;
use crate::app::error::{conflict, invalid};
use crate::db::entity::{change_set, change_set_value};
use crate::domain::catalogue;

/// When each key was changed last, as far as was seen; `None`: nothing was set.
pub type Seen = BTreeMap<String, Option<Timestamp>>;

/// What a request says it has seen of the keys it changes.
pub fn of(wanted: &LayerChange, edits: &[Edit]) -> Result<Seen> {
    let mut seen = Seen::new();
    for (key, at) in &wanted.expected {
        let known = catalogue::find(key).map_or_else(|| key.clone(), |found| found.key());
        if !edits.iter().any(|edit| edit.key == known) {
            return Err(invalid("expected", format!("{key}: it is none of the values of this change. Leave it out.")));
        }
        seen.insert(known, *at);
    }
    Ok(seen)
}

/// Refuses (409, `changed-since`) where a layer's values were changed since. What is by now as it is wanted collides with
/// nothing. `now` is what the layer has.
pub async fn refuse(tx: &impl ConnectionTrait, scope: Scope, edits: &[Edit], seen: &Seen, now: &Now) -> Result<()> {
    for edit in edits {
        let Some(seen) = seen.get(&edit.key) else { continue };
        let there = now.get(&edit.key);
        let same = there.map(|(_, row)| Timestamp(row.changed_at)) == *seen;
        if same || there.map(|(new, _)| new) == edit.value.as_ref() {
            continue;
        }
        let title = catalogue::title_and_page(&edit.key).0;
        let (what, who) = match there {
            Some((_, row)) => ("changed", row.changed_by.clone()),
            None => ("removed", last(tx, scope, &edit.key).await?),
        };
        let detail =
            format!("{title} ({}) was {what} by {who} since you looked. Look again before you change it.", edit.key);
        return Err(conflict("changed-since", &edit.key, detail));
    }
    Ok(())
}

/// Who changed a key of a layer last.
async fn last(tx: &impl ConnectionTrait, scope: Scope, key: &str) -> Result<String> {
    let of_key = change_set_value::Entity::find().select_only().column(change_set_value::Column::ChangeSetId);
    let of_key = of_key.filter(change_set_value::Column::Key.eq(key)).into_query();
    let set = change_set::Entity::find()
        .filter(change_set::Column::ScopeId.eq(scope.id()))
        .filter(change_set::Column::Layer.eq(scope.layer().as_str()))
        .filter(change_set::Column::Id.in_subquery(of_key))
        .order_by_desc(change_set::Column::Id)
        .one(tx)
        .await?;
    Ok(set.map_or_else(|| "somebody".to_owned(), |set| set.actor))
}
