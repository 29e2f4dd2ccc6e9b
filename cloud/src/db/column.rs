//! One column of many rows at once.

use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, SimpleExpr};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, Value};
use uuid::Uuid;

/// Rows of one statement, with three parameters each; keeps it well below the databases' limits.
const ROWS: usize = 500;

/// Writes one column of the rows with these ids, each its own value.
pub async fn write_column<E, V>(
    tx: &impl ConnectionTrait,
    id: E::Column,
    column: E::Column,
    values: Vec<(Uuid, V)>,
) -> Result<(), DbErr>
where
    E: EntityTrait,
    E::Column: ColumnTrait + Copy,
    V: Into<Value> + Clone,
{
    for values in values.chunks(ROWS) {
        let case = values
            .iter()
            .cloned()
            .fold(CaseStatement::new(), |case, (row, value)| case.case(Expr::col(id).eq(row), Expr::value(value)))
            .finally(Expr::col(column));
        E::update_many()
            .col_expr(column, SimpleExpr::Case(Box::new(case)))
            .filter(id.is_in(values.iter().map(|(id, _)| *id)))
            .exec(tx)
            .await?;
    }
    Ok(())
}
