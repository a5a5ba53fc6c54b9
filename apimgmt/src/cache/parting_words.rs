//! A stream whose last words are heard: a server that takes no more clients says so and hangs up before it is asked, so
//! that a write fails while its reason waits to be read, or the reason is read as an answer to nothing.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::snapshot::collect::Stream;

/// Reads nothing before something was asked, takes writes to a stream that ended for done, and leaves it to reading to tell
/// the end.
pub(super) struct PartingWords {
    stream: Stream,
    asked: bool,
    reader: Option<Waker>,
}

impl PartingWords {
    /// Of a stream on which nothing has been asked yet.
    pub(super) fn of(stream: Stream) -> Self {
        Self {
            stream,
            asked: false,
            reader: None,
        }
    }
}

/// What an end of the stream leaves of a write.
fn heard<T>(written: Poll<io::Result<T>>, as_if: T) -> Poll<io::Result<T>> {
    use io::ErrorKind as K;
    match written {
        Poll::Ready(Err(error))
            if matches!(
                error.kind(),
                K::BrokenPipe | K::ConnectionReset | K::ConnectionAborted | K::NotConnected
            ) =>
        {
            Poll::Ready(Ok(as_if))
        }
        other => other,
    }
}

impl AsyncRead for PartingWords {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.asked {
            self.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for PartingWords {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.asked = true;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        heard(Pin::new(&mut self.stream).poll_write(context, bytes), bytes.len())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        heard(Pin::new(&mut self.stream).poll_flush(context), ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        heard(Pin::new(&mut self.stream).poll_shutdown(context), ())
    }
}
