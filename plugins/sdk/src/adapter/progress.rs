//! What came of a step, and what the host is to do next.

use serde::Serialize;

use super::{Chunk, Count, Failure, Limit, Next, Progress, Request};
use crate::canonical::to_json;
use crate::words::UsageClass;

impl Progress {
    /// Send a request.
    pub fn send(request: Request) -> Self {
        Self::next(Next::Send(request))
    }

    /// Fetch public URLs that stand in the payload.
    pub fn fetch(urls: Vec<String>) -> Self {
        Self::next(Next::Fetch(urls))
    }

    /// Go on with the reply that is under way.
    pub fn more() -> Self {
        Self::next(Next::More)
    }

    /// Call again when the caller can take more.
    pub fn pull() -> Self {
        Self::next(Next::Pull)
    }

    /// The answer is complete.
    pub fn done() -> Self {
        Self::next(Next::Done)
    }

    pub fn failed(failure: Failure) -> Self {
        Self::next(Next::Failed(failure))
    }

    /// Adds a piece of the answer.
    pub fn chunk(mut self, chunk: Chunk) -> Self {
        self.chunks.push(chunk);
        self
    }

    /// Says how many tokens of a class the exchange has used so far.
    pub fn count(mut self, class: UsageClass, tokens: u64) -> Self {
        self.usage.push(Count::new(class, tokens));
        self
    }

    pub fn counts(mut self, counts: impl IntoIterator<Item = Count>) -> Self {
        self.usage.extend(counts);
        self
    }

    /// Limits that the vendor reported.
    pub fn limits(mut self, limits: impl IntoIterator<Item = Limit>) -> Self {
        self.limits.extend(limits);
        self
    }

    /// Tells the operator something: a member of the request that had to be dropped, say.
    pub fn warning(mut self, message: impl Into<String>) -> Self {
        self.warnings.push(message.into());
        self
    }

    fn next(next: Next) -> Self {
        Self {
            chunks: Vec::new(),
            usage: Vec::new(),
            limits: Vec::new(),
            warnings: Vec::new(),
            next,
        }
    }
}

impl From<Failure> for Progress {
    fn from(failure: Failure) -> Self {
        Self::failed(failure)
    }
}

impl Chunk {
    /// A piece that carries output of the model.
    pub fn token(canonical: &impl Serialize) -> Self {
        Self {
            data: to_json(canonical),
            token: true,
        }
    }

    /// A piece that carries none: the one with the role, the one with the finish reason.
    pub fn frame(canonical: &impl Serialize) -> Self {
        Self {
            data: to_json(canonical),
            token: false,
        }
    }
}
