//! What NetGet's TR-069 files use of the rest of NetGet, by the names they use. Descriptions for a language model are taken and
//! forgotten.

#![allow(dead_code)]

use serde_json::Value;

pub mod utils {
    pub mod clock {
        pub use std::time::Instant;
    }

    pub enum WireFailure {
        Unavailable,
    }

    impl WireFailure {
        pub fn text(&self) -> &'static str {
            "request could not be processed"
        }
    }
}

pub mod logging {
    pub mod emit {
        use std::fmt::Display;
        use tokio::sync::mpsc::UnboundedSender;

        pub struct Log<'a>(Option<&'a UnboundedSender<String>>);

        impl<'a> Log<'a> {
            pub fn new(to: Option<&'a UnboundedSender<String>>) -> Self {
                Self(to)
            }

            fn say(&self, level: &str, text: impl Display) {
                if let Some(to) = self.0 {
                    let _ = to.send(format!("{level} {text}"));
                }
            }

            pub fn info(&self, text: impl Display) {
                self.say("info", text);
            }

            pub fn warn(&self, text: impl Display) {
                self.say("warn", text);
            }

            pub fn error(&self, text: impl Display) {
                self.say("error", text);
            }
        }
    }
}

pub mod state {
    use super::Value;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::task::JoinHandle;

    pub use client::ClientStatus;

    pub enum AccessLogOwner {
        Server(u32),
        Client(u32),
    }

    #[derive(Clone, Copy)]
    pub struct Id;

    impl Id {
        pub fn as_u32(&self) -> u32 {
            1
        }
    }

    impl std::fmt::Display for Id {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("1")
        }
    }

    pub mod client {
        #[derive(Debug)]
        pub enum ClientStatus {
            Connected,
            Disconnected,
            Error(String),
        }
    }

    pub mod client_handles {
        pub use crate::shim::command_support::{ClientCommand, ClientSendOutcome};
    }

    pub mod app_state {
        pub use super::AppState;
    }

    pub mod server {
        use crate::server::connection::ConnectionId;
        use std::net::SocketAddr;

        pub struct ConnectionState {
            pub id: ConnectionId,
            pub remote_addr: SocketAddr,
            pub local_addr: SocketAddr,
            pub bytes_sent: u64,
            pub bytes_received: u64,
            pub packets_sent: u64,
            pub packets_received: u64,
            pub last_activity: std::time::Instant,
            pub status: ConnectionStatus,
            pub status_changed_at: std::time::Instant,
            pub protocol_info: ProtocolConnectionInfo,
        }

        pub enum ConnectionStatus {
            Active,
            Closed,
        }

        pub struct ProtocolConnectionInfo;

        impl ProtocolConnectionInfo {
            pub fn empty() -> Self {
                Self
            }
        }
    }

    pub struct AppState {
        /// Where events are answered.
        pub socket: String,
        next: AtomicU32,
    }

    impl AppState {
        pub fn new(socket: &str) -> Self {
            Self { socket: socket.to_owned(), next: AtomicU32::new(1) }
        }

        pub async fn get_next_unified_id(&self) -> u32 {
            self.next.fetch_add(1, Ordering::Relaxed)
        }

        pub async fn register_client_task(&self, _: Id, _: JoinHandle<()>) {}

        pub async fn register_server_task(&self, _: Id, _: JoinHandle<()>) {}

        pub async fn spawn_server_task(&self, _: Id, task: impl std::future::Future<Output = ()> + Send + 'static) {
            tokio::spawn(task);
        }

        pub async fn update_client_status(&self, _: Id, status: ClientStatus) {
            println!("client {status:?}");
        }

        pub async fn remove_client_handle(&self, _: Id) {}

        pub async fn record_access_log(
            &self,
            _: AccessLogOwner,
            _: &str,
            _: Option<u32>,
            _: &str,
            _: Value,
            _: Vec<Value>,
        ) -> u64 {
            0
        }

        pub async fn get_instruction_for_client(&self, _: Id) -> Option<String> {
            None
        }

        pub async fn get_memory_for_client(&self, _: Id) -> Option<String> {
            None
        }

        pub async fn set_memory_for_client(&self, _: Id, _: String) {}

        pub async fn add_connection_to_server(&self, _: Id, _: server::ConnectionState) {}

        pub async fn update_connection_status(
            &self,
            _: Id,
            _: crate::server::connection::ConnectionId,
            _: server::ConnectionStatus,
        ) {
        }

        pub async fn update_connection_stats(
            &self,
            _: Id,
            _: crate::server::connection::ConnectionId,
            _: Option<u64>,
            _: Option<u64>,
            _: Option<u64>,
            _: Option<u64>,
        ) {
        }
    }
}

