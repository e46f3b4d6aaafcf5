//! No more connections at a time than were planned for: what is beyond that is closed at once, and takes no room.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Lets so many connections in.
#[derive(Debug, Clone)]
pub(crate) struct Limit(Arc<Semaphore>);

impl Limit {
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }
}

impl<I, S> Accept<I, S> for Limit {
    type Stream = Counted<I>;
    type Service = S;
    type Future = Ready<io::Result<(Counted<I>, S)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let place = self.0.clone().try_acquire_owned().map_err(io::Error::other);
        ready(place.map(|place| (Counted { stream, _place: place }, service)))
    }
}

/// A connection that gives its place back when it ends.
#[derive(Debug)]
pub(crate) struct Counted<I> {
    stream: I,
    _place: OwnedSemaphorePermit,
}

impl<I: Unpin> Counted<I> {
    fn stream(self: Pin<&mut Self>) -> Pin<&mut I> {
        Pin::new(&mut self.get_mut().stream)
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Counted<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream().poll_read(context, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Counted<I> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream().poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_one_too_many_waits_for_nobody_and_a_place_comes_back() {
        let limit = Limit::new(1);
        let first = limit.accept((), ()).into_inner().unwrap();
        assert!(limit.accept((), ()).into_inner().is_err());
        drop(first);
        assert!(limit.accept((), ()).into_inner().is_ok());
    }
}
