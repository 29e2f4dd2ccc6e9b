//! What people are shown before they change something or take it back, and what they have not seen.

use contract::Timestamp;
use contract::rest::{Accepted, History, Preview};
use sea_orm::ActiveValue::Set;

use super::*;
use crate::app::layers::{history, values};

const RING: &str = KEYS[0];
const PIN: &str = KEYS[2];
/// A phone restarts for it.
const REBOOTS: &str = "provisioning.3cxautoprovision";

fn of(values: &[(&str, Option<&str>)]) -> LayerChange {
    let values = values.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned)));
    LayerChange { values: values.collect(), ..LayerChange::default() }
}

fn locked(key: &str, value: &str) -> LayerChange {
    LayerChange { locked: true, reason: "Law".to_owned(), ..of(&[(key, Some(value))]) }
}

fn refused<T: std::fmt::Debug>(result: crate::app::Result<T>) -> (String, String, String) {
    match result {
        Err(AppError::Refused(problem)) => (problem.kind, problem.field.unwrap_or_default(), problem.detail),
        other => panic!("not refused: {other:?}"),
    }
}

impl House {
    async fn put(&self, scope: Scope, by: &str, wanted: LayerChange) -> crate::app::Result<Accepted> {
        change(&self.app, &Actor(by.to_owned()), &Once::default(), scope, wanted).await
    }

    async fn set(&self, scope: Scope, wanted: LayerChange) -> ChangeSetId {
        self.put(scope, "somebody", wanted).await.unwrap().change_set.unwrap()
    }

    async fn undo(&self, id: ChangeSetId) -> ChangeSetId {
        let actor = Actor("somebody".to_owned());
        let done = undo(&self.app, &actor, &Once::default(), id, Undo::default()).await.unwrap();
        done.change_set.unwrap()
    }

    async fn shows_undo(&self, id: ChangeSetId) -> Preview {
        preview_undo(&self.app, id, Undo::default()).await.unwrap()
    }

    /// The change sets of a layer by their places in `ids`: which takes back which.
    async fn marks(&self, scope: Scope, ids: &[ChangeSetId]) -> Vec<Option<usize>> {
        let History { items, .. } = history(&self.app, scope, None, 100).await.unwrap();
        let place = |id: ChangeSetId| ids.iter().position(|other| *other == id).unwrap();
        let by = |id: &ChangeSetId| items.iter().find(|set| set.id == *id).unwrap().undone_by.map(place);
        ids.iter().map(by).collect()
    }

    /// When each of the layer's values was changed, as an editor sees it.
    async fn seen(&self, scope: Scope, key: &str) -> Option<Timestamp> {
        let all = values(&self.app, scope).await.unwrap().values;
        all.into_iter().find(|value| value.key == key).map(|value| value.changed_at)
    }
}

#[tokio::test]
async fn the_preview_of_an_undo_counts_locks_and_secrets() {
    let house = house().await;
    let [chain, .., room, _] = house.scopes;
    house.set(room, of(&[(RING, Some("50"))])).await;
    house.set(chain, locked(RING, "40")).await;
    let unlocked = house.set(chain, of(&[(RING, Some("40"))])).await;
    let shown = house.shows_undo(unlocked).await;
    assert_eq!((shown.phones, shown.keys.len()), (1, 1));
    let key = &shown.keys[0];
    assert_eq!(key.own_before.as_ref().map(|own| (own.value.as_str(), own.locked)), Some(("40", false)));
    assert_eq!(key.own_after.as_ref().map(|own| (own.locked, own.reason.as_str())), Some((true, "Law")));
    assert_eq!(key.groups[0].after.as_deref(), Some("40"));

    house.set(room, of(&[(PIN, Some("first"))])).await;
    let second = house.set(room, of(&[(PIN, Some("second"))])).await;
    let shown = house.shows_undo(second).await;
    assert_eq!((shown.phones, shown.keys[0].groups[0].after.as_deref()), (1, Some(SECRET_MASK)));
    assert_eq!(shown.keys[0].own_after.as_ref().map(|own| own.value.as_str()), Some(SECRET_MASK));
}