pub mod command_support {
    use super::Value;
    use crate::state::{AppState, Id};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixListener;
    use tokio::sync::{mpsc, oneshot};

    #[derive(Debug)]
    pub enum ClientSendOutcome {
        Executed { detail: String },
        Rejected { error: String },
        Disconnected,
    }

    pub struct ClientCommand {
        pub action: Value,
        pub reply_tx: oneshot::Sender<anyhow::Result<ClientSendOutcome>>,
    }

    pub async fn register_command_channel(state: &AppState, _: Id) -> mpsc::Receiver<ClientCommand> {
        let (sender, receiver) = mpsc::channel(16);
        match UnixListener::bind(format!("{}.in", state.socket)) {
            Ok(listener) => drop(tokio::spawn(injected(listener, sender))),
            Err(error) => println!("error no commands are taken: {error}"),
        }
        receiver
    }

    /// Commands from outside, as from NetGet's own user interface: one a connection, JSON there and the outcome back.
    async fn injected(listener: UnixListener, to: mpsc::Sender<ClientCommand>) {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut said = Vec::new();
            if stream.read_to_end(&mut said).await.is_err() {
                continue;
            }
            let (reply_tx, reply) = oneshot::channel();
            let action = serde_json::from_slice(&said).unwrap_or_default();
            if to.send(ClientCommand { action, reply_tx }).await.is_err() {
                return;
            }
            let outcome = match reply.await {
                Ok(Ok(ClientSendOutcome::Executed { detail })) => detail,
                other => format!("{other:?}"),
            };
            let _ = stream.write_all(outcome.as_bytes()).await;
        }
    }

    pub fn reply(command: ClientCommand, outcome: anyhow::Result<ClientSendOutcome>) {
        let _ = command.reply_tx.send(outcome);
    }
}

pub mod connection {
    #[derive(Clone, Copy, Debug)]
    pub struct ConnectionId(u32);

    impl ConnectionId {
        pub fn new(id: u32) -> Self {
            Self(id)
        }
    }

    impl std::fmt::Display for ConnectionId {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{}", self.0)
        }
    }
}

pub mod accept_bounded {
    use std::net::SocketAddr;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::mpsc::UnboundedSender;

    pub const DEFAULT_MAX_CONNECTIONS: usize = 256;

    /// One device comes here: nothing to bound.
    pub struct ConnectionLimiter;

    impl ConnectionLimiter {
        pub fn new(_: usize) -> Self {
            Self
        }
    }

    pub struct Permit;

    pub async fn accept_bounded(
        listener: &TcpListener,
        _: &ConnectionLimiter,
        _: &[u8],
        _: &str,
        _: Option<&UnboundedSender<String>>,
    ) -> std::io::Result<(TcpStream, SocketAddr, Permit)> {
        let (stream, peer) = listener.accept().await?;
        Ok((stream, peer, Permit))
    }
}

pub mod protocol {
    use super::Value;
    use super::llm::actions::{ActionDefinition, Parameter};
    use crate::llm::OllamaClient;
    use crate::state::{AppState, Id};
    use std::net::SocketAddr;
    use std::sync::Arc;
    use tokio::sync::mpsc::UnboundedSender;

    pub struct EventType {
        pub id: String,
    }

    impl EventType {
        pub fn new(id: &str, _: &str, _: Value) -> Self {
            Self { id: id.to_owned() }
        }

        pub fn with_parameters(self, _: Vec<Parameter>) -> Self {
            self
        }

        pub fn with_actions(self, _: Vec<ActionDefinition>) -> Self {
            self
        }
    }

    impl Clone for EventType {
        fn clone(&self) -> Self {
            Self { id: self.id.clone() }
        }
    }

    pub struct Event {
        event_type: &'static EventType,
        pub data: Value,
    }

    impl Event {
        pub fn new(event_type: &'static EventType, data: Value) -> Self {
            Self { event_type, data }
        }

        pub fn id(&self) -> &str {
            &self.event_type.id
        }
    }

    #[derive(Clone)]
    pub struct StartupParams(Value);

