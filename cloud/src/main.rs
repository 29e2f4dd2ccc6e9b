//! `cloud`: Bellhop's server.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use cloud::config::{Config, DEFAULTS};
use cloud::{api, startup};
use tracing_subscriber::EnvFilter;

/// Manages the room phones of a hotel chain.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server (the roles its configuration names).
    Serve {
        /// Configuration file; see `cloud defaults` for every key.
        #[arg(long, env = "BELLHOP_CONFIG")]
        config: Option<PathBuf>,
    },
    /// Print the default configuration with a comment for every key.
    Defaults,
    /// Print the OpenAPI document of the REST API.
    Openapi,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Serve { config } => serve(Config::load(config.as_deref())?),
        Command::Defaults => {
            print!("{DEFAULTS}");
            Ok(())
        }
        Command::Openapi => {
            println!("{}", api::openapi_json()?);
            Ok(())
        }
    }
}

#[tokio::main]
async fn serve(config: Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_env("BELLHOP_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,mqtt5=warn,sea_orm_migration=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let server = startup::start(config).await?;
    if let Some((email, password)) = &server.administrator {
        println!("administrator: {email} password: {password}");
        println!("(This is shown once. Sign in and keep it safe.)");
    }
    for (name, address) in [
        ("browser and API", server.api),
        ("browser and API over TLS", server.api_tls),
        ("TR-069", server.acs),
        ("TR-069 over TLS", server.acs_tls),
        ("configuration files", server.provision),
        ("configuration files over TLS", server.provision_tls),
        ("configuration files by TFTP", server.tftp),
        ("MQTT", server.mqtt),
        ("MQTT over TLS", server.mqtt_tls),
        ("STUN", server.stun),
    ] {
        if let Some(address) = address {
            println!("{name}: {address}");
        }
    }
    println!("ready");
    wait_for_end().await?;
    eprintln!("stopping");
    server.shutdown().await;
    Ok(())
}

async fn wait_for_end() -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
