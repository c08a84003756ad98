"""The ways in which programs ask with OpenAI's client, and what they hear."""

import asyncio
import concurrent.futures
import contextlib
import dataclasses

import openai

HELLO = [{"role": "user", "content": "Hello there"}]
KEY = "test-key"
# Threads, and as many asynchronous requests.
AT_ONCE = 32


@dataclasses.dataclass
class Heard:
    """What a program knows at the end. With an error, the text is what came before it."""

    text: str = ""
    finish: str | None = None
    usage: object = None
    error: Exception | None = None

    def take(self, chunk):
        for choice in chunk.choices:
            self.text += choice.delta.content or ""
            self.finish = choice.finish_reason or self.finish
        self.usage = chunk.usage or self.usage

    def take_whole(self, answer):
        choice = answer.choices[0]
        self.text, self.finish, self.usage = choice.message.content or "", choice.finish_reason, answer.usage


def streamed(client, model, **members):
    heard = Heard()
    try:
        for chunk in client.chat.completions.create(model=model, messages=HELLO, stream=True, **members):
            heard.take(chunk)
    except Exception as error:
        heard.error = error
    return heard


def counted(client, model):
    return streamed(client, model, stream_options={"include_usage": True})


def accumulated(client, model):
    """By the client's own reading of a stream, which hands out the answer at its end."""
    heard = Heard()
    try:
        with client.chat.completions.stream(model=model, messages=HELLO) as stream:
            try:
                heard.take_whole(stream.get_final_completion())
            except openai.APIError:
                # Asserts that there is one.
                with contextlib.suppress(AssertionError):
                    heard.take_whole(stream.current_completion_snapshot)
                raise
    except Exception as error:
        heard.error = error
    return heard


def whole(client, model):
    heard = Heard()
    try:
        heard.take_whole(client.chat.completions.create(model=model, messages=HELLO))
    except Exception as error:
        heard.error = error
    return heard


async def awaited(client, model):
    heard = Heard()
    try:
        stream = await client.chat.completions.create(model=model, messages=HELLO, stream=True)
        async for chunk in stream:
            heard.take(chunk)
    except Exception as error:
        heard.error = error
    return heard


STREAMING = [streamed, counted, accumulated, awaited]
WAYS = [*STREAMING, whole]


def ask_all(server, questions):
    """Asks every question, a way and a model, and gives what was heard with each."""
    # Retries would hide errors. The client's patience is longer than any clock of the gateway.
    settings = {"base_url": f"{server}/v1", "api_key": KEY, "max_retries": 0, "timeout": 30}
    with openai.OpenAI(**settings) as client, concurrent.futures.ThreadPoolExecutor(AT_ONCE + 1) as threads:
        asynchronous = threads.submit(asyncio.run, _await_all(settings, questions))
        answers = [(way, model, threads.submit(way, client, model)) for way, model in questions if way is not awaited]
        heard = [(way, model, answer.result()) for way, model, answer in answers]
        return heard + asynchronous.result()


async def _await_all(settings, questions):
    room = asyncio.Semaphore(AT_ONCE)
    async with openai.AsyncOpenAI(**settings) as client:

        async def ask(model):
            async with room:
                return awaited, model, await awaited(client, model)

        return await asyncio.gather(*(ask(model) for way, model in questions if way is awaited))
