//! Short words for column definitions, so that a migration reads like a table.

use sea_orm_migration::prelude::*;

/// A table under construction.
pub struct T(TableCreateStatement);

pub fn table(name: &'static str) -> T {
    T(Table::create().table(Alias::new(name)).to_owned())
}

impl T {
    fn column(mut self, mut column: ColumnDef) -> Self {
        self.0.col(&mut column);
        self
    }

    /// A UUID primary key called `id`.
    pub fn uuid_key(self) -> Self {
        self.column(ColumnDef::new(Alias::new("id")).uuid().not_null().primary_key().to_owned())
    }

    /// A growing number as primary key, called `id`.
    pub fn serial_key(self) -> Self {
        self.column(ColumnDef::new(Alias::new("id")).big_integer().not_null().auto_increment().primary_key().to_owned())
    }

    /// A text primary key.
    pub fn text_key(self, name: &'static str) -> Self {
        self.column(ColumnDef::new(Alias::new(name)).text().not_null().primary_key().to_owned())
    }

    /// A required reference; the row goes when what it belongs to goes.
    pub fn belongs_to(self, name: &'static str, target: &'static str) -> Self {
        self.column(ColumnDef::new(Alias::new(name)).uuid().not_null().to_owned()).foreign(
            name,
            target,
            ForeignKeyAction::Cascade,
        )
    }

    /// A required reference that is also the primary key: one row per target.
    pub fn belongs_to_key(self, name: &'static str, target: &'static str) -> Self {
        self.column(ColumnDef::new(Alias::new(name)).uuid().not_null().primary_key().to_owned()).foreign(
            name,
            target,
            ForeignKeyAction::Cascade,
        )
    }

    /// An optional reference; it is emptied when its target goes.
    pub fn points_to(self, name: &'static str, target: &'static str) -> Self {
        self.column(ColumnDef::new(Alias::new(name)).uuid().to_owned()).foreign(name, target, ForeignKeyAction::SetNull)
    }

    /// An optional reference; the row goes when its target goes.
    pub fn goes_with(self, name: &'static str, target: &'static str) -> Self {
        self.column(ColumnDef::new(Alias::new(name)).uuid().to_owned()).foreign(name, target, ForeignKeyAction::Cascade)
    }

    fn foreign(mut self, name: &'static str, target: &'static str, on_delete: ForeignKeyAction) -> Self {
        let mut key = ForeignKey::create();
        key.from_col(Alias::new(name)).to_tbl(Alias::new(target)).to_col(Alias::new("id")).on_delete(on_delete);
        self.0.foreign_key(&mut key);
        self
    }

    /// A UUID that is no foreign key: what it names may be gone, or lives in one of several tables.
    pub fn uuid(self, name: &'static str) -> Self {
        self.column(ColumnDef::new(Alias::new(name)).uuid().to_owned())
    }

    /// Required text, empty by default.
    pub fn text(self, name: &'static str) -> Self {
        self.column(ColumnDef::new(Alias::new(name)).text().not_null().default("").to_owned())
    }

    pub fn text_null(self, name: &'static str) -> Self {
        self.column(ColumnDef::new(Alias::new(name)).text().to_owned())
    }

    /// A 64-bit number, 0 by default. Times are milliseconds since 1970.
    pub fn big(self, name: &'static str) -> Self {
        self.column(ColumnDef::new(Alias::new(name)).big_integer().not_null().default(0).to_owned())
    }

    pub fn big_null(self, name: &'static str) -> Self {
        self.column(ColumnDef::new(Alias::new(name)).big_integer().to_owned())
    }

    pub fn int(self, name: &'static str) -> Self {
        self.column(ColumnDef::new(Alias::new(name)).integer().not_null().default(0).to_owned())
    }

    pub fn int_null(self, name: &'static str) -> Self {
        self.column(ColumnDef::new(Alias::new(name)).integer().to_owned())
    }

    pub fn flag(self, name: &'static str) -> Self {
        self.column(ColumnDef::new(Alias::new(name)).boolean().not_null().default(false).to_owned())
    }

    pub fn bytes(self, name: &'static str) -> Self {
        self.column(ColumnDef::new(Alias::new(name)).blob().not_null().to_owned())
    }

    pub async fn create(self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        manager.create_table(self.0).await
    }
}

/// Adds required text, empty by default, to a table that is there.
pub async fn add_text(manager: &SchemaManager<'_>, table: &'static str, column: &'static str) -> Result<(), DbErr> {
    let mut change = Table::alter();
    change
        .table(Alias::new(table))
        .add_column(ColumnDef::new(Alias::new(column)).text().not_null().default("").to_owned());
    manager.alter_table(change).await
}

/// Adds a flag, off by default, to a table that is there.
pub async fn add_flag(manager: &SchemaManager<'_>, table: &'static str, column: &'static str) -> Result<(), DbErr> {
    let mut change = Table::alter();
    change
        .table(Alias::new(table))
        .add_column(ColumnDef::new(Alias::new(column)).boolean().not_null().default(false).to_owned());
    manager.alter_table(change).await
}

/// Adds a 64-bit number, 0 by default, to a table that is there.
pub async fn add_big(manager: &SchemaManager<'_>, table: &'static str, column: &'static str) -> Result<(), DbErr> {
    let mut change = Table::alter();
    change
        .table(Alias::new(table))
        .add_column(ColumnDef::new(Alias::new(column)).big_integer().not_null().default(0).to_owned());
    manager.alter_table(change).await
}

/// Adds a UUID that is no foreign key to a table that is there.
pub async fn add_uuid(manager: &SchemaManager<'_>, table: &'static str, column: &'static str) -> Result<(), DbErr> {
    let mut change = Table::alter();
    change.table(Alias::new(table)).add_column(ColumnDef::new(Alias::new(column)).uuid().to_owned());
    manager.alter_table(change).await
}

/// Adds an optional reference to a table that is there; it is emptied when its target goes. SQLite takes a foreign key
/// only with its column, which the builder does not say.
pub async fn add_reference(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: &'static str,
    target: &'static str,
) -> Result<(), DbErr> {
    let kind = match manager.get_database_backend() {
        sea_orm_migration::sea_orm::DbBackend::Sqlite => "uuid_text",
        _ => "uuid",
    };
    let sql = format!(
        r#"ALTER TABLE "{table}" ADD COLUMN "{column}" {kind} NULL REFERENCES "{target}" ("id") ON DELETE SET NULL"#
    );
    manager.get_connection().execute_unprepared(&sql).await.map(drop)
}

/// An index over `columns`; its name follows from them.
pub async fn index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
    unique: bool,
) -> Result<(), DbErr> {
    let mut index = Index::create();
    index.name(format!("{table}_{}", columns.join("_"))).table(Alias::new(table));
    for column in columns {
        index.col(Alias::new(*column));
    }
    if unique {
        index.unique();
    }
    manager.create_index(index).await
}
