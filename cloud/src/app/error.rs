//! What a use case answers when it cannot do what was asked.

use contract::problem::Problem;
use sea_orm::{DbErr, RuntimeErr};

/// A refusal with its reason, or something that broke. What broke is logged, not shown.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl AppError {
    /// The database refuses the data itself (SQLSTATE classes 22 and 23, SQLite's constraints): it will again.
    pub fn is_about_data(&self) -> bool {
        let Self::Internal(error) = self else { return false };
        let (Some(DbErr::Exec(cause)) | Some(DbErr::Query(cause))) = error.downcast_ref() else { return false };
        let RuntimeErr::SqlxError(cause) = cause else { return false };
        let code = cause.as_database_error().and_then(|error| error.code()).unwrap_or_default();
        (code.len() == 5 && (code.starts_with("22") || code.starts_with("23")))
            || matches!(code.as_ref(), "19" | "275" | "787" | "1299" | "1555" | "1811" | "2067")
    }
}

pub type Result<T> = std::result::Result<T, AppError>;

impl From<DbErr> for AppError {
    fn from(error: DbErr) -> Self {
        Self::Internal(error.into())
    }
}

impl From<serde_json::Error> for AppError {
    fn from(error: serde_json::Error) -> Self {
        Self::Internal(error.into())
    }
}

fn refused(status: u16, kind: &str, title: &str, detail: String, field: Option<&str>) -> AppError {
    AppError::Refused(Box::new(Problem {
        kind: kind.to_owned(),
        title: title.to_owned(),
        status,
        detail,
        field: field.map(str::to_owned),
    }))
}

/// Nothing there under this name, or nothing the asker may know of.
pub fn not_found(what: &str) -> AppError {
    refused(404, "not-found", "Not found", format!("There is no such {what}. It may have been removed."), None)
}

/// A field of the request is wrong.
pub fn invalid(field: &str, detail: impl Into<String>) -> AppError {
    refused(422, "invalid", "A value is not allowed", detail.into(), Some(field))
}

/// The request collides with what is there; `kind` is a stable word.
pub fn conflict(kind: &str, field: &str, detail: impl Into<String>) -> AppError {
    refused(409, kind, "This collides with something else", detail.into(), Some(field))
}

/// Who asks is not known, or not any more.
pub fn unauthorized(kind: &str, detail: impl Into<String>) -> AppError {
    refused(401, kind, "Sign in", detail.into(), None)
}

/// Too much at once.
pub fn too_many(detail: impl Into<String>) -> AppError {
    refused(429, "too-many", "Too many requests", detail.into(), None)
}

/// Not now.
pub fn unavailable(detail: impl Into<String>) -> AppError {
    refused(503, "unavailable", "Not available", detail.into(), None)
}
