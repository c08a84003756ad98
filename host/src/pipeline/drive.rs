//! One attempt under way: asks the adapter what to do, does it, and tells the adapter what came of it, until the
//! answer is complete or the attempt has failed.
//!
//! Knows no other candidate and never retries.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::conversation::Conversation;
use super::events::Events;
use crate::chat::{AnswerPeek, ChatRequest, Document, Used, completed};
use crate::failure::{Failure, Kind, Scope};
use crate::generation::Generation;
use crate::plugin::{Call, Chunk, Event, Input, Next, Outgoing, Progress};
use crate::pool::Reported;
use crate::route::{Candidate, Way};
use crate::stream::{Chunks, Expected, Meter, Passed};
use crate::upstream::{Upstream, UpstreamReply, compose};

/// Requests one exchange may send: batches and pages.
const REQUESTS: u32 = 100;
/// Pulls in a row that may bring nothing.
const EMPTY_PULLS: u32 = 100;
/// Until a stream's reply begins, where nothing is configured.
const FIRST_BYTE: Duration = Duration::from_secs(60);

/// A piece of the answer.
#[derive(Debug)]
pub(crate) enum Piece {
    /// All of it, in canonical JSON.
    Whole(Bytes),
    /// Some of its stream.
    Chunks(Chunks),
}

/// The attempt. Dropping it stops the work upstream and throws the plugin's instance away.
#[derive(Debug)]
pub(crate) struct Drive {
    candidate: Arc<Candidate>,
    adapter: Conversation,
    upstream: Upstream,
    first_byte: Option<Duration>,
    idle: Option<Duration>,
    payload: Document,
    streaming: bool,
    meter: Meter,
    state: State,
    /// A piece that came together with the first instruction.
    ready: Option<Piece>,
    answered: bool,
    /// What the vendor has said of its limits, until somebody takes it.
    limits: Vec<Reported>,
    requests: u32,
    empty_pulls: u32,
}

#[derive(Debug)]
enum State {
    /// The adapter has said what to do.
    Told(Next),
    /// A canonical stream passes through.
    Passing(Events),
    /// The adapter translates a reply that is under way.
    Translating(Events),
    /// The answer is complete.
    Over,
}

// === impl Drive ===

impl Drive {
    /// Starts the exchange. What goes wrong from then on is told without the account's credentials.
    pub(crate) async fn start(
        candidate: &Arc<Candidate>,
        way: &Way,
        call: &Call,
        request: &ChatRequest,
        generation: &Generation,
    ) -> Result<Self, Failure> {
        let payload = request.for_upstream(
            &candidate.model,
            candidate.max_output_tokens,
            candidate.parameters.iter(),
        );
        let (adapter, progress) = Conversation::begin(way, call, payload.bytes().clone()).await?;
        let timeouts = &generation.settings.timeouts;
        let mut drive = Self {
            candidate: candidate.clone(),
            adapter,
            upstream: generation.upstream.clone(),
            first_byte: timeouts.first_byte.or(call.streaming.then_some(FIRST_BYTE)),
            idle: timeouts.idle,
            payload,
            streaming: call.streaming,
            meter: Meter::new(Expected {
                usage: request.include_usage,
                choices: request.choices,
                input: request.input_tokens,
            }),
            state: State::Over,
            ready: None,
            answered: false,
            limits: Vec::new(),
            requests: 0,
            empty_pulls: 0,
        };
        drive.ready = drive.take(progress, None)?;
        Ok(drive)
    }

