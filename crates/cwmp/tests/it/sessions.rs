//! Whole sessions: our phone and our server talk in bytes, the server's state saved and loaded before each POST.

use crate::common::{config, soap, transfer};
use cwmp::cpe::{CpeConfig, Post, SessionFailure};
use cwmp::*;

/// What the phone asked and was answered.
fn answered(outcome: &SessionOutcome) -> Vec<Message> {
    outcome.answered.iter().map(|own| own.request.clone()).collect()
}

fn get(name: &str) -> Message {
    GetParameterValues { names: vec![name.into()] }.into()
}

/// A server with a list of things to ask, and a log of what it saw.
#[derive(Default)]
struct Server {
    saved: Option<String>,
    requests: Vec<Message>,
    hold: bool,
    log: Vec<String>,
}

impl Server {
    fn post(&mut self, post: &Post) -> (u16, Vec<u8>) {
        let mut session: AcsSession = match &self.saved {
            Some(saved) => serde_json::from_str(saved).unwrap(),
            None => AcsSession::new(),
        };
        let input = match decode_post(post.body.as_bytes(), &Limits::default()) {
            Ok(envelope) => session.on_message(envelope),
            Err(error) => session.on_error(error),
        };
        let answer = match input {
            AcsInput::Informed { inform, reply } => {
                self.log.push(format!("Inform {}", inform.events[0].code.as_str()));
                Some(*reply)
            }
            AcsInput::CpeRequest { message, reply } => {
                self.log.push(message.name().into());
                Some(*reply)
            }
            AcsInput::Refused { reply, .. } => Some(*reply),
            AcsInput::Unexpected { reason } => {
                self.log.push(reason);
                session.end();
                self.saved = Some(serde_json::to_string(&session).unwrap());
                return (400, vec![]);
            }
            input => {
                match input {
                    AcsInput::Response { request_id, message } => {
                        self.log.push(format!("{request_id} {}", message.name()))
                    }
                    AcsInput::Fault { request_id, fault } => {
                        self.log.push(format!("{request_id} fault {}", fault.code.0))
                    }
                    AcsInput::BadResponse { request_id, error } => self.log.push(format!("{request_id} {error}")),
                    _ => self.log.push("ready".into()),
                }
                if self.requests.is_empty() {
                    session.end();
                    None
                } else {
                    Some(session.request(self.requests.remove(0)).unwrap())
                }
            }
        };
        self.saved = Some(serde_json::to_string(&session).unwrap());
        match answer {
            Some(mut envelope) => {
                envelope.hold_requests = self.hold;
                (200, encode(&envelope).into_bytes())
            }
            None => (204, vec![]),
        }
    }
}

fn run(phone: &mut CpeSession, server: &mut Server, carry_out: impl Fn(Message) -> Message) -> SessionOutcome {
    let mut post = phone.start();
    loop {
        let (status, body) = server.post(&post);
        let mut step = phone.on_response(status, &body);
        if let CpeStep::Execute(request) = step {
            step = phone.reply(carry_out(request));
        }
        match step {
            CpeStep::Send(next) => post = next,
            CpeStep::Done(outcome) => return outcome,
            CpeStep::Execute(request) => panic!("{request:?}"),
        }
    }
}

fn nothing(request: Message) -> Message {
    panic!("{request:?}")
}

#[test]
fn inform_and_nothing_to_do() {
    let (mut phone, mut server) = (CpeSession::new(config()), Server::default());
    let outcome = run(&mut phone, &mut server, nothing);
    assert_eq!((outcome.failure, outcome.events_delivered, outcome.requests), (None, true, 0));
    assert_eq!(server.log, ["Inform 2 PERIODIC", "ready"]);
}

#[test]
fn requests_are_carried_out_in_order_and_faults_come_back() {
    let mut phone = CpeSession::new(config());
    let requests = vec![get("A."), Reboot { command_key: "k".into() }.into(), Message::GetRpcMethods];
    let mut server = Server { requests, ..Server::default() };
    let outcome = run(&mut phone, &mut server, |request| match request {
        Message::GetParameterValues(_) => Fault::of(FaultCode::INVALID_PARAMETER_NAME).into(),
        Message::Reboot(_) => Message::RebootResponse,
        // A mistake of the agent becomes a fault, not a wrong answer.
        _ => Message::FactoryResetResponse,
    });
    assert_eq!((outcome.failure, outcome.requests), (None, 3));
    assert_eq!(server.log, ["Inform 2 PERIODIC", "ready", "1 fault 9005", "2 RebootResponse", "3 fault 9002"]);
}