    impl StartupParams {
        pub fn get_optional_string(&self, key: &str) -> anyhow::Result<Option<String>> {
            Ok(self.0[key].as_str().map(str::to_owned))
        }

        pub fn get_optional_array(&self, key: &str) -> anyhow::Result<Option<&Vec<Value>>> {
            Ok(self.0[key].as_array())
        }

        pub fn get_optional_u64(&self, key: &str) -> anyhow::Result<Option<u64>> {
            Ok(self.0[key].as_u64())
        }
    }

    #[derive(Clone)]
    pub struct ConnectContext {
        pub remote_addr: String,
        pub llm_client: OllamaClient,
        pub state: Arc<AppState>,
        pub status_tx: UnboundedSender<String>,
        pub client_id: Id,
        pub startup_params: Option<StartupParams>,
    }

    impl ConnectContext {
        pub fn new(url: &str, state: Arc<AppState>, status_tx: UnboundedSender<String>, parameters: Value) -> Self {
            let startup_params = Some(StartupParams(parameters));
            Self { remote_addr: url.to_owned(), llm_client: OllamaClient, state, status_tx, client_id: Id, startup_params }
        }
    }

    #[derive(Clone)]
    pub struct SpawnContext {
        listen: SocketAddr,
        pub llm_client: OllamaClient,
        pub state: Arc<AppState>,
        pub status_tx: UnboundedSender<String>,
        pub server_id: Id,
        pub startup_params: Option<StartupParams>,
    }

    impl SpawnContext {
        pub fn new(listen: SocketAddr, state: Arc<AppState>, status_tx: UnboundedSender<String>) -> Self {
            Self { listen, llm_client: OllamaClient, state, status_tx, server_id: Id, startup_params: None }
        }

        pub fn legacy_listen_addr(&self) -> SocketAddr {
            self.listen
        }
    }

    pub mod log_template {
        pub struct LogTemplate;

        impl LogTemplate {
            pub fn new() -> Self {
                Self
            }

            pub fn with_info(self, _: impl Into<String>) -> Self {
                self
            }
        }
    }

    pub mod metadata {
        pub enum DevelopmentState {
            Experimental,
        }

        pub enum PrivilegeRequirement {
            None,
        }

        pub struct ProtocolMetadataV2;

        /// Takes what NetGet's list of protocols would show.
        pub struct Builder;

        impl ProtocolMetadataV2 {
            pub fn builder() -> Builder {
                Builder
            }
        }

        macro_rules! taken {
            ($($name:ident: $type:ty),*) => {$(
                pub fn $name(self, _: $type) -> Self {
                    self
                }
            )*};
        }

        impl Builder {
            taken!(state: DevelopmentState, privilege_requirement: PrivilegeRequirement, implementation: &str, llm_control: &str,
                e2e_testing: &str, notes: &str, request_only: &str, well_known_port: u16, max_inbound_bytes: usize);

            pub fn answers_on_failure(self) -> Self {
                self
            }

            pub fn build(self) -> ProtocolMetadataV2 {
                ProtocolMetadataV2
            }
        }
    }
}

/// Asks the script that started us.
async fn ask(state: &state::AppState, event: &protocol::Event) -> anyhow::Result<Vec<Value>> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::UnixStream::connect(&state.socket).await?;
    let said = serde_json::json!({ "event_type_id": event.id(), "event": event.data });
    stream.write_all(said.to_string().as_bytes()).await?;
    stream.shutdown().await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(serde_json::from_slice(&answer)?)
}

pub mod llm_budget {
    use crate::llm::OllamaClient;
    use crate::llm::actions::client_trait::Client;
    use crate::protocol::Event;
    use crate::state::AppState;
    use tokio::sync::mpsc::UnboundedSender;

    pub struct ClientLlmResult {
        pub actions: Vec<super::Value>,
        pub memory_updates: Option<String>,
    }

    #[allow(clippy::too_many_arguments)]
    pub async fn call_llm_for_client(
        _: &OllamaClient,
        state: &AppState,
        _: String,
        _: &str,
        _: &str,
        event: Option<&Event>,
        _: &dyn Client,
        _: &UnboundedSender<String>,
    ) -> anyhow::Result<ClientLlmResult> {
        let actions = match event {
            Some(event) => super::ask(state, event).await?,
            None => Vec::new(),
        };
        Ok(ClientLlmResult { actions, memory_updates: None })
    }
}

pub mod llm {
    use super::Value;

