//! Whole sessions: our phone and our server talk in bytes, the server's state saved and loaded before each POST.
#![allow(clippy::unwrap_used)]

mod common;

use common::soap;
use cwmp::cpe::{CpeConfig, Post, SessionFailure};
use cwmp::*;

fn config() -> CpeConfig {
    CpeConfig {
        version: CwmpVersion::V1_2,
        device_id: DeviceId::new("Bellhop", "000B82", "GHP621W", "000b827fd280"),
        events: vec![Event::new(EventCode::PERIODIC)],
        parameters: vec![],
        current_time: CwmpTime::UNKNOWN,
        retry_count: 0,
        transfers: vec![],
        limits: Limits::default(),
    }
}

fn transfer(key: &str) -> TransferComplete {
    TransferComplete {
        command_key: key.into(),
        fault: TransferFault::success(),
        start_time: CwmpTime::UNKNOWN,
        complete_time: CwmpTime::UNKNOWN,
    }
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
    let mut phone = CpeSession::new(CpeConfig { transfers: vec![transfer("a"), transfer("b")], ..config() });
    let mut server = Server { requests: vec![Message::GetRpcMethods], ..Server::default() };
    let methods = |_| GetRpcMethodsResponse { methods: vec![] }.into();
    let outcome = run(&mut phone, &mut server, methods);
    assert_eq!(outcome.transfers_done, [transfer("a"), transfer("b")]);
    assert_eq!(
        server.log,
        ["Inform 2 PERIODIC", "TransferComplete", "TransferComplete", "ready", "1 GetRPCMethodsResponse"]
    );
}