#[test]
fn transfers_are_reported_before_the_empty_post() {
    let mut phone = CpeSession::new(CpeConfig { requests: vec![transfer("a"), transfer("b")], ..config() });
    let mut server = Server { requests: vec![Message::GetRpcMethods], ..Server::default() };
    let methods = |_| GetRpcMethodsResponse { methods: vec!["Reboot".into()] }.into();
    let outcome = run(&mut phone, &mut server, methods);
    assert_eq!(answered(&outcome), [transfer("a"), transfer("b")]);
    assert_eq!(
        server.log,
        ["Inform 2 PERIODIC", "TransferComplete", "TransferComplete", "ready", "1 GetRPCMethodsResponse"]
    );
}

#[test]
fn hold_requests_keeps_transfers_back_until_the_server_has_nothing_more() {
    let mut phone = CpeSession::new(CpeConfig { requests: vec![transfer("a")], ..config() });
    let mut server = Server { requests: vec![Message::FactoryReset], hold: true, ..Server::default() };
    let mut post = phone.start();
    for _ in 0..2 {
        let (status, body) = server.post(&post);
        match phone.on_response(status, &body) {
            CpeStep::Send(next) => post = next,
            CpeStep::Execute(_) => match phone.reply(Message::FactoryResetResponse) {
                CpeStep::Send(next) => post = next,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(server.log, ["Inform 2 PERIODIC", "ready"]);
    // The empty answer lifts the hold (no header is false).
    let CpeStep::Send(Post { body }) = phone.on_response(204, b"") else { panic!() };
    assert!(body.contains("TransferComplete"), "{body}");
}

#[test]
fn fault_8005_repeats_the_very_same_request_a_few_times() {
    let retry = encode(&Envelope::new(CwmpVersion::V1_2, Fault::of(FaultCode::ACS_RETRY_REQUEST).into()));
    let mut phone = CpeSession::new(CpeConfig { requests: vec![transfer("a")], ..config() });
    let inform = phone.start();
    for _ in 0..3 {
        assert_eq!(phone.on_response(200, retry.as_bytes()), CpeStep::Send(inform.clone()));
    }
    let mut patient = phone;
    let response = answer(InformResponse { max_envelopes: 1 }.into());
    let CpeStep::Send(told) = patient.on_response(200, response.as_bytes()) else { panic!() };
    for _ in 0..3 {
        assert_eq!(patient.on_response(200, retry.as_bytes()), CpeStep::Send(told.clone()), "counted anew");
    }
    let CpeStep::Done(outcome) = patient.on_response(200, retry.as_bytes()) else { panic!() };
    assert!(matches!(outcome.failure, Some(SessionFailure::Refused { request: "TransferComplete", .. })));
    assert!(outcome.events_delivered && outcome.answered.is_empty(), "the transfer stays for the next session");

    let mut phone = CpeSession::new(config());
    phone.start();
    for _ in 0..3 {
        phone.on_response(200, retry.as_bytes());
    }
    let CpeStep::Done(outcome) = phone.on_response(200, retry.as_bytes()) else { panic!() };
    assert!(matches!(outcome.failure, Some(SessionFailure::Refused { request: "Inform", .. })));
    assert!(!outcome.events_delivered);
}

#[test]
fn any_other_fault_to_an_inform_ends_the_session() {
    for code in FaultCode::ALL.iter().filter(|code| code.0 < 9000 && **code != FaultCode::ACS_RETRY_REQUEST) {
        let mut phone = CpeSession::new(config());
        phone.start();
        let fault = answer(Fault::of(*code).into());
        let CpeStep::Done(outcome) = phone.on_response(200, fault.as_bytes()) else { panic!("{code}") };
        assert!(matches!(outcome.failure, Some(SessionFailure::Refused { request: "Inform", .. })), "{code}");
    }
}

/// One of each, in an order.
fn own_requests() -> Vec<Message> {
    let names = [
        "transfer-complete",
        "autonomous-transfer-complete",
        "request-download",
        "kicked",
        "get-rpc-methods",
        "du-state-change-complete",
        "autonomous-du-state-change-complete",
    ];
    let samples = crate::common::samples::messages();
    names.iter().map(|wanted| samples.iter().find(|(name, _)| name == wanted).unwrap().1.clone()).collect()
}

#[test]
fn the_phone_asks_everything_it_may_and_the_server_answers() {
    let requests = own_requests();
    assert_eq!(requests.len() + 1, acs::ACS_METHODS.len(), "and the Inform");
    let mut phone = CpeSession::new(CpeConfig { requests: requests.clone(), ..config() });
    let mut server = Server::default();
    let outcome = run(&mut phone, &mut server, nothing);
    assert_eq!((&outcome.failure, answered(&outcome)), (&None, requests.clone()));
    for own in &outcome.answered {
        let answer = own.answer.as_ref().unwrap();
        assert!(answer.kind().answers(own.request.kind()), "{}", answer.name());
        match answer {
            Message::KickedResponse(kicked) => assert_eq!(kicked.next_url, "http://shop.example/done"),
            Message::GetRpcMethodsResponse(response) => assert_eq!(response.methods, acs::ACS_METHODS),
            _ => {}
        }
    }
    let names: Vec<_> = requests.iter().map(Message::name).collect();
    assert_eq!(server.log[1..=names.len()], names);
}

#[test]
fn a_fault_to_any_of_them_is_told_and_the_session_goes_on() {
    let mut phone = CpeSession::new(CpeConfig { requests: own_requests(), ..config() });
    phone.start();
    let mut step = phone.on_response(200, answer(InformResponse { max_envelopes: 1 }.into()).as_bytes());
    for request in own_requests() {
        let CpeStep::Send(post) = &step else { panic!() };
        assert!(post.body.contains(request.name()));
        step = phone.on_response(200, answer(Fault::of(FaultCode::ACS_METHOD_NOT_SUPPORTED).into()).as_bytes());
    }
    assert_eq!(step, CpeStep::Send(Post { body: String::new() }));
    let CpeStep::Done(outcome) = phone.on_response(204, b"") else { panic!() };
    assert_eq!(outcome.failure, None);
    assert!(outcome.answered.iter().all(|own| own.answer == Err(Fault::of(FaultCode::ACS_METHOD_NOT_SUPPORTED))));
}

#[test]
fn a_request_the_schema_forbids_is_not_sent() {
    let requests = vec![transfer(&"k".repeat(33)), transfer("a")];
    let mut phone = CpeSession::new(CpeConfig { requests: requests.clone(), ..config() });
    let mut server = Server::default();
    let outcome = run(&mut phone, &mut server, nothing);
    assert_eq!(answered(&outcome), requests, "nor kept for the next session");
    let refused = outcome.answered[0].answer.as_ref().unwrap_err();
    assert_eq!(refused.code, FaultCode::INVALID_ARGUMENTS);
    assert_eq!(server.log, ["Inform 2 PERIODIC", "TransferComplete", "ready"]);
}

#[test]
fn a_request_that_comes_up_in_the_session_goes_out_in_it() {
    let mut phone = informed(1);
    phone.push(transfer("late"));
    phone.push(Message::FactoryReset);
    let CpeStep::Send(Post { body }) = phone.on_response(204, b"") else { panic!() };
    assert!(body.contains("<CommandKey>late</CommandKey>"), "{body}");
    let done = answer(Message::TransferCompleteResponse);
    assert_eq!(phone.on_response(200, done.as_bytes()), CpeStep::Send(Post { body: String::new() }));
    let CpeStep::Done(outcome) = phone.on_response(204, b"") else { panic!() };
    assert_eq!(answered(&outcome), [transfer("late")], "a phone does not ask for FactoryReset");
}

#[test]
fn versions_are_agreed_on() {
    let offer = |versions: &[CwmpVersion]| {
        let config = CpeConfig { supported_versions: versions.to_vec(), session_timeout: Some(60), ..config() };
        let mut phone = CpeSession::new(config);
        let body = phone.start().body;
        let envelope = decode(body.as_bytes(), &Limits::default()).unwrap();
        let mut server = AcsSession::new();
        let input = server.on_message(Some(envelope));
        (phone, server, input)
    };
    let (mut phone, server, input) = offer(&[CwmpVersion::V1_0, CwmpVersion::V1_2, CwmpVersion::V1_4]);
    let AcsInput::Informed { reply, .. } = input else { panic!() };
    assert_eq!(
        (reply.use_version, reply.version),
        (Some(CwmpVersion::V1_4), CwmpVersion::V1_2),
        "1.4 is written in 1-2"
    );
    assert_eq!((server.protocol, server.session_timeout), (Some(CwmpVersion::V1_4), Some(60)));
    let step = phone.on_response(200, encode(&reply).as_bytes());
    assert_eq!(step, CpeStep::Send(Post { body: String::new() }));

    let (mut phone, _, input) = offer(&[CwmpVersion::V1_0]);
    let AcsInput::Informed { mut reply, .. } = input else { panic!() };
    assert_eq!(reply.use_version, Some(CwmpVersion::V1_0));
    reply.use_version = Some(CwmpVersion::V1_4);
    let CpeStep::Done(outcome) = phone.on_response(200, encode(&reply).as_bytes()) else { panic!() };
    assert_eq!(outcome.failure, Some(SessionFailure::Version(CwmpVersion::V1_4)), "not offered");

    let (_, server, input) = offer(&[]);
    let AcsInput::Informed { reply, .. } = input else { panic!() };
    assert_eq!((reply.use_version, server.protocol), (None, None), "an older phone");
}

#[test]
fn an_older_server_answers_in_its_own_namespace_and_the_phone_follows() {
    let config = CpeConfig { supported_versions: CwmpVersion::ALL.to_vec(), requests: vec![transfer("a")], ..config() };
    let mut phone = CpeSession::new(config);
    phone.start();
    let response = encode(&Envelope::new(CwmpVersion::V1_0, InformResponse { max_envelopes: 1 }.into()));
    let CpeStep::Send(post) = phone.on_response(200, response.as_bytes()) else { panic!() };
    assert!(post.body.contains("urn:dslforum-org:cwmp-1-0"), "{}", post.body);
}

#[test]
fn another_fault_to_a_transfer_drops_it_and_goes_on() {
    let mut phone = CpeSession::new(CpeConfig { requests: vec![transfer("a")], ..config() });
    phone.start();
    let CpeStep::Send(post) = phone.on_response(200, answer(InformResponse { max_envelopes: 1 }.into()).as_bytes())
    else {
        panic!()
    };
    assert!(post.body.contains("TransferComplete"));
    let fault = answer(Fault::of(FaultCode::ACS_INTERNAL_ERROR).into());
    assert_eq!(phone.on_response(200, fault.as_bytes()), CpeStep::Send(Post { body: String::new() }));
    let CpeStep::Done(outcome) = phone.on_response(204, b"") else { panic!() };
    assert_eq!((&outcome.failure, answered(&outcome)), (&None, vec![transfer("a")]));
}

/// From the server, without ID.
fn answer(message: Message) -> String {
    encode(&Envelope::new(CwmpVersion::V1_2, message))
}

fn informed(max_envelopes: u32) -> CpeSession {
    let mut phone = CpeSession::new(config());
    phone.start();
    let step = phone.on_response(200, answer(InformResponse { max_envelopes }.into()).as_bytes());
    assert_eq!(step, CpeStep::Send(Post { body: String::new() }));
    phone
}

#[test]
fn max_envelopes_of_the_server_changes_nothing() {
    for max_envelopes in [0, 1, 5] {
        assert!(matches!(informed(max_envelopes).on_response(200, b""), CpeStep::Done(_)), "an empty 200 ends as 204");
    }
}

#[test]
fn what_the_phone_cannot_read_it_answers_with_a_fault() {
    let mut phone = informed(1);
    for (body, code) in [
        ("<cwmp:Download><CommandKey>k</CommandKey></cwmp:Download>", "<FaultCode>9003</FaultCode>"),
        ("<cwmp:NewThing/>", "<FaultCode>9000</FaultCode>"),
        ("<cwmp:TransferComplete/>", "<FaultCode>9003</FaultCode>"),
    ] {
        let CpeStep::Send(post) = phone.on_response(200, soap(body).as_bytes()) else { panic!() };
        assert!(post.body.contains(code) && post.body.contains(">7</cwmp:ID>"), "{}", post.body);
    }
    let CpeStep::Done(outcome) = phone.on_response(200, b"<html>") else { panic!() };
    assert!(matches!(outcome.failure, Some(SessionFailure::Unreadable(_))));
}

#[test]
fn sessions_fail_on_errors_and_nonsense() {
    let fails = |status: u16, body: &str| {
        let mut phone = CpeSession::new(config());
        phone.start();
        match phone.on_response(status, body.as_bytes()) {
            CpeStep::Done(SessionOutcome { failure: Some(failure), events_delivered: false, .. }) => failure,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(fails(503, ""), SessionFailure::Http(503));
    assert_eq!(fails(204, ""), SessionFailure::Unanswered("Inform"));
    assert_eq!(
        fails(200, &answer(Message::TransferCompleteResponse)),
        SessionFailure::OutOfTurn("TransferCompleteResponse")
    );
    let wrong_id = encode(&Envelope::new(CwmpVersion::V1_2, InformResponse { max_envelopes: 1 }.into()).with_id("99"));
    assert!(matches!(fails(200, &wrong_id), SessionFailure::OutOfTurn(_)));
    assert_eq!(CpeSession::new(config()).on_transport_failure().failure, Some(SessionFailure::Transport));
}

#[test]
fn a_server_that_never_ends_is_left() {
    let mut phone = informed(1);
    let request = answer(Message::GetRpcMethods);
    let mut steps = 0;
    loop {
        match phone.on_response(200, request.as_bytes()) {
            CpeStep::Execute(_) => drop(phone.reply(Fault::of(FaultCode::REQUEST_DENIED))),
            CpeStep::Done(outcome) => break assert_eq!(outcome.failure, Some(SessionFailure::Endless)),
            CpeStep::Send(post) => panic!("{post:?}"),
        }
        steps += 1;
        assert!(steps < 10_000);
    }
}
