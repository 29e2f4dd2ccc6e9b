//! A 2xx to an INVITE whose call is over: another fork answered late, or the answer crossed the end. It is confirmed and
//! hung up, so that nobody listens to silence there (RFC 3261 §13.2.2.4, §15).

use super::auth::Authorizer;
use super::dialog::Dialog;
use super::line::{Line, RequestId};
use super::message::{Message, Method};
use crate::time::Instant;

/// Sends ACK and BYE for a 2xx nobody here waits for. Does nothing for answers to other requests, and to changes of a
/// session: their dialog has had its BYE.
pub fn part_with(line: &mut Line, now: Instant, id: RequestId, response: &Message) {
    let Some(invite) = line.request(id).filter(|request| request.method == Method::Invite) else { return };
    let untagged = invite.to.parse::<super::message::NameAddr>().is_ok_and(|to| to.tag().is_none());
    let (cseq, Some(mut dialog)) = (invite.cseq, Dialog::from_response(invite, response)) else { return };
    // Numbers a PRACK or an earlier BYE may have used are passed over.
    dialog.local_cseq = cseq.saturating_add(100);
    let Some(target) = line.hop(&dialog.next_hop()).filter(|_| untagged) else { return };
    line.acknowledge(dialog.request_with(Method::Ack, cseq), target.clone());
    let mut bye = dialog.request(Method::Bye);
    line.sign(&mut bye);
    line.authorize(&mut Authorizer::default(), &mut bye);
    // Its answer is nobody's.
    let _ = line.send_to(now, bye, target);
}
