//! A private PostgreSQL cluster for one run: own folder, own port, loopback only.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use nix::unistd::{User, geteuid};

use crate::procs::{self, Procs, bound};
use crate::progress::Step;

/// Debian's binaries of the newest version that is installed.
fn binaries() -> Result<PathBuf> {
    let found = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |path: &Path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    found
        .map(|entry| entry.path())
        .filter(|path| path.join("bin/initdb").is_file())
        .max_by_key(|path| version(path))
        .map(|path| path.join("bin"))
        .context("no PostgreSQL server in /usr/lib/postgresql; install it with `apt-get install postgresql`")
}

/// PostgreSQL refuses to run as root: then it runs as `postgres`, in a folder that user can reach.
struct Owner(Option<User>);

impl Owner {
    fn find() -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Owner(None));
        }
        match User::from_name("postgres")? {
            Some(user) => Ok(Owner(Some(user))),
            None => bail!(
                "PostgreSQL cannot run as root and there is no user `postgres`; add it: `adduser --system postgres`"
            ),
        }
    }

    fn command(&self, program: &Path) -> Result<Command> {
        let Some(user) = &self.0 else {
            return Ok(bound(program, Signal::SIGINT));
        };
        let setpriv = procs::which("setpriv").context("setpriv is missing; it is part of the package util-linux")?;
        let mut command = Command::new(setpriv);
        command.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid));
        command.args(["--init-groups", "--pdeathsig", "INT", "--"]).arg(program).current_dir("/");
        Ok(command)
    }

    /// An empty folder of this user; below /var/tmp when it cannot reach ours (a checkout in /root).
    fn folder(&self, wanted: &Path) -> Result<PathBuf> {
        let fallback = PathBuf::from(format!("/var/tmp/bellhop-test-pg-{}", std::process::id()));
        for dir in [wanted, &fallback] {
            if dir.exists() {
                std::fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
            }
            std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
            let Some(user) = &self.0 else { return Ok(dir.to_owned()) };
            std::os::unix::fs::chown(dir, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
            if self.command(Path::new("/usr/bin/test"))?.arg("-w").arg(dir).status()?.success() {
                return Ok(dir.to_owned());
            }
        }
        bail!("the user `postgres` can write neither to {} nor to /var/tmp", wanted.display())
    }
}

/// Whether a commit waits for the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// For tests: nothing waits, nothing survives a power cut.
    None,
    /// For measurements: as PostgreSQL comes.
    Real,
}

/// A running cluster. Dropping it stops the server and removes its data.
pub struct Postgres {
    procs: Procs,
    data: PathBuf,
    /// Of a superuser, in the database `postgres`.
    pub url: String,
}

impl Postgres {
    pub fn start(step: &Step, dir: &Path, durability: Durability) -> Result<Self> {
        let (bin, owner) = (binaries()?, Owner::find()?);
        std::fs::create_dir_all(dir)?;
        let data = owner.folder(&dir.join("pg"))?;
        let mut initdb = owner.command(&bin.join("initdb"))?;
        initdb.arg("-D").arg(&data);
        initdb.args(["-U", "bellhop", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]);
        procs::run_logged(step, &mut initdb, &dir.join("initdb.log"))?;

        let port = procs::free_port()?;
        let mut server = owner.command(&bin.join("postgres"))?;
        server.arg("-D").arg(&data).args(["-p", &port.to_string()]);
        // Loopback only and no socket file: its path would be too long for some checkouts.
        for setting in
            ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=400", "shared_buffers=128MB"]
        {
            server.args(["-c", setting]);
        }
        if durability == Durability::None {
            for hasty in ["fsync=off", "synchronous_commit=off", "full_page_writes=off"] {
                server.args(["-c", hasty]);
            }
        }
        // SIGINT is its "fast shutdown"; on SIGTERM it would wait for every client to leave.
        let mut procs = Procs::new(dir.to_owned())?;
        procs.start("postgres", &mut server, Signal::SIGINT)?;
        let is_ready = bin.join("pg_isready");
        procs.wait_for(step, "PostgreSQL answers", Duration::from_secs(30), || {
            let mut probe = Command::new(&is_ready);
            Ok(probe.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]).status()?.success())
        })?;
        Ok(Postgres { procs, data, url: format!("postgres://bellhop@127.0.0.1:{port}/postgres") })
    }

    /// The server's process; 0 once it was stopped.
    pub fn process(&self) -> u32 {
        self.procs.id("postgres").unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.procs.stop();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "needs PostgreSQL; `cargo xtask test` starts one anyway"]
    fn a_cluster_starts_answers_and_leaves_nothing() -> Result<()> {
        let dir = std::env::temp_dir().join(format!("bellhop-xtask-pg-{}", std::process::id()));
        let cluster = Step::run("cluster", |step| Postgres::start(step, &dir, Durability::None))?;
        let output = Command::new("psql").args([&cluster.url, "-Atc", "select 6*7"]).output()?;
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "42");
        let data = cluster.data.clone();
        drop(cluster);
        assert!(!data.exists());
        std::fs::remove_dir_all(dir)?;
        Ok(())
    }
}