    #[derive(Clone)]
    pub struct OllamaClient;

    pub mod ollama_client {
        pub fn client_for_endpoint_with_timeout(_: &str, timeout: std::time::Duration) -> reqwest::Client {
            reqwest::Client::builder().timeout(timeout).no_proxy().build().unwrap_or_default()
        }
    }

    pub mod action_helper {
        use super::{OllamaClient, actions::protocol_trait::{ActionResult, Server}};
        use crate::protocol::Event;
        use crate::server::connection::ConnectionId;
        use crate::state::{AppState, Id};

        pub struct ExecutionResult {
            pub protocol_results: Vec<ActionResult>,
            pub failures: Vec<String>,
        }

        pub async fn call_llm(
            _: &OllamaClient,
            state: &AppState,
            _: Id,
            _: Option<ConnectionId>,
            event: &Event,
            protocol: &dyn Server,
        ) -> anyhow::Result<ExecutionResult> {
            let mut result = ExecutionResult { protocol_results: Vec::new(), failures: Vec::new() };
            for action in crate::shim::ask(state, event).await? {
                match protocol.execute_action(action) {
                    Ok(done) => result.protocol_results.push(done),
                    Err(error) => result.failures.push(error.to_string()),
                }
            }
            result.failures.iter().for_each(|failure| println!("error an action was refused: {failure}"));
            Ok(result)
        }
    }

    pub mod actions {
        use super::Value;
        use crate::protocol::log_template::LogTemplate;

        pub struct ActionDefinition {
            pub name: String,
            pub description: String,
            pub parameters: Vec<Parameter>,
            pub example: Value,
            pub log_template: Option<LogTemplate>,
        }

        pub struct Parameter {
            pub name: String,
            pub type_hint: String,
            pub description: String,
            pub required: bool,
        }

        pub struct ParameterDefinition {
            pub name: String,
            pub type_hint: String,
            pub description: String,
            pub required: bool,
            pub example: Value,
            pub default: Option<Value>,
        }

        pub struct StartupExamples;

        impl StartupExamples {
            pub fn new(_: Value, _: Value, _: Value) -> Self {
                Self
            }
        }

        pub use client_trait::Client;
        pub use protocol_trait::{Protocol, Server};

        pub mod protocol_trait {
            use super::{ActionDefinition, ParameterDefinition, StartupExamples, Value};
            use crate::protocol::{EventType, SpawnContext, metadata::ProtocolMetadataV2};
            use crate::state::AppState;
            use std::future::Future;
            use std::pin::Pin;

            pub trait Protocol: Send + Sync {
                fn get_startup_parameters(&self) -> Vec<ParameterDefinition>;
                fn get_async_actions(&self, state: &AppState) -> Vec<ActionDefinition>;
                fn get_sync_actions(&self) -> Vec<ActionDefinition>;
                fn protocol_name(&self) -> &'static str;
                fn get_event_types(&self) -> Vec<EventType>;
                fn stack_name(&self) -> &'static str;
                fn keywords(&self) -> Vec<&'static str>;
                fn metadata(&self) -> ProtocolMetadataV2;
                fn description(&self) -> &'static str;
                fn example_prompt(&self) -> &'static str;
                fn get_startup_examples(&self) -> StartupExamples;
                fn group_name(&self) -> &'static str;
            }

            pub trait Server: Protocol {
                fn spawn(
                    &self,
                    ctx: SpawnContext,
                ) -> Pin<Box<dyn Future<Output = anyhow::Result<std::net::SocketAddr>> + Send>>;
                fn execute_action(&self, action: Value) -> anyhow::Result<ActionResult>;
            }

            pub enum ActionResult {
                Custom { name: String, data: Value },
                Multiple(Vec<ActionResult>),
                NoAction,
            }
        }

        pub mod client_trait {
            use super::Value;
            use crate::protocol::ConnectContext;
            use std::future::Future;
            use std::pin::Pin;

            pub use super::protocol_trait::Protocol;

            pub trait Client: Protocol {
                fn connect(
                    &self,
                    ctx: ConnectContext,
                ) -> Pin<Box<dyn Future<Output = anyhow::Result<std::net::SocketAddr>> + Send>>;
                fn execute_action(&self, action: Value) -> anyhow::Result<ClientActionResult>;
            }

            pub enum ClientActionResult {
                Disconnect,
                Custom { name: String, data: Value },
            }
        }
    }
}
