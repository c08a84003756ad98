"""What can happen to an answer of ten tokens on its way, and what a caller is to hear of it."""

import dataclasses

TOKENS = [("" if number == 0 else " ") + f"token-{number}" for number in range(10)]
FULL = "".join(TOKENS)
HUGE = 100_000
EVENTS = "text/event-stream"

# What the simulator says in its errors.
ASKED_FOR = "a simulator rule asked for this error"
CUT = "the vendor's stream ended before the answer was complete"
BROKE_OFF = "the vendor's reply broke off"
NO_REPLY = "the vendor closed the connection without a reply"
NEITHER = "the vendor's reply is neither what was asked for nor an error"
# In the words of the host or of an adapter, whoever looked.
UNREADABLE = f"cannot be read|cannot read the vendor's reply|{NEITHER}"
NO_ANSWER = f"the vendor's reply holds no answer|{NEITHER}"
ACCOUNT = "the vendor refused the gateway's account"


@dataclasses.dataclass(frozen=True)
class Complete:
    """All of the text, and that it ends there."""

    text: str = FULL


@dataclasses.dataclass(frozen=True)
class Refused:
    """An error before anything else was heard, which therefore has a status."""

    code: str
    # A regular expression, here and below.
    message: str
    status: int = 502
    # Another vendor is asked, where there is one.
    spared: bool = True


@dataclasses.dataclass(frozen=True)
class BrokenOff:
    """An error in the middle of a stream, when this much of it was heard; no other vendor can help."""

    code: str
    message: str
    text: str
    # Otherwise less of the text will do, but some.
    exact: bool = True


DISCONNECTED = Refused("network_error", BROKE_OFF)


@dataclasses.dataclass(frozen=True)
class Case:
    # What a rule of the simulator does.
    then: dict
    # What the caller of a stream is to hear, and of a whole answer.
    stream: object
    whole: object


def same(then, expected):
    return Case(then, expected, expected)


def status(number, *expected, **more):
    return same({"status": number}, Refused(*expected, **more))


def odd(**then):
    return same(then, Complete())


def body_of(text, kind):
    return {"body": text, "headers": {"content-type": kind}}


def body(text, stream, whole, kind="application/json"):
    return Case(body_of(text, kind), Refused("malformed_reply", stream), Refused("malformed_reply", whole))


def events(text):
    return body(text, CUT, UNREADABLE, EVENTS)


def said(tokens):
    return "".join(TOKENS[:tokens])


def connection(then, tokens):
    """The connection breaks. A stream is broken off after so many tokens; before the first it is refused."""
    stream = BrokenOff("network_error", BROKE_OFF, said(tokens)) if tokens else DISCONNECTED
    return Case(then, stream, DISCONNECTED)


def malformed(then, tokens, message=CUT):
    """The same for what cannot be read, or ends in peace and too early."""
    stream = BrokenOff("malformed_reply", message, said(tokens)) if tokens else Refused("malformed_reply", message)
    return Case(then, stream, Refused("malformed_reply", UNREADABLE))


def overloaded(name, text=""):
    """The case, with the kind of error that Anthropic's event is about."""
    kind = ("service_unavailable", ASKED_FOR)
    return dataclasses.replace(CASES[name], stream=BrokenOff(*kind, text) if text else Refused(*kind, 503))


def late(then, stream, whole=Complete()):
    return Case(then, stream, whole)


def timeout(setting, **more):
    return Refused("timeout", f"timeouts.{setting}", 504, **more)


# After four tokens, or somewhere behind the first.
MIDDLE = {
    "cut": connection({"cut_after": 4}, 4),
    "cut-after-all-is-said": connection({"cut_after": 10}, 10),
    "cut-in-few-writes": connection({"cut_after": 4, "coalesce": 3}, 4),
    "cut-in-small-writes": connection({"cut_after": 4, "split": 7}, 4),
    "cut-in-gzip": connection({"cut_after": 4, "gzip": True}, 4),
    "reset": connection({"reset_after": 4}, 4),
    "ended": malformed({"end_after": 4}, 4),
    "ended-after-all-is-said": malformed({"end_after": 10}, 10),
    "ended-without-a-reason": Case({"omit": ["finish", "done"]}, BrokenOff("malformed_reply", CUT, FULL), Complete()),
    "ended-in-gzip": malformed({"end_after": 4, "gzip": True}, 4),
    "malformed": malformed({"malformed_after": 4}, 4, UNREADABLE),
    "malformed-after-all-is-said": malformed({"malformed_after": 10}, 10, UNREADABLE),
    "error": Case(
        {"error_after": 4},
        BrokenOff("internal_error", ASKED_FOR, said(4)),
        Refused("internal_error", ASKED_FOR),
    ),
    "error-after-all-is-said": Case(
        {"error_after": 10},
        BrokenOff("internal_error", ASKED_FOR, FULL),
        Refused("internal_error", ASKED_FOR),
    ),
    "stalled": Case(
        {"stall_after": 4},
        BrokenOff("timeout", "timeouts.idle", said(4)),
        timeout("idle"),
    ),
    "stalled-after-all-is-said": Case(
        {"stall_after": 10},
        BrokenOff("timeout", "timeouts.idle", FULL),
        timeout("idle"),
    ),
    "endless": late(
        {"endless": True, "interval_ms": 100},
        BrokenOff("timeout", "timeouts.stream", FULL + 100 * TOKENS[-1], exact=False),
    ),
    "endless-and-cut": late(
        {"endless": True, "cut_after": 12},
        BrokenOff("network_error", BROKE_OFF, FULL + 2 * TOKENS[-1]),
        DISCONNECTED,
    ),
    "length-far-too-short": Case(
        {"content_length": -900},
        BrokenOff("malformed_reply", f"{CUT}|{UNREADABLE}", FULL, exact=False),
        Refused("malformed_reply", UNREADABLE),
    ),
}

