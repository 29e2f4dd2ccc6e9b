//! A change on its way to a phone. Every write while it runs names its `fence`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "job")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub phone_id: Uuid,
    pub kind: String,
    pub state: String,
    pub step: String,
    pub summary: String,
    pub note: String,
    pub version: i64,
    pub attempts: i32,
    pub max_attempts: i32,
    pub run_at: i64,
    pub lease_until: i64,
    pub fence: i64,
    pub created_at: i64,
    pub created_by: String,
    pub done_at: Option<i64>,
    /// What was asked, as JSON ([`contract::rest::Task`], secret values sealed); empty for a change of settings.
    pub detail: String,
    /// What came of it, as JSON ([`contract::rest::TaskResult`]); empty: nothing yet.
    pub result: String,
    /// The name the phone knows the task by: CommandKey and ParameterKey of what is sent for it.
    pub command_key: String,
    /// What a task has to remember from one session to another.
    pub memo: String,
    /// The change of settings it came from.
    pub change_set_id: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
