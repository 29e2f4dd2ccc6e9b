//! The browser application: cargo build for wasm32, wasm-bindgen (as a library, so its version is the one of Cargo.lock), and the
//! static files beside it, in target-wasm/dist.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::procs;
use crate::progress::Step;

const TARGET: &str = "wasm32-unknown-unknown";

#[derive(clap::Args)]
pub struct Args {
    /// Small instead of quick to build: size-optimised, link-time optimised
    #[arg(long)]
    release: bool,
}

pub fn run(args: &Args) -> Result<()> {
    println!("{}", build(args.release)?.display());
    Ok(())
}

/// A separate target directory: other flags there would make the two builds undo each other's work.
fn target_dir() -> PathBuf {
    crate::root().join("target-wasm")
}

/// `cargo <command>` on the browser application, with the flags that every such call shares so nothing is built twice.
pub fn cargo(command: &str, profile: &str) -> Command {
    let mut cargo = crate::test::cargo();
    cargo.args([command, "--package", "frontend", "--target", TARGET, "--profile", profile, "--target-dir"]);
    cargo.arg(target_dir());
    cargo
}

/// Adds the wasm32 standard library when the toolchain lacks it.
pub fn ensure_target() -> Result<()> {
    let probe = || -> Result<bool> {
        let output = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
        let output = output.context("cannot run rustc; install Rust from https://rustup.rs")?;
        let dir = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        Ok(output.status.success() && std::fs::read_dir(dir).is_ok_and(|mut files| files.next().is_some()))
    };
    if probe()? {
        return Ok(());
    }
    println!("Rust target {TARGET} is missing (the browser application is compiled to it): rustup target add {TARGET}");
    let added = match procs::which("rustup") {
        Some(rustup) => procs::run(Command::new(rustup).args(["target", "add", TARGET]))?,
        None => false,
    };
    if !added || !probe()? {
        bail!(
            "the Rust target {TARGET} is missing and rustup could not add it. Either run `rustup target add {TARGET}` with \
             access to static.rust-lang.org, or install a standard library for it from Debian: `apt-get install rustc-web \
             cargo-web rust-web-src lld-19`, then build the application with RUSTC_BOOTSTRAP=1, `-Z build-std=std,panic_abort` \
             and wasm-ld-19 as linker"
        );
    }
    Ok(())
}

/// Builds and returns the folder to serve.
pub fn build(release: bool) -> Result<PathBuf> {
    ensure_target()?;
    let profile = if release { "wasm-release" } else { "wasm-dev" };
    Step::run(&format!("browser application ({profile})"), |step| {
        std::fs::create_dir_all(target_dir())?;
        // The demo and a test run may want it at the same time.
        let lock = std::fs::File::create(target_dir().join("xtask.lock"))?;
        while lock.try_lock().is_err() {
            procs::go_on()?;
            step.tick("another xtask builds it right now");
            std::thread::sleep(Duration::from_millis(100));
        }
        procs::run_logged(step, &mut cargo("build", profile), &target_dir().join("build.log"))?;
        let wasm = target_dir().join(TARGET).join(profile).join("frontend.wasm");
        pack(step, &wasm, release)
    })
}

/// Files of `frontend/` that are served: all but the crate itself.
fn assets(dir: &Path, below: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        let name = entry.file_name().to_string_lossy().into_owned();
        let crate_file = below.as_os_str().is_empty() && matches!(name.as_str(), "src" | "tests" | "Cargo.toml");
        if crate_file || name.starts_with('.') || name.ends_with(".md") || name.ends_with(".rs") {
            continue;
        }
        if entry.file_type()?.is_dir() {
            assets(&entry.path(), &path, found)?;
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(())
}

fn fingerprint(parts: &[&[u8]]) -> String {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn pack(step: &Step, wasm: &Path, release: bool) -> Result<PathBuf> {
    let (dist, stamp) = (target_dir().join("dist"), target_dir().join("dist.stamp"));
    let source = crate::root().join("frontend");
    let mut names = Vec::new();
    assets(&source, Path::new(""), &mut names)?;
    let files = names
        .iter()
        .map(|name| Ok((name.to_string_lossy().into_owned(), std::fs::read(source.join(name))?)))
        .collect::<Result<Vec<(String, Vec<u8>)>>>()?;

    let module = std::fs::read(wasm).with_context(|| format!("cannot read {}", wasm.display()))?;
    let mut parts: Vec<&[u8]> = vec![include_bytes!("wasm.rs"), &module, if release { b"release" } else { b"dev" }];
    parts.extend(files.iter().flat_map(|(name, bytes)| [name.as_bytes(), bytes.as_slice()]));
    let inputs = fingerprint(&parts);
    if dist.join("index.html").is_file() && std::fs::read_to_string(&stamp).is_ok_and(|old| old == inputs) {
        return Ok(dist);
    }

    step.tick("wasm-bindgen");
    let fresh = target_dir().join("dist.new");
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh)?;
    }
    std::fs::create_dir_all(&fresh)?;
    // The content's fingerprint is in the name, so a browser may keep these files for ever.
    let name = format!("app-{}", fingerprint(&parts[..3]));
    Bindgen::new()
        .input_path(wasm)
        .web(true)?
        .typescript(false)
        .remove_name_section(release)
        .remove_producers_section(release)
        .out_name(&name)
        .generate(&fresh)
        .context("wasm-bindgen failed")?;
    let bound = fresh.join(format!("{name}_bg.wasm"));
    write_static(&fresh, &files, &name)?;

    let (plain, small) = precompress(&fresh, &bound)?;
    step.say(&format!("{} kB, {} kB gzipped", plain / 1000, small / 1000));
    let _ = std::fs::remove_file(&stamp);
    if dist.exists() {
        std::fs::remove_dir_all(&dist)?;
    }
    std::fs::rename(&fresh, &dist)?;
    std::fs::write(&stamp, inputs)?;
    Ok(dist)
}

