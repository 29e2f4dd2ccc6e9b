//! `settings`: the catalogue.

use std::io::Write;

use settings::{Filter, Model};

#[derive(clap::Args)]
pub struct Settings {
    #[arg(long, value_enum, default_value = "tsv")]
    format: Format,
    /// Only pages whose name contains this.
    #[arg(long)]
    page: Option<String>,
    /// Only what exists on this model.
    #[arg(long)]
    model: Option<Model>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// One row an entry, tabs between columns.
    Tsv,
    /// A reference page.
    Markdown,
}

impl Settings {
    pub fn run(self) -> anyhow::Result<()> {
        let filter = Filter { page: self.page, model: self.model };
        let text = match self.format {
            Format::Tsv => settings::tsv(&filter),
            Format::Markdown => settings::markdown(&filter),
        };
        match std::io::stdout().write_all(text.as_bytes()) {
            // `… | head` is no error.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        }
    }
}
