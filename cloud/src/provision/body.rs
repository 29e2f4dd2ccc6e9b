//! A file on its way, which says when all of it was handed over.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;

use crate::app::provision::handover::Handover;

/// Bytes held back until those before them were written.
const LAST: usize = 256;

/// The file in two pieces. The second is asked for when the first was given to the socket; who has gone away before that never
/// asks for it. What the socket's own buffer and the network do with it afterwards nobody here learns.
pub(super) struct Whole {
    bytes: Bytes,
    waited: bool,
    handover: Option<Handover>,
}

impl Whole {
    pub(super) fn new(bytes: Vec<u8>, handover: Option<Handover>) -> Self {
        Self { bytes: bytes.into(), waited: false, handover }
    }
}

impl Stream for Whole {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.bytes.len() > LAST && !self.waited {
            let first = self.bytes.len() - LAST;
            return Poll::Ready(Some(Ok(self.bytes.split_to(first))));
        }
        if !self.waited {
            // The server writes what it has while nothing more comes.
            self.waited = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(handover) = self.handover.take() {
            handover.done();
        }
        let rest = std::mem::take(&mut self.bytes);
        Poll::Ready((!rest.is_empty()).then_some(Ok(rest)))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};

    use super::*;
    use crate::app::provision::record::Recorder;

    fn whole(length: usize, recorder: &Recorder) -> Whole {
        Whole::new(vec![7; length], Some(Handover::of_token(recorder)))
    }

    #[tokio::test]
    async fn a_file_counts_as_handed_over_with_its_last_bytes_and_not_before() {
        for length in [0, 1, LAST, LAST + 1, 100_000] {
            let recorder = Recorder::default();
            let got: Vec<_> = whole(length, &recorder).map(|piece| piece.unwrap()).collect().await;
            assert_eq!(got.concat(), vec![7; length]);
            assert_eq!(recorder.waiting(), (1, 0), "{length}: it is fetched");
        }
        let recorder = Recorder::default();
        let mut broken = whole(100_000, &recorder);
        assert_eq!(broken.next().await.unwrap().unwrap().len(), 100_000 - LAST);
        assert!(broken.next().now_or_never().is_none(), "what came before is written first");
        assert_eq!(recorder.waiting(), (0, 0));
        drop(broken);
        assert_eq!(recorder.waiting(), (0, 1), "nothing was fetched, and the first token is back");
    }
}
