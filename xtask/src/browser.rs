//! The browser tests: chromedriver, the built application, and either servers the tests start themselves or the running demo.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use crate::procs::{self, Procs};
use crate::progress::Step;
use crate::suite::{Select, Suite};
use crate::test::Outcome;
use crate::{apt, demo, rest, wasm};

#[derive(clap::Args)]
pub struct Args {
    /// Click through the demo that `cargo xtask demo` runs right now, instead of servers started for each test
    #[arg(long)]
    demo: bool,
}

pub fn run(args: &Args) -> Result<()> {
    apt::ensure(&[&apt::CHROMIUM, &apt::CHROMEDRIVER, &apt::FONTS])?;
    let mut env = Vec::new();
    if args.demo {
        let file = demo::description();
        let url = demo::running().context("no demo is running here; start it in another terminal: cargo xtask demo")?;
        println!("demo at {url}, described in {}", file.display());
        env.push(("BELLHOP_DEMO_JSON", file.display().to_string()));
    }
    let select = if args.demo { Select::Demo } else { Select::Browser };
    match test(&Suite::build(false)?, select, &env)? {
        Outcome::Failed(why) => bail!("browser tests failed: {why}"),
        _ => Ok(()),
    }
}

/// Takes the pictures of every page for the documentation, of hotels made for it.
pub fn screenshots() -> Result<()> {
    apt::ensure(&[&apt::CHROMIUM, &apt::CHROMEDRIVER, &apt::FONTS])?;
    let folder = crate::root().join("docs/screenshots");
    let env = [("BELLHOP_SCREENSHOTS", folder.display().to_string())];
    match test(&Suite::build(false)?, Select::Screenshots, &env)? {
        Outcome::Failed(why) => bail!("not all pictures were taken: {why}"),
        _ => println!("pictures: {}", folder.display()),
    }
    Ok(())
}

/// Builds the application, starts chromedriver, runs the tests.
pub fn test(suite: &Suite, select: Select, more: &[(&str, String)]) -> Result<Outcome> {
    let dist = wasm::build(false)?;
    let driver = procs::which("chromedriver").context("chromedriver is missing: apt-get install chromium-driver")?;
    let mut procs = Procs::new(crate::state_dir("test")?)?;
    let url = format!("http://127.0.0.1:{}", procs::free_port()?);
    let mut command = procs::bound(driver, Signal::SIGTERM);
    let port = url.rsplit(':').next().unwrap_or_default();
    procs.start("chromedriver", command.arg(format!("--port={port}")), Signal::SIGTERM)?;
    Step::run("chromedriver", |step| {
        procs.wait_for(step, "chromedriver answers", Duration::from_secs(20), || {
            Ok(rest::answers(&format!("{url}/status")))
        })
    })?;
    let mut env = vec![("BELLHOP_WEBDRIVER", url), ("BELLHOP_WEB_ROOT", dist.display().to_string())];
    env.extend(more.iter().cloned());
    suite.run(select, &env)
}
