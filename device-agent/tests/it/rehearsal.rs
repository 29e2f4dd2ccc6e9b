//! Rehearsals are for testers: a phone takes none unless it was started for it.

use device_agent::{Agent, AgentConfig, tls};

#[tokio::test]
async fn only_a_phone_that_is_to_rehearse_does() {
    for (test_faults, status) in [(false, 404), (true, 200)] {
        let dir = tempfile::tempdir().unwrap();
        let config = AgentConfig {
            connection_request_port: Some(0),
            simulated: true,
            control: Some("127.0.0.1:0".parse().unwrap()),
            test_faults,
            ..AgentConfig::new(dir.path(), "c074ad120701".parse().unwrap(), "http://127.0.0.1:1/acs")
        };
        let agent = Agent::start(config).await.unwrap();
        let url = format!("http://{}/rehearsal", agent.control_addr().unwrap());
        let http = tls::TlsOptions::default().http().unwrap().no_proxy().build().unwrap();
        let token = std::fs::read_to_string(dir.path().join("control.token")).unwrap();
        assert_eq!(http.get(&url).send().await.unwrap().status(), 401);
        assert_eq!(http.get(&url).bearer_auth(&token).send().await.unwrap().status(), status);
        let wrong = http.post(&url).bearer_auth(&token).body(r#"{"dance":1}"#).send().await.unwrap();
        assert_eq!(wrong.status(), if test_faults { 400 } else { 404 });
        agent.shutdown().await;
    }
}