#[tokio::test]
async fn a_later_lock_above_refuses_no_undo_nor_its_preview_but_a_later_change_does() {
    let house = house().await;
    let [chain, _, property, ..] = house.scopes;
    house.set(property, of(&[(RING, Some("41"))])).await;
    let change = house.set(property, of(&[(RING, Some("42"))])).await;
    house.set(chain, locked(RING, "40")).await;
    assert_eq!(house.shows_undo(change).await.keys[0].locked, 1);
    let undone = house.undo(change).await;
    assert!(house.shows_undo(change).await.keys.is_empty(), "it is taken back already");
    house.set(chain, of(&[(RING, Some("40"))])).await;
    house.set(property, of(&[(RING, Some("43"))])).await;
    let told = refused(preview_undo(&house.app, undone, Undo::default()).await);
    assert_eq!((told.0.as_str(), told.1.as_str()), ("changed-since", "force"));
    let forced = Undo { force: true, ..Undo::default() };
    assert_eq!(preview_undo(&house.app, undone, forced).await.unwrap().keys.len(), 1);
}

#[tokio::test]
async fn taking_back_again_and_again_says_of_each_change_whether_it_is_in_force() {
    let house = house().await;
    let room = house.scopes[4];
    let mut ids = vec![house.set(room, of(&[(RING, Some("50"))])).await];
    for (turn, marks) in
        [&[Some(1), None][..], &[None, Some(2), None], &[Some(1), None, Some(3), None]].iter().enumerate()
    {
        ids.push(house.undo(ids[turn]).await);
        assert_eq!(house.marks(room, &ids).await, **marks);
    }
}

#[tokio::test]
async fn what_somebody_else_changed_since_one_looked_is_not_overwritten_unseen() {
    let house = house().await;
    let property = house.scopes[2];
    let expecting = |value: &str, at: Option<Timestamp>| LayerChange {
        expected: [(RING.to_owned(), at)].into(),
        ..of(&[(RING, Some(value))])
    };
    let nothing = expecting("45", None);
    house.put(property, "anna", of(&[(RING, Some("40"))])).await.unwrap();
    let told = refused(house.put(property, "bert", nothing.clone()).await);
    assert_eq!((told.0.as_str(), told.1.as_str()), ("changed-since", RING));
    assert!(told.2.contains("changed by anna"), "{}", told.2);
    assert_eq!(refused(preview(&house.app, property, nothing).await).0, "changed-since");
    // What is by now as it is wanted is no collision, and nor is a lock that was seen.
    let same = house.put(property, "bert", expecting("40", None)).await.unwrap();
    assert_eq!((same.phones, same.change_set), (0, None));
    let seen = house.seen(property, RING).await;
    house.put(property, "bert", expecting("46", seen)).await.unwrap();
    let seen = house.seen(property, RING).await;
    house.put(property, "carl", of(&[(RING, None)])).await.unwrap();
    let told = refused(house.put(property, "bert", expecting("47", seen)).await);
    assert!(told.2.contains("removed by carl"), "{}", told.2);
    // As it is written by whoever asks, and of no other key.
    let loud = LayerChange { expected: [(RING.to_uppercase(), seen)].into(), ..of(&[(RING, Some("47"))]) };
    assert_eq!(refused(house.put(property, "bert", loud).await).0, "changed-since");
    let other = LayerChange { expected: [(PIN.to_owned(), None)].into(), ..of(&[(RING, Some("47"))]) };
    assert_eq!(refused(house.put(property, "bert", other).await).1, "expected");
}

#[tokio::test]
async fn one_setting_written_twice_is_refused_by_both_names() {
    let house = house().await;
    let twice = of(&[(RING, Some("40")), ("Account.1.Ring.Timeout", Some("41"))]);
    let (kind, _, detail) = refused(house.put(house.scopes[2], "anna", twice).await);
    assert_eq!(kind, "invalid");
    assert!(detail.contains(RING) && detail.contains("Account.1.Ring.Timeout"), "{detail}");
}

#[tokio::test]
async fn a_preview_names_the_phones_that_restart_are_in_a_call_or_are_away() {
    let house = house().await;
    let db = house.app.db.read();
    let lifted = phone::ActiveModel { id: Set(house.phone.0), off_hook: Set(true), ..Default::default() };
    phone::Entity::update(lifted).exec(db).await.unwrap();
    let shown = preview(&house.app, house.scopes[0], of(&[(RING, Some("40"))])).await.unwrap();
    assert_eq!((shown.in_call, shown.in_call_reboot, shown.reboot_unheard, shown.reboot_phones.len()), (1, 0, 0, 0));
    let shown = preview(&house.app, house.scopes[0], of(&[(REBOOTS, Some("yes"))])).await.unwrap();
    assert_eq!((shown.in_call, shown.in_call_reboot, shown.reboot_unheard), (1, 1, 1), "it has no broker");
    for named in [&shown.reboot_phones, &shown.in_call_phones, &shown.offline_phones] {
        let named: Vec<_> = named.iter().map(|one| (one.phone, one.room_number.as_deref())).collect();
        assert_eq!(named, [(house.phone, Some("101"))]);
    }
}
