"""OpenAI's client and a vendor that speaks Anthropic's format, which the caller need not know."""

import json
import unittest

import openai

from asking import HELLO, KEY
from programs import Simulator, serving
from test_openai_client import REPLY, WEATHER

CONFIG = """
[vendors.sim]
adapter = "anthropic"
base_url = "{simulator}/anthropic/v1"
api_key = "sim-key"
models = ["chat", "shared"]

[vendors.other]
adapter = "openai"
base_url = "{simulator}/other/v1"
api_key = "other-key"
models = ["shared"]
"""
# Two calls in one message: more than the simulator makes by itself. In Anthropic's words, made for this test.
CALLS = [("toolu_1", {"city": "Oslo", "days": 2}), ("toolu_2", {"city": "São Paulo", "days": 3})]
USAGE = {"input_tokens": 20, "cache_creation_input_tokens": 300, "cache_read_input_tokens": 4000, "output_tokens": 50}
MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "model": "chat", "usage": USAGE}


def two_calls():
    content = [{"type": "text", "text": "Let me see."}]
    content += [{"type": "tool_use", "id": id, "name": "weather", "input": input} for id, input in CALLS]
    return {"body": {**MESSAGE, "content": content, "stop_reason": "tool_use", "stop_sequence": None}}


def two_calls_streamed():
    events = [{"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}}]

    def block(index, beginning, deltas):
        events.append({"type": "content_block_start", "index": index, "content_block": beginning})
        events.extend({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
        events.append({"type": "content_block_stop", "index": index})

    texts = ["Let me", " see."]
    block(0, {"type": "text", "text": ""}, [{"type": "text_delta", "text": text} for text in texts])
    for index, (id, input) in enumerate(CALLS, 1):
        arguments = json.dumps(input, ensure_ascii=False)
        fragments = [arguments[at : at + 5] for at in range(0, len(arguments), 5)]
        deltas = [{"type": "input_json_delta", "partial_json": fragment} for fragment in fragments]
        block(index, {"type": "tool_use", "id": id, "name": "weather", "input": {}}, deltas)
    events.append({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 50}})
    events.append({"type": "message_stop"})
    text = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return {"body": text, "headers": {"content-type": "text/event-stream"}}


class Anthropic(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = Simulator()
        cls.addClassCleanup(cls.simulator.stop)
        cls.gateway = serving(CONFIG.format(simulator=cls.simulator.url))
        cls.addClassCleanup(cls.gateway.stop)
        cls.client = openai.OpenAI(base_url=f"{cls.gateway.url}/v1", api_key=KEY, max_retries=0, timeout=10)
        cls.addClassCleanup(cls.client.close)

    def setUp(self):
        self.simulator.rules()
        self.simulator.forget()

    def chat(self, messages=HELLO, **members):
        return self.client.chat.completions.create(model="chat", messages=messages, **members)

    def answer(self, then):
        self.simulator.rules({"then": then})

    def received(self):
        return self.simulator.requests()[-1]["body"]

    def test_chat(self):
        system = {"role": "system", "content": "Be brief."}
        answer = self.chat([system, *HELLO], temperature=0.5, stop=["never said"])
        self.assertEqual((answer.choices[0].message.content, answer.choices[0].finish_reason), (REPLY, "stop"))
        self.assertEqual((answer.usage.prompt_tokens, answer.usage.completion_tokens), (4, 5))
        body = self.received()
        self.assertEqual((body["temperature"], body["stop_sequences"]), (0.5, ["never said"]))
        self.assertEqual([message["role"] for message in body["messages"]], ["user"])
        self.assertIn("Be brief.", json.dumps(body["system"]))

    def test_streaming_with_usage(self):
        *chunks, last = self.chat(stream=True, stream_options={"include_usage": True})
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        self.assertEqual((text, chunks[-1].choices[0].finish_reason), (REPLY, "stop"))
        self.assertEqual((last.choices, last.usage.prompt_tokens, last.usage.total_tokens), ([], 2, 7))

    def test_a_limit(self):
        answer = self.chat(max_tokens=2)
        choice = answer.choices[0]
        self.assertEqual((choice.message.content, choice.finish_reason), ("Simulated reply", "length"))

    def test_a_tool_call_and_its_result(self):
        call = self.chat(tools=[WEATHER]).choices[0]
        self.assertEqual(call.finish_reason, "tool_calls")
        function = call.message.tool_calls[0].function
        self.assertEqual(function.name, "weather")
        arguments = json.loads(function.arguments)
        self.assertEqual(set(arguments), {"city", "days"})
        result = {"role": "tool", "tool_call_id": call.message.tool_calls[0].id, "content": "sunny"}
        # The simulator answers with text only where it finds the result.
        answer = self.chat([*HELLO, call.message, result], tools=[WEATHER])
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        user, assistant, results = self.received()["messages"]
        self.assertEqual((assistant["role"], assistant["content"][-1]["input"]), ("assistant", arguments))
        self.assertEqual((results["role"], results["content"][0]["type"]), ("user", "tool_result"))

    def check_two_calls(self, choice, usage):
        self.assertEqual((choice.finish_reason, choice.message.content), ("tool_calls", "Let me see."))
        calls = [(call.id, json.loads(call.function.arguments)) for call in choice.message.tool_calls]
        self.assertEqual(calls, CALLS)
        self.assertEqual({call.function.name for call in choice.message.tool_calls}, {"weather"})
        # What was read from a cache or written to one is part of the prompt.
        self.assertEqual((usage.prompt_tokens, usage.completion_tokens), (4320, 50))
        self.assertEqual((usage.total_tokens, usage.prompt_tokens_details.cached_tokens), (4370, 4000))

    def test_two_calls_at_once(self):
        self.answer(two_calls())
        answer = self.chat(tools=[WEATHER], parallel_tool_calls=True)
        self.check_two_calls(answer.choices[0], answer.usage)

    def test_two_calls_in_fragments(self):
        self.answer(two_calls_streamed())
        ask = self.client.chat.completions.stream
        options = {"include_usage": True}
        with ask(model="chat", messages=HELLO, tools=[WEATHER], stream_options=options) as stream:
            final = stream.get_final_completion()
        self.check_two_calls(final.choices[0], final.usage)

    def test_calls_that_break_off(self):
        """Arguments that are not all there must not look as if they were."""
        complete = two_calls_streamed()
        cut = complete["body"].index("toolu_2")
        end = complete["body"].index("\n\n", cut) + 2
        self.answer({**complete, "body": complete["body"][:end]})
        with self.assertRaises(openai.APIError) as caught:
            list(self.chat(tools=[WEATHER], stream=True))
        self.assertEqual(caught.exception.code, "malformed_reply")

    def test_images(self):
        data = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
        link = {"type": "image_url", "image_url": {"url": "https://images.example/cat.png"}}
        words = {"type": "text", "text": "What are these?"}
        answer = self.chat([{"role": "user", "content": [words, data, link]}])
        self.assertEqual(answer.choices[0].message.content, "I see 2 images. Simulated reply to: What are these?")
        sources = [block["source"] for block in self.received()["messages"][0]["content"] if block["type"] == "image"]
        self.assertEqual(
            sources,
            [
                {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
                {"type": "url", "url": "https://images.example/cat.png"},
            ],
        )

    def test_a_large_image(self):
        """Which the adapter does not get to see."""
        data = "QUJD" * 300_000
        image = {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}
        answer = self.chat([{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}])
        self.assertEqual(answer.choices[0].message.content, "I see 1 image. Simulated reply to: What is this?")

    def test_several_choices_are_refused(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.chat(n=2)
        self.assertEqual((caught.exception.param, self.simulator.requests()), ("n", []))

    def test_several_choices_are_left_to_a_vendor_that_gives_them(self):
        answer = self.client.chat.completions.create(model="shared", messages=HELLO, n=2)
        self.assertEqual([choice.message.content for choice in answer.choices], [REPLY, REPLY])
        self.assertEqual([request["vendor"] for request in self.simulator.requests()], ["other"])


if __name__ == "__main__":
    unittest.main()
