//! What MQTT 5 adds, as the agent relies on it.

use rumqttc::v5::mqttbytes::v5::{LastWillProperties, PublishProperties};

use super::*;

fn lasting(broker: &Broker, id: &str, seconds: u32) -> MqttOptions {
    let mut options = options(broker, id, id);
    options.set_clean_start(false).set_session_expiry_interval(Some(seconds));
    options
}

async fn gone(broker: &Broker, id: &str) {
    while broker.is_connected(id).await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Connects and returns whether the broker still had the session.
async fn session_present(options: MqttOptions) -> (AsyncClient, EventLoop, bool) {
    let (client, mut events) = AsyncClient::new(options, 16);
    loop {
        if let Event::Incoming(Packet::ConnAck(ack)) = timeout(SOON, events.poll()).await.unwrap().unwrap() {
            return (client, events, ack.session_present);
        }
    }
}

#[tokio::test]
async fn a_session_lasts_as_long_as_it_was_asked_for() {
    let (broker, _) = start_with(|config| config.sweep_every = Duration::from_millis(50)).await;
    let (_, events, present) = session_present(lasting(&broker, "a", 60)).await;
    assert!(!present, "there was none");
    drop(events);
    gone(&broker, "a").await;
    let (_, events, present) = session_present(lasting(&broker, "a", 1)).await;
    assert!(present);
    drop(events);
    gone(&broker, "a").await;
    // Asking keeps a session alive, so the only way is to wait for longer than it lasts.
    let mut service = Client::service(&broker, "v1/b/up/presence").await;
    more_than_a_second(&broker, &mut service).await;
    let (_, _events, present) = session_present(lasting(&broker, "a", 60)).await;
    assert!(!present, "it has expired");
}

/// Waits until the broker publishes a will that is due after two seconds: as long has passed by its own clock.
async fn more_than_a_second(broker: &Broker, service: &mut Client) {
    let mut options = lasting(broker, "b", 60);
    options.set_last_will(will("b", 2));
    drop(connect(options).await.unwrap());
    assert_eq!(service.message().await, pair("v1/b/up/presence", "offline"));
}

fn will(device: &str, delay_s: u32) -> LastWill {
    let properties = LastWillProperties {
        delay_interval: Some(delay_s),
        payload_format_indicator: None,
        message_expiry_interval: None,
        content_type: None,
        response_topic: None,
        correlation_data: None,
        user_properties: Vec::new(),
    };
    LastWill::new(format!("v1/{device}/up/presence"), "offline", QoS::AtLeastOnce, true, Some(properties))
}

#[tokio::test]
async fn a_delayed_will_says_nothing_of_who_comes_back_in_time() {
    let broker = start().await;
    let mut service = Client::service(&broker, "v1/+/up/presence").await;
    let with_will = |delay_s| {
        let mut options = lasting(&broker, "a", 60);
        options.set_last_will(will("a", delay_s));
        options
    };
    drop(connect(with_will(30)).await.unwrap());
    gone(&broker, "a").await;
    service.nothing_comes().await;
    // Back in time: that will is void; the next one is due a second after the line broke.
    drop(connect(with_will(1)).await.unwrap());
    assert_eq!(service.message().await, pair("v1/a/up/presence", "offline"));
    service.nothing_comes().await;
}

#[tokio::test]
async fn a_message_waits_until_it_expires_and_no_longer() {
    let broker = start().await;
    let mut a = connect(lasting(&broker, "a", 60)).await.unwrap();
    a.subscribe("v1/a/down/command").await;
    drop(a);
    gone(&broker, "a").await;
    let mut service = Client::service(&broker, "v1/+/up/#").await;
    for (expiry, payload) in [(1, "short"), (60, "long")] {
        let properties = PublishProperties { message_expiry_interval: Some(expiry), ..PublishProperties::default() };
        let topic = "v1/a/down/command";
        service.mqtt.publish_with_properties(topic, QoS::AtLeastOnce, false, payload, properties).await.unwrap();
    }
    more_than_a_second(&broker, &mut service).await;
    let mut a = connect(lasting(&broker, "a", 60)).await.unwrap();
    assert_eq!(a.message().await, pair("v1/a/down/command", "long"));
    a.nothing_comes().await;
}

#[tokio::test]
async fn the_broker_says_how_much_it_takes() {
    let (broker, _) = start_with(|config| config.max_inflight = 4).await;
    let (_client, mut events) = AsyncClient::new(options(&broker, "a", "a"), 16);
    let properties = loop {
        if let Event::Incoming(Packet::ConnAck(ack)) = timeout(SOON, events.poll()).await.unwrap().unwrap() {
            break ack.properties.unwrap();
        }
    };
    assert_eq!((properties.receive_max, properties.max_packet_size), (Some(4), Some(64 * 1024)));
}

#[tokio::test]
async fn the_broker_sends_no_more_at_once_than_a_client_takes() {
    let broker = start().await;
    let mut options = options(&broker, "a", "a");
    options.set_receive_maximum(Some(2)).set_manual_acks(true);
    let mut a = connect(options).await.unwrap();
    a.subscribe("v1/a/down/job").await;
    let service = Client::service(&broker, "v1/+/up/#").await;
    for number in 0..5 {
        service.mqtt.publish("v1/a/down/job", QoS::AtLeastOnce, false, number.to_string()).await.unwrap();
    }
    let mut unconfirmed = Vec::new();
    while unconfirmed.len() < 2 {
        if let Packet::Publish(publish) = a.next().await {
            unconfirmed.push(publish);
        }
    }
    a.nothing_comes().await;
    for publish in &unconfirmed {
        a.mqtt.ack(publish).await.unwrap();
    }
    assert_eq!(a.message().await, pair("v1/a/down/job", "2"));
}

#[tokio::test]
async fn a_device_has_nothing_kept_but_its_state_and_presence() {
    let broker = start().await;
    let mut a = Client::device(&broker, "a").await;
    for topic in ["v1/a/up/state", "v1/a/up/presence", "v1/a/up/event", "v1/a/up/telemetry", "v1/a/up/state/more"] {
        a.publish(topic, true, "kept").await;
    }
    assert_eq!(broker.stats().refused_publishes, 3);
    let mut service = Client::service(&broker, "v1/#").await;
    let mut kept = [service.message().await.0, service.message().await.0];
    kept.sort();
    assert_eq!(kept, ["v1/a/up/presence", "v1/a/up/state"]);
    service.nothing_comes().await;
    // Nor by its will.
    let mut options = options(&broker, "b", "b");
    options.set_last_will(LastWill::new("v1/b/up/event", "x", QoS::AtLeastOnce, true, None));
    assert_eq!(refusal(connect(options).await), ConnectReturnCode::NotAuthorized);
}
