//! What the benchmarks of the server share: the databases they run on, and the file their figures go to.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::postgres::{Durability, Postgres};
use crate::procs;
use crate::progress::Step;

const DIR: &str = "target/bench";

#[derive(Args)]
pub struct Databases {
    /// Only this database
    #[arg(long, value_parser = ["sqlite", "postgres"])]
    database: Option<String>,
}

impl Databases {
    fn wants(&self, database: &str) -> bool {
        self.database.as_deref().is_none_or(|only| only == database)
    }

    /// Tells a benchmark of them. The PostgreSQL cluster is stopped when it is dropped, so after the benchmark.
    pub fn give(&self, bench: &mut Command) -> Result<Option<Postgres>> {
        if !self.wants("sqlite") {
            bench.arg("--no-sqlite");
        }
        if !self.wants("postgres") {
            return Ok(None);
        }
        let start = |step: &Step| Postgres::start(step, Path::new(DIR), Durability::Real);
        let cluster = Step::run("private PostgreSQL cluster", start)?;
        bench.args(["--postgres", &cluster.url]);
        Ok(Some(cluster))
    }
}

/// Where a benchmark of this name writes its figures.
pub fn figures(name: &str) -> Result<PathBuf> {
    let dir = Path::new(DIR);
    std::fs::create_dir_all(dir)?;
    Ok(dir.join(name).with_extension("json"))
}

/// Runs a benchmark, and says where its figures are.
pub fn measure(bench: &mut Command, figures: &Path) -> Result<()> {
    if !procs::run(bench)? {
        bail!("the benchmark failed; see above");
    }
    println!("{}", figures.display());
    Ok(())
}