#[test]
fn hold_requests_keeps_transfers_back_until_the_server_has_nothing_more() {
    let mut phone = CpeSession::new(CpeConfig { transfers: vec![transfer("a")], ..config() });
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
fn fault_8005_repeats_the_request_a_few_times() {
    let retry = encode(&Envelope::new(CwmpVersion::V1_2, Fault::of(FaultCode::ACS_RETRY_REQUEST).into()));
    let mut phone = CpeSession::new(config());
    phone.start();
    for _ in 0..3 {
        let CpeStep::Send(post) = phone.on_response(200, retry.as_bytes()) else { panic!() };
        assert!(post.body.contains("<cwmp:Inform>"));
    }
    let CpeStep::Done(outcome) = phone.on_response(200, retry.as_bytes()) else { panic!() };
    assert!(matches!(outcome.failure, Some(SessionFailure::Refused { request: "Inform", .. })));
    assert!(!outcome.events_delivered);
}

#[test]
fn another_fault_to_a_transfer_drops_it_and_goes_on() {
    let mut phone = CpeSession::new(CpeConfig { transfers: vec![transfer("a")], ..config() });
    phone.start();
    let CpeStep::Send(post) = phone.on_response(200, answer(InformResponse { max_envelopes: 1 }.into()).as_bytes())
    else {
        panic!()
    };
    assert!(post.body.contains("TransferComplete"));
    let fault = answer(Fault::of(FaultCode::ACS_INTERNAL_ERROR).into());
    assert_eq!(phone.on_response(200, fault.as_bytes()), CpeStep::Send(Post { body: String::new() }));
    let CpeStep::Done(outcome) = phone.on_response(204, b"") else { panic!() };
    assert_eq!((outcome.failure, outcome.transfers_done), (None, vec![transfer("a")]));
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

fn server_informed() -> AcsSession {
    let mut session = AcsSession::new();
    assert!(matches!(session.on_message(Some(inform())), AcsInput::Informed { .. }));
    session
}

fn inform() -> Envelope {
    let body = CpeSession::new(config()).start().body;
    decode(body.as_bytes(), &Limits::default()).unwrap()
}

fn from_phone(message: Message, id: Option<&str>) -> Option<Envelope> {
    Some(Envelope { id: id.map(str::to_owned), ..Envelope::new(CwmpVersion::V1_2, message) })
}

#[test]
fn the_server_answers_in_the_phones_version_and_id() {
    let mut session = AcsSession::new();
    let AcsInput::Informed { reply, .. } = session.on_message(Some(inform())) else { panic!() };
    assert_eq!((reply.version, reply.id.as_deref()), (CwmpVersion::V1_2, Some("1")));
    assert_eq!(session.request(Message::GetRpcMethods), Err(acs::NotReady), "the phone's turn");
    assert!(matches!(session.on_message(Some(inform())), AcsInput::Informed { .. }), "a lost answer");
    assert_eq!(session.on_message(None), AcsInput::Ready);
    assert_eq!(session.request(inform().body), Err(acs::NotReady), "no request of a server");
    assert_eq!(session.request(Message::GetRpcMethods).unwrap().version, CwmpVersion::V1_2);
}

#[test]
fn nothing_before_the_inform() {
    for message in [None, from_phone(Message::GetRpcMethods, None)] {
        assert!(matches!(AcsSession::new().on_message(message), AcsInput::Unexpected { .. }));
    }
}

#[test]
fn answers_may_lack_an_id_but_not_have_a_wrong_one() {
    let waiting = || {
        let mut session = server_informed();
        session.on_message(None);
        session.request(Message::FactoryReset).unwrap();
        session
    };
    let response = || Message::FactoryResetResponse;
    for id in [None, Some("1")] {
        let input = waiting().on_message(from_phone(response(), id));
        assert_eq!(input, AcsInput::Response { request_id: "1".into(), message: response() });
    }
    let fault = Fault::of(FaultCode::REQUEST_DENIED);
    let input = waiting().on_message(from_phone(fault.clone().into(), Some("1")));
    assert_eq!(input, AcsInput::Fault { request_id: "1".into(), fault });
    for other in
        [from_phone(response(), Some("2")), from_phone(Message::RebootResponse, Some("1")), None, Some(inform())]
    {
        assert!(matches!(waiting().on_message(other), AcsInput::Unexpected { .. }));
    }
    let error = decode(b"<a>", &Limits::default()).unwrap_err();
    let mut session = waiting();
    assert!(matches!(session.on_error(error), AcsInput::BadResponse { request_id, .. } if request_id == "1"));
    assert!(session.request(Message::GetRpcMethods).is_ok(), "the session goes on");
}

#[test]
fn unknown_requests_of_the_phone_are_refused_and_the_session_goes_on() {
    let mut session = server_informed();
    let error = decode(soap("<cwmp:RequestDownload/>").as_bytes(), &Limits::default()).unwrap_err();
    let AcsInput::Refused { reply, .. } = session.on_error(error) else { panic!() };
    assert_eq!(
        reply.body,
        Message::Fault(Fault::new(FaultCode::ACS_METHOD_NOT_SUPPORTED, "the method RequestDownload is not known"))
    );
    assert_eq!(reply.id.as_deref(), Some("7"));
    assert!(matches!(session.on_message(from_phone(Message::FactoryReset, None)), AcsInput::Refused { .. }));
    let AcsInput::CpeRequest { reply, .. } = session.on_message(from_phone(Message::GetRpcMethods, Some("9"))) else {
        panic!()
    };
    assert_eq!((reply.body.name(), reply.id.as_deref()), ("GetRPCMethodsResponse", Some("9")));
    assert_eq!(session.on_message(None), AcsInput::Ready);
    session.end();
    assert!(matches!(session.on_message(None), AcsInput::Unexpected { .. }));
    let garbage = decode(b"<a>", &Limits::default()).unwrap_err();
    assert!(matches!(session.on_error(garbage), AcsInput::Unexpected { .. }));
}

#[test]
fn a_request_after_the_phones_own_waits_for_its_next_post() {
    let mut session = server_informed();
    session.on_message(None);
    assert!(matches!(session.on_message(from_phone(transfer("a").into(), None)), AcsInput::CpeRequest { .. }));
    assert_eq!(session.request(Message::GetRpcMethods), Err(acs::NotReady));
}
