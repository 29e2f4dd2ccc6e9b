//! What the pages are told when a request did not do what was asked.

use contract::problem::Problem;
use gloo_net::http::Response;

/// Why a request did not do what was asked, ready to be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError(pub Problem);

impl ApiError {
    pub fn local(kind: &str, title: &str, detail: impl Into<String>) -> Self {
        Self(Problem { kind: kind.into(), title: title.into(), status: 0, detail: detail.into(), field: None })
    }

    /// The same, said below the input of this field.
    pub fn of_field(mut self, field: &str) -> Self {
        self.0.field = Some(field.to_owned());
        self
    }

    pub fn unreachable() -> Self {
        Self::local(
            "unreachable",
            "Bellhop cannot be reached",
            "Check this computer's network connection, then try again. Nothing was lost.",
        )
    }

    pub fn unreadable() -> Self {
        Self::local(
            "unreadable-answer",
            "The answer could not be read",
            "This page may be older than the server. Reload it; if that does not help, tell your administrator.",
        )
    }

    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// What to say below the input `name`, if this error is about it.
    pub fn at(&self, name: &str) -> Option<String> {
        (self.0.field.as_deref() == Some(name)).then(|| self.sentence())
    }

    /// Title and detail in one.
    pub fn sentence(&self) -> String {
        if self.0.detail.is_empty() { self.0.title.clone() } else { self.0.detail.clone() }
    }
}

/// Reads the problem document of a refused request.
pub async fn refusal(response: Response) -> ApiError {
    let status = response.status();
    let text = response.text().await.unwrap_or_default();
    if let Ok(problem) = serde_json::from_str::<Problem>(&text) {
        return ApiError(problem);
    }
    let (title, detail) = match status {
        401 => ("You are signed out", "Sign in and try again."),
        403 => ("Your role does not allow this", "Ask your chain's administrator if you need it."),
        404 => ("Not found", "It may have been removed. Go back and look for it again."),
        429 => ("Too many requests", "Wait a minute, then try again."),
        502..=504 => ("Bellhop is restarting", "Wait a few seconds, then try again."),
        _ => ("Something went wrong on the server", "Try again; if it stays, tell your administrator."),
    };
    let mut error = ApiError::local("http", title, detail);
    error.0.status = status;
    error
}