# Before the first token.
START = {
    "never": same({"never": True}, timeout("first_byte")),
    "no-first-token": late({"first_token_ms": 9000}, timeout("first_token")),
    "stalled-at-once": Case({"stall_after": 0}, timeout("first_token"), timeout("idle")),
    "reset-before-headers": same({"reset": "before_headers"}, Refused("network_error", NO_REPLY)),
    "reset-after-headers": connection({"reset": "after_headers"}, 0),
    "reset-at-once": connection({"reset_after": 0}, 0),
    "cut-at-once": connection({"cut_after": 0}, 0),
    "ended-at-once": malformed({"end_after": 0}, 0),
    "malformed-at-once": malformed({"malformed_after": 0}, 0, UNREADABLE),
    "error-at-once": same({"error_after": 0}, Refused("internal_error", ASKED_FOR)),
    "error-with-the-first-token": same({"error_after": 1, "coalesce": 9}, Refused("internal_error", ASKED_FOR)),
    # A stream that has come to its own end needs nothing more.
    "length-too-short": late({"content_length": -5}, Complete(), Refused("malformed_reply", UNREADABLE)),
    "length-too-long": late({"content_length": 20}, Complete(), DISCONNECTED),
    "stream-for-a-whole": Case({"stream": True}, Complete(), Refused("malformed_reply", UNREADABLE)),
    "page": body("<!doctype html><title>Sorry</title>", NEITHER, UNREADABLE, "text/html"),
    "page-as-json": body("<!doctype html><title>Sorry</title>", NEITHER, UNREADABLE),
    "page-as-events": events("<!doctype html><title>Sorry</title>"),
    "empty": body("", NEITHER, UNREADABLE),
    "empty-events": events(""),
    "comments-alone": events(": waiting\n\n: waiting\n\n"),
    "done-alone": events("data: [DONE]\n\n"),
    "braces": body("{}", NEITHER, NO_ANSWER),
    "null": body("null", NEITHER, UNREADABLE),
    "no-choices": body('{"choices": []}', NEITHER, NO_ANSWER),
    "error-as-success": same({"body": {"error": {"message": ASKED_FOR}}}, Refused("unknown_error", ASKED_FOR)),
    "redirect": same(
        {"status": 302, "headers": {"location": "http://127.0.0.1:9/"}, "body": ""},
        Refused("unknown_error", "the vendor answered with status 302"),
    ),
    "400": status(400, "invalid_request", ASKED_FOR, 400, spared=False),
    "401": status(401, "authentication_error", ACCOUNT),
    "402": status(402, "insufficient_quota", "the gateway's account at the vendor has no quota left", 429),
    "403": status(403, "permission_denied", ACCOUNT),
    "404": status(404, "model_not_found", ASKED_FOR, 404),
    "408": status(408, "timeout", ASKED_FOR, 504),
    "413": status(413, "invalid_request", ASKED_FOR, 400, spared=False),
    "422": status(422, "invalid_request", ASKED_FOR, 400, spared=False),
    "429": status(429, "rate_limit_exceeded", ASKED_FOR, 429),
    "500": status(500, "internal_error", ASKED_FOR),
    "502": status(502, "service_unavailable", ASKED_FOR, 503),
    "503": status(503, "service_unavailable", ASKED_FOR, 503),
    "504": status(504, "service_unavailable", ASKED_FOR, 503),
    "529": status(529, "service_unavailable", ASKED_FOR, 503),
    # Read, and not shown as it came.
    "400-as-events": same(
        {"status": 400, **body_of(f'event: error\ndata: {{"error": {{"message": "{ASKED_FOR}"}}}}\n\n', EVENTS)},
        Refused("invalid_request", f"^{ASKED_FOR}$", 400, spared=False),
    ),
    "600": status(600, "unknown_error", ASKED_FOR),
}

# Odd, and complete all the same.
ODD = {
    "nothing": odd(),
    "whole-for-a-stream": odd(stream=False),
    "no-done": odd(omit=["done"]),
    "no-finish": odd(omit=["finish"]),
    "no-usage": odd(omit=["usage"]),
    "whole-without-usage": odd(stream=False, omit=["usage"]),
    "finish-twice": odd(twice="finish"),
    "usage-twice": odd(twice="usage"),
    "done-twice": odd(twice="done"),
    "noise": odd(noise_after=4),
    "noise-at-once": odd(noise_after=0),
    "byte-by-byte": odd(split=1),
    "in-one-write": odd(coalesce=99),
    "gzip": odd(gzip=True),
    "announced": odd(informational=[103, 100]),
    "of-a-fixed-length": odd(content_length=0),
    "huge": same({"huge_after": {"tokens": 10, "bytes": HUGE}}, Complete(FULL + HUGE * "x")),
}

CASES = MIDDLE | START | ODD

# Anthropic's event for an error says that the vendor is overloaded, and its 404 does not say that it is the model.
ANTHROPIC = CASES | {
    "error": overloaded("error", said(4)),
    "error-after-all-is-said": overloaded("error-after-all-is-said", FULL),
    "error-at-once": overloaded("error-at-once"),
    "error-with-the-first-token": overloaded("error-with-the-first-token"),
    "404": status(404, "unknown_error", ASKED_FOR),
}