    /// The next piece, or none when the answer is complete. Not to be called after an error or the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Piece>, Failure> {
        let piece = self.go_on().await;
        piece.map_err(|failure| failure.without(self.candidate.credentials.values()))
    }

    async fn go_on(&mut self) -> Result<Option<Piece>, Failure> {
        if let Some(ready) = self.ready.take() {
            return Ok(Some(ready));
        }
        loop {
            let piece = match std::mem::replace(&mut self.state, State::Over) {
                State::Told(Next::Send(request)) => self.send(*request).await?,
                State::Told(Next::Pull) => self.pull().await?,
                State::Told(Next::Failed(failure)) => return Err(failure),
                State::Told(Next::More) => {
                    return Err(self.adapter.broke("asks for more, while no reply is under way"));
                }
                State::Told(Next::Done) | State::Over => return self.finish(),
                State::Passing(events) => self.pass(events).await?,
                State::Translating(events) => self.translate(events).await?,
            };
            if piece.is_some() {
                return Ok(piece);
            }
        }
    }

    /// The failure that is known to come next, if one is.
    pub(crate) fn doomed(&mut self) -> Option<Failure> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Told(Next::Failed(failure)) => Some(failure.without(self.candidate.credentials.values())),
            other => {
                self.state = other;
                None
            }
        }
    }

    /// What the vendor has said of its limits since this was asked for last, also with a failure.
    pub(crate) fn limits(&mut self) -> Vec<Reported> {
        std::mem::take(&mut self.limits)
    }

    /// What has been used so far.
    pub(crate) fn used(&self) -> Used {
        self.meter.used()
    }

    /// What a complete stream still lacks, framed.
    pub(crate) fn closing(&mut self, out: &mut BytesMut) {
        self.meter.closing(out);
    }

    fn finish(&mut self) -> Result<Option<Piece>, Failure> {
        if self.answered {
            self.meter.end();
            Ok(None)
        } else {
            Err(self.adapter.broke("is done without an answer"))
        }
    }

    async fn send(&mut self, request: Outgoing) -> Result<Option<Piece>, Failure> {
        self.requests += 1;
        if self.requests > REQUESTS {
            return Err(self.adapter.broke(format!("sends more than {REQUESTS} requests")));
        }
        let (framing, canonical, want_head) = (request.framing, request.canonical, request.want_head);
        let request = self.adapter.complete(request)?;
        let request = compose(request, &self.payload, &self.candidate.credentials)?;
        if canonical && !want_head {
            self.adapter.let_go();
        }
        let reply = self.upstream.send(request, self.first_byte).await?;
        if !reply.is_success() {
            return self.hand_over_whole(reply).await;
        }
        match (canonical, reply.is_framed_as(framing)) {
            (true, true) if self.streaming => {
                if want_head {
                    self.show_head(&reply).await?;
                }
                self.state = State::Passing(Events::new(reply, framing, usize::MAX));
                Ok(None)
            }
            (true, false) if !self.streaming => self.pass_whole(reply, want_head).await,
            (false, true) => {
                let head = Input::Head(reply.head());
                let events = Events::new(reply, framing, self.adapter.most_events());
                self.advance(head, Some(events)).await
            }
            // A stream where none was asked for, or none where one was: the adapter must make sense of it.
            (true, true | false) | (false, false) => self.hand_over_whole(reply).await,
        }
    }

    /// A whole answer that is canonical already, unless it is an error that came as a success.
    async fn pass_whole(
        &mut self,
        mut reply: UpstreamReply,
        want_head: bool,
    ) -> Result<Option<Piece>, Failure> {
        let body = reply.read_whole(self.idle).await?;
        let peek = AnswerPeek::read(&body)
            .map_err(|error| Failure::malformed(format!("the reply cannot be read: {error}")))?;
        if peek.error {
            let head = reply.head();
            return self.advance(Input::Reply { head, body }, None).await;
        }
        if !peek.answers {
            return Err(Failure::malformed("the vendor's reply holds no answer"));
        }
        if want_head {
            self.show_head(&reply).await?;
        }
        Ok(Some(self.whole(body, &peek)))
    }

    fn whole(&mut self, answer: Bytes, peek: &AnswerPeek) -> Piece {
        self.meter.read_answer(peek.usage, peek.weight);
        self.answered = true;
        Piece::Whole(completed(answer, peek, self.meter.used()))
    }

    async fn hand_over_whole(&mut self, mut reply: UpstreamReply) -> Result<Option<Piece>, Failure> {
        let head = reply.head();
        let body = reply.read_whole(self.idle).await?;
        self.advance(Input::Reply { head, body }, None).await
    }

    /// Lets the adapter see the head of a canonical success, for the limits in it; it may only agree or fail.
    async fn show_head(&mut self, reply: &UpstreamReply) -> Result<(), Failure> {
        let progress = self.adapter.show(reply.head()).await?;
        self.adapter.let_go();
        self.limits.extend(progress.limits);
        match progress.next {
            Next::More | Next::Done => Ok(()),
            Next::Failed(failure) => Err(failure),
            Next::Send(_) | Next::Pull => Err(self
                .adapter
                .broke("neither goes on nor fails at the head of a success")),
        }
    }

    async fn pull(&mut self) -> Result<Option<Piece>, Failure> {
        // A guest that pulls for ever must not keep this task from being cancelled.
        tokio::task::yield_now().await;
        let piece = self.advance(Input::Pull, None).await?;
        self.empty_pulls = if piece.is_some() { 0 } else { self.empty_pulls + 1 };
        if self.empty_pulls > EMPTY_PULLS {
            return Err(self
                .adapter
                .broke(format!("pulls more than {EMPTY_PULLS} times without a chunk")));
        }
        Ok(piece)
    }

    /// Reads what has arrived of a canonical stream and lets it through.
    async fn pass(&mut self, mut events: Events) -> Result<Option<Piece>, Failure> {
        let Some(batch) = self.next_events(&mut events).await? else {
            self.meter.check_complete()?;
            return Ok(None);
        };
        let mut chunks = Chunks::default();
        let mut error = None;
        for event in batch {
            match self.meter.pass(&event.data, &mut chunks)? {
                Passed::Through => {}
                Passed::Error => error = Some(event),
                Passed::Skipped => self.warn("an event of the stream that cannot be read was skipped"),
            }
            if error.is_some() || self.meter.is_done() {
                break;
            }
        }
        if let Some(event) = error {
            // What came before the error is still the caller's; the error is the next thing to come.
            self.state = State::Told(Next::Failed(self.read_error(event).await));
        } else if self.meter.is_done() {
            events.finish();
            self.meter.check_complete()?;
        } else {
            self.state = State::Passing(events);
        }
        self.answered |= !chunks.frames.is_empty();
        Ok((!chunks.frames.is_empty()).then_some(Piece::Chunks(chunks)))
    }

    /// Has the adapter classify an error that came inside a stream.
    async fn read_error(&mut self, event: Event) -> Failure {
        let text = String::from_utf8_lossy(&event.data).into_owned();
        match self.adapter.advance(Input::Events(vec![event])).await {
            Ok(Progress {
                next: Next::Failed(failure),
                limits,
                ..
            }) => {
                self.limits.extend(limits);
                failure
            }
            Ok(_) => Failure::new(
                Kind::Unknown,
                Scope::Candidate,
                format!("the vendor's stream says: {text}"),
            ),
            Err(failure) => failure,
        }
    }

    async fn translate(&mut self, mut events: Events) -> Result<Option<Piece>, Failure> {
        match self.next_events(&mut events).await? {
            Some(batch) => self.advance(Input::Events(batch), Some(events)).await,
            None => self.advance(Input::End, None).await,
        }
    }

    /// The next events; once all that was asked for is there, the vendor is not waited for long.
    async fn next_events(&self, events: &mut Events) -> Result<Option<Vec<Event>>, Failure> {
        if self.meter.is_finished() {
            events.next_soon().await
        } else {
            events.next().await
        }
    }

    async fn advance(&mut self, input: Input, reply: Option<Events>) -> Result<Option<Piece>, Failure> {
        let progress = self.adapter.advance(input).await?;
        self.take(progress, reply)
    }

    /// Accounts what the adapter returned. `reply`: the reply that is under way, if it wants more of it.
    fn take(&mut self, progress: Progress, reply: Option<Events>) -> Result<Option<Piece>, Failure> {
        for (class, tokens) in progress.usage {
            self.meter.count(class, tokens);
        }
        self.limits.extend(progress.limits);
        for warning in progress.warnings {
            self.warn(&warning);
        }
        self.state = match (progress.next, reply) {
            (Next::More, Some(reply)) => State::Translating(reply),
            (Next::Done, Some(reply)) => {
                reply.finish();
                State::Told(Next::Done)
            }
            (next, _) => State::Told(next),
        };
        self.piece(&progress.chunks)
    }

    fn warn(&self, warning: &str) {
        tracing::warn!(
            vendor = self.candidate.vendor,
            model = self.candidate.model,
            "{warning}"
        );
    }

    fn piece(&mut self, made: &[Chunk]) -> Result<Option<Piece>, Failure> {
        match made {
            [] => Ok(None),
            made if self.streaming => {
                let mut chunks = Chunks::default();
                for chunk in made {
                    self.meter
                        .pass_translated(&chunk.data, chunk.token, &mut chunks)?;
                }
                self.answered = true;
                Ok(Some(Piece::Chunks(chunks)))
            }
            [answer] if !self.answered => {
                let peek = AnswerPeek::read(&answer.data).map_err(|error| {
                    self.adapter
                        .broke(format!("made an answer that is not JSON: {error}"))
                })?;
                Ok(Some(self.whole(answer.data.clone(), &peek)))
            }
            _ => Err(self.adapter.broke("made more than one whole answer")),
        }
    }
}