/// Writes the static files; style sheets and scripts get their fingerprint into the name, and index.html is pointed at everything.
fn write_static(dist: &Path, files: &[(String, Vec<u8>)], app: &str) -> Result<()> {
    let Some((_, page)) = files.iter().find(|(name, _)| name == "index.html") else {
        bail!("frontend/index.html is missing: the page that holds the application, with a <head>");
    };
    let mut page = String::from_utf8(page.clone()).context("frontend/index.html is not UTF-8")?;
    for (name, bytes) in files.iter().filter(|(name, _)| name != "index.html") {
        let served = match name.rsplit_once('.') {
            Some((stem, kind @ ("css" | "js"))) => format!("{stem}-{}.{kind}", fingerprint(&[bytes])),
            _ => name.clone(),
        };
        let path = dist.join(&served);
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        std::fs::write(path, bytes)?;
        for quoted in [format!("\"{name}\""), format!("\"./{name}\""), format!("\"/{name}\"")] {
            page = page.replace(&quoted, &format!("\"/{served}\""));
        }
    }
    // A file of its own, not an inline script: the server's content security policy allows none.
    let start = format!("import init from '/{app}.js';\ninit({{ module_or_path: '/{app}_bg.wasm' }});\n");
    let start_name = format!("start-{}.js", fingerprint(&[start.as_bytes()]));
    std::fs::write(dist.join(&start_name), start)?;
    let head = format!(
        "<link rel=\"modulepreload\" href=\"/{app}.js\">\n\
         <link rel=\"preload\" href=\"/{app}_bg.wasm\" as=\"fetch\" type=\"application/wasm\" crossorigin>\n\
         <script type=\"module\" src=\"/{start_name}\"></script>\n</head>"
    );
    if !page.contains("</head>") {
        bail!("frontend/index.html has no </head>; the application's script is put before it");
    }
    std::fs::write(dist.join("index.html"), page.replacen("</head>", &head, 1))?;
    Ok(())
}

/// Writes `<file>.gz` beside scripts, styles and the application, for the server to hand out. Returns the sizes of `wasm`.
fn precompress(dist: &Path, wasm: &Path) -> Result<(usize, usize)> {
    use std::io::Write;
    let mut sizes = (0, 0);
    for entry in std::fs::read_dir(dist)? {
        let path = entry?.path();
        let Some(kind @ ("js" | "css" | "wasm")) = path.extension().and_then(|kind| kind.to_str()) else {
            continue;
        };
        let bytes = std::fs::read(&path)?;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&bytes)?;
        let small = encoder.finish()?;
        if path == wasm {
            sizes = (bytes.len(), small.len());
        }
        std::fs::write(path.with_extension(format!("{kind}.gz")), small)?;
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_points_at_fingerprinted_files() -> Result<()> {
        let dir = std::env::temp_dir().join(format!("bellhop-xtask-wasm-{}", std::process::id()));
        std::fs::create_dir_all(&dir)?;
        let page = br#"<head><link rel="stylesheet" href="style.css"></head><body></body>"#;
        let files = [("index.html".to_owned(), page.to_vec()), ("style.css".to_owned(), b"body{}".to_vec())];
        write_static(&dir, &files, "app-1")?;
        let page = std::fs::read_to_string(dir.join("index.html"))?;
        let style = format!("style-{}.css", fingerprint(&[b"body{}"]));
        assert!(page.contains(&format!("href=\"/{style}\"")) && dir.join(style).is_file(), "{page}");
        assert!(page.contains("src=\"/start-") && page.contains("/app-1_bg.wasm"), "{page}");
        std::fs::remove_dir_all(dir)?;
        Ok(())
    }
}
