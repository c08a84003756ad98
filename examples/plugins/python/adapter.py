"""An adapter in Python, for servers that speak OpenAI's chat API. It writes the request anew and reads every
piece of the answer. What it adds is its setting `system`: a message in front of the caller's.

wit/0.1.0/adapter.wit documents what is exported. In Python its names are in snake_case, a variant case is
a class (`Next_Done`), an option without a value is None, and the error of a result is raised.
"""

import json
import re

from wit_world import exports
from wit_world.exports import adapter as wit
from wit_world.imports.calls import Payload
from wit_world.imports.types import Count, Failure, Header, Scope

SETTINGS = {
    "type": "object",
    "properties": {"system": {"type": "string", "description": "How every chat begins. Default: none."}},
    "additionalProperties": False,
}

# Whom a failure concerns, by its kind. Some of the kinds are codes of the vendor too.
SCOPES = {
    **dict.fromkeys(("invalid_request", "context_length_exceeded"), Scope.REQUEST),
    **dict.fromkeys(("authentication_error", "permission_denied", "insufficient_quota"), Scope.ACCOUNT),
    **dict.fromkeys(("service_unavailable", "timeout"), Scope.ENDPOINT),
    **dict.fromkeys(("rate_limit_exceeded", "model_not_found", "internal_error"), Scope.CANDIDATE),
}

# What an HTTP status says, where the vendor's code does not say it better.
KINDS = {
    400: "invalid_request", 401: "authentication_error", 402: "insufficient_quota", 403: "permission_denied",
    404: "unknown_error", 408: "timeout", 429: "rate_limit_exceeded", 500: "internal_error",
    502: "service_unavailable", 503: "service_unavailable", 504: "service_unavailable",
}  # fmt: skip


class Adapter(exports.Adapter):
    def describe(self) -> wit.Description:
        key = wit.CredentialField("api_key", secret=True, required=True, help="the server's bearer token")
        return wit.Description(
            vendor="python",
            version="0.1.0",
            operations=["chat"],
            endpoints=[wit.Endpoint("api", default_url=None)],
            credentials=[key],
            settings_schema=json.dumps(SETTINGS),
            reply_headers=["retry-after"],
            features="{}",
        )

    def renew(self, call: wit.Call, target: wit.Target) -> None:
        """The key is used as it is."""


class Exchange:
    def __init__(self, streaming: bool) -> None:
        self.streaming = streaming
        self.answered = False

    @classmethod
    def start(cls, call: wit.Call, target: wit.Target, payload: Payload) -> tuple["Exchange", wit.Progress]:
        body = json.loads(payload.bytes())
        if system := json.loads(target.settings).get("system"):
            body["messages"].insert(0, {"role": "system", "content": system})
        key = wit.CredentialHeader("authorization", "Bearer ", wit.CredentialValue_Field("api_key"))
        request = wit.HttpRequest(
            endpoint=None,
            method="POST",
            path="/chat/completions",
            headers=[Header("content-type", "application/json")],
            credentials=[wit.CredentialUse_Header(key)],
            body=wit.Body_Bytes(json.dumps(body).encode()),
            framing=wit.Framing.SSE if call.streaming else wit.Framing.WHOLE,
            canonical=False,
            want_head=False,
        )
        return cls(call.streaming), progress(wit.Next_Send(request))

    def advance(self, now: int, input: wit.Input) -> wit.Progress:
        result = progress(wit.Next_More())
        try:
            result.next = self.read(input, result) or result.next
        except Exception as error:
            # Not JSON, or of another shape. The vendor is to blame; were this a trap, the plugin would be.
            result.next = failure("malformed_reply", f"the vendor's reply cannot be read: {error!r}")
        return result

    def read(self, input: wit.Input, result: wit.Progress) -> wit.Next | None:
        """Adds what the input brought to the result; says what is next unless that is more of the same."""
        match input:
            case wit.Input_Reply(reply):
                return self.answer(reply, result)
            case wit.Input_Events(events):
                steps = (self.event(event.data, result) for event in events)
                return next(filter(None, steps), None)
            case wit.Input_End():
                return failure("malformed_reply", "the stream ended before the answer was complete")

    def answer(self, reply: wit.Reply, result: wit.Progress) -> wit.Next:
        if reply.head.status >= 300:
            return refused(reply)
        answer = json.loads(reply.body)
        if error := answer.get("error"):
            return reported(error)
        if self.streaming:
            return failure("malformed_reply", "a whole answer came in place of a stream")
        self.write(answer, True, result)
        return wit.Next_Done()

    def event(self, data: bytes, result: wit.Progress) -> wit.Next | None:
        if data == b"[DONE]" and self.answered:
            return wit.Next_Done()
        chunk = json.loads(data)
        if error := chunk.get("error"):
            return reported(error)
        self.write(chunk, any(says_something(choice.get("delta")) for choice in chunk["choices"]), result)

    def write(self, canonical: dict, token: bool, result: wit.Progress) -> None:
        if usage := canonical.get("usage"):
            result.usage = counts(usage)
        result.chunks.append(wit.Chunk(json.dumps(canonical).encode(), token))
        self.answered = True


def progress(next: wit.Next) -> wit.Progress:
    return wit.Progress(chunks=[], usage=[], limits=[], warnings=[], next=next)


def failure(kind: str, message: str, code=None, param=None, retry_after=None) -> wit.Next:
    scope = SCOPES.get(kind, Scope.CANDIDATE)
    return wit.Next_Failed(Failure(kind, scope, message, code, param, retry_after, renew_token=False))


def refused(reply: wit.Reply) -> wit.Next:
    """An error reply. Its body may be anything: JSON, a page, nothing."""
    status = reply.head.status
    try:
        error = json.loads(reply.body)["error"]
    except (ValueError, LookupError, TypeError):
        error = f"the vendor answered with status {status}"
    waits = [header.value for header in reply.head.headers if header.name.lower() == "retry-after"]
    seconds = int(waits[0]) if waits and re.fullmatch("[1-9][0-9]{0,8}", waits[0]) else None
    return reported(error, status, seconds and seconds * 1000)


def reported(error: dict | str, status: int = 0, retry_after: int | None = None) -> wit.Next:
    """An error in the vendor's words. One inside a success has no status, but may say one as its code."""
    error = error if isinstance(error, dict) else {"message": error}
    said = {name: str(value) for name, value in error.items() if value is not None}
    code = said.get("code", said.get("type"))
    status = status or (int(code) if code and code.isdecimal() else 0)
    known = next((word for word in (said.get("code"), said.get("type")) if word in SCOPES), None)
    kind = known or KINDS.get(status) or KINDS.get(status // 100 * 100, "unknown_error")
    message = said.get("message", "the vendor reported an error without a message")
    return failure(kind, message, code, said.get("param"), retry_after)


def says_something(delta: dict | None) -> bool:
    """Whether a delta carries output: any member but the role that holds something."""
    return any(value not in (None, "", []) for name, value in (delta or {}).items() if name != "role")


def counts(usage: dict) -> list[Count]:
    """The vendor counts cached tokens as input and reasoning as output too; here no classes overlap."""
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    input = (usage.get("prompt_tokens") or 0) - cached
    output = (usage.get("completion_tokens") or 0) - reasoning
    classes = {"input": input, "output": output, "reasoning": reasoning, "cached-input": cached}
    return [Count(name, max(int(tokens), 0)) for name, tokens in classes.items()]
