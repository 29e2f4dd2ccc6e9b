//! The server's half alone: what it makes of each message at each moment.

use crate::common::{config, soap, transfer};
use cwmp::*;

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
    assert_eq!(session.request(Message::GetRpcMethods), Err(RequestError::NotReady), "the phone's turn");
    assert!(matches!(session.on_message(Some(inform())), AcsInput::Informed { .. }), "a lost answer");
    assert_eq!(session.on_message(None), AcsInput::Ready);
    assert_eq!(session.request(inform().body), Err(RequestError::NoRequest("Inform")), "no request of a server");
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
    let error = decode(soap("<cwmp:RequestDownload2/>").as_bytes(), &Limits::default()).unwrap_err();
    let AcsInput::Refused { reply, .. } = session.on_error(error) else { panic!() };
    assert_eq!(
        reply.body,
        Message::Fault(Fault::new(FaultCode::ACS_METHOD_NOT_SUPPORTED, "the method RequestDownload2 is not known"))
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
    assert!(matches!(session.on_message(from_phone(transfer("a"), None)), AcsInput::CpeRequest { .. }));
    assert_eq!(session.request(Message::GetRpcMethods), Err(RequestError::NotReady));
}

#[test]
fn a_phone_without_common_version_is_sent_away_with_8006() {
    let mut server = AcsSession::new();
    let envelope = Envelope { supported_versions: Some(vec![]), ..inform() };
    let AcsInput::Incompatible { reply } = server.on_message(Some(envelope)) else { panic!() };
    assert_eq!(reply.body, Fault::of(FaultCode::ACS_VERSION_INCOMPATIBLE).into());
    assert_eq!((reply.id.as_deref(), server.phase), (Some("1"), acs::Phase::Ended));
}

#[test]
fn a_server_that_cannot_keep_it_asks_again() {
    let mut server = AcsSession::new();
    let AcsInput::Informed { reply, .. } = server.on_message(Some(inform())) else { panic!() };
    let again = server.ask_again(&reply);
    assert_eq!((again.body, again.id), (Fault::of(FaultCode::ACS_RETRY_REQUEST).into(), reply.id));
    assert!(matches!(server.on_message(None), AcsInput::Unexpected { .. }), "there is no session yet");
    assert!(matches!(server.on_message(Some(inform())), AcsInput::Informed { .. }));
    let AcsInput::CpeRequest { reply, .. } = server.on_message(from_phone(transfer("a"), Some("2"))) else { panic!() };
    assert_eq!(server.ask_again(&reply).id.as_deref(), Some("2"));
    assert!(matches!(server.on_message(from_phone(transfer("a"), Some("2"))), AcsInput::CpeRequest { .. }));
}
