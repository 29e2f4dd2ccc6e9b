//! Several processes of one installation, on one database.

use cloud::config::Config;
use cloud::startup;
use contract::rest::Property;

use crate::support::{Api, Database};
use tests::process::{EMAIL, PASSWORD};

#[tokio::test]
async fn those_started_together_on_a_new_database_all_come_up() {
    let data = tempfile::tempdir().unwrap();
    let database = Database::new().await;
    if database.url.is_empty() {
        // Several processes share a PostgreSQL; SQLite is one's own.
        return;
    }
    let settings = [
        ("BELLHOP__SERVER__DATA_DIR", data.path().display().to_string()),
        ("BELLHOP__SERVER__SECRET_KEY", "5a".repeat(32)),
        ("BELLHOP__SERVER__LISTEN", "127.0.0.1:0".to_owned()),
        ("BELLHOP__DATABASE__URL", database.url.clone()),
        ("BELLHOP__ADMIN__PASSWORD", PASSWORD.to_owned()),
    ];
    let start = || {
        let settings = settings.clone().into_iter().map(|(name, value)| (name.to_owned(), value));
        startup::start(Config::from_parts("[server]\nroles = [\"api\"]", "test", settings).unwrap())
    };
    let (one, two, three) = tokio::join!(Box::pin(start()), Box::pin(start()), Box::pin(start()));
    for server in [one.unwrap(), two.unwrap(), three.unwrap()] {
        let api = Api::sign_in(format!("http://{}", server.api.unwrap()), EMAIL, PASSWORD).await.unwrap();
        assert!(api.get("/api/v1/properties").await.ok::<Vec<Property>>().is_empty());
        server.shutdown().await;
    }
}
