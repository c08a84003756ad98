"""OpenAI's own client, unchanged, in front of the gateway and the simulator."""

import json
import unittest

import openai

from asking import HELLO
from programs import Simulator, serving

REPLY = "Simulated reply to: Hello there"
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}
CONFIG = """
[vendors.sim]
adapter = "openai"
base_url = "{simulator}/sim/v1"
api_key = "sim-key"
models = ["chat", "limited", {{ name = "embed", capabilities = ["embeddings"] }}]
"""


class OpenAiClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = Simulator()
        cls.addClassCleanup(cls.simulator.stop)
        cls.gateway = serving(CONFIG.format(simulator=cls.simulator.url))
        cls.addClassCleanup(cls.gateway.stop)
        cls.client = cls.with_key("test-key")

    @classmethod
    def with_key(cls, key):
        # Retries would hide what an error looks like.
        client = openai.OpenAI(base_url=f"{cls.gateway.url}/v1", api_key=key, max_retries=0, timeout=10)
        cls.addClassCleanup(client.close)
        return client

    def setUp(self):
        self.simulator.rules()
        self.simulator.forget()

    def chat(self, messages=HELLO, **members):
        return self.client.chat.completions.create(model="chat", messages=messages, **members)

    def fail_with(self, status, **then):
        self.simulator.rules({"then": {"status": status, **then}})

    def test_chat(self):
        answer = self.chat(temperature=0.5, seed=7)
        self.assertEqual(answer.choices[0].message.content, REPLY)
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertEqual((answer.usage.prompt_tokens, answer.usage.completion_tokens), (2, 5))
        received = self.simulator.requests()[0]
        self.assertEqual((received["account"], received["body"]["seed"]), ("sim-key", 7))

    def test_headers_are_there_for_whoever_looks(self):
        raw = self.client.chat.completions.with_raw_response.create(model="chat", messages=HELLO)
        self.assertRegex(raw.headers["x-patchbay-adapter"], r"^openai@\d")
        self.assertEqual(raw.headers["x-patchbay-vendor"], "sim")
        self.assertEqual(raw.parse().choices[0].message.content, REPLY)

    def test_streaming(self):
        chunks = list(self.chat(stream=True))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        self.assertEqual((text, chunks[-1].choices[0].finish_reason), (REPLY, "stop"))
        self.assertTrue(all(chunk.usage is None for chunk in chunks))

    def test_streaming_with_usage(self):
        *chunks, last = self.chat(stream=True, stream_options={"include_usage": True})
        self.assertEqual((last.choices, last.usage.total_tokens), ([], 7))
        self.assertEqual(len(chunks), 7)

    def test_the_clients_own_reading_of_a_stream(self):
        with self.client.chat.completions.stream(model="chat", messages=HELLO) as stream:
            text = "".join(event.delta for event in stream if event.type == "content.delta")
            final = stream.get_final_completion()
        self.assertEqual((text, final.choices[0].message.content), (REPLY, REPLY))

    def test_a_tool_call_and_its_result(self):
        call = self.chat(tools=[WEATHER]).choices[0]
        self.assertEqual(call.finish_reason, "tool_calls")
        function = call.message.tool_calls[0].function
        self.assertEqual(function.name, "weather")
        self.assertEqual(set(json.loads(function.arguments)), {"city", "days"})
        result = {"role": "tool", "tool_call_id": call.message.tool_calls[0].id, "content": "sunny"}
        answer = self.chat([*HELLO, call.message, result], tools=[WEATHER])
        self.assertEqual(answer.choices[0].message.content, REPLY)
        self.assertEqual(self.simulator.requests()[1]["body"]["messages"][2], result)

    def test_a_tool_call_comes_in_fragments(self):
        name, arguments, fragments, finish = "", "", 0, None
        for chunk in self.chat(tools=[WEATHER], tool_choice="required", stream=True):
            finish = chunk.choices[0].finish_reason
            for call in chunk.choices[0].delta.tool_calls or []:
                name += call.function.name or ""
                arguments += call.function.arguments or ""
                fragments += 1
        self.assertEqual((name, finish), ("weather", "tool_calls"))
        self.assertEqual(set(json.loads(arguments)), {"city", "days"})
        self.assertGreater(fragments, 2)

    def test_images_in_messages(self):
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}}
        messages = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, image]}]
        answer = self.chat(messages)
        self.assertEqual(answer.choices[0].message.content, "I see 1 image. Simulated reply to: What is this?")
        self.assertEqual(self.simulator.requests()[0]["body"]["messages"], messages)

    def test_two_choices(self):
        answer = self.chat(n=2)
        said = [(choice.index, choice.message.content, choice.finish_reason) for choice in answer.choices]
        self.assertEqual(said, [(0, REPLY, "stop"), (1, REPLY, "stop")])

    def two_choices(self):
        """The texts and the reasons as they come, by choice."""
        texts, reasons = ["", ""], [None, None]
        for chunk in self.chat(n=2, stream=True):
            for choice in chunk.choices:
                texts[choice.index] += choice.delta.content or ""
                reasons[choice.index] = choice.finish_reason or reasons[choice.index]
        return texts, reasons

    def test_two_choices_in_a_stream(self):
        self.assertEqual(self.two_choices(), ([REPLY, REPLY], ["stop", "stop"]))

    def test_one_choice_of_two_is_no_answer(self):
        def chunk(index, **members):
            choice = {"index": index, "delta": {}, "finish_reason": None, **members}
            return f"data: {json.dumps({'id': 'c', 'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n"

        begun = [chunk(index, delta={"role": "assistant", "content": "Hello"}) for index in (0, 1)]
        body = "".join([*begun, chunk(0, finish_reason="stop")])
        self.simulator.rules({"then": {"body": body, "headers": {"content-type": "text/event-stream"}}})
        with self.assertRaises(openai.APIError) as caught:
            self.two_choices()
        self.assertEqual(caught.exception.code, "malformed_reply")

    def test_structured_output(self):
        schema = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
        wanted = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
        content = self.chat(response_format=wanted).choices[0].message.content
        self.assertEqual(set(json.loads(content)), {"answer"})

    def test_models(self):
        self.assertEqual([model.id for model in self.client.models.list()], ["chat", "embed", "limited"])
        self.assertEqual(self.client.models.retrieve("chat").object, "model")

    def test_embeddings(self):
        # The client asks for base64 by itself and makes numbers of it; both ways must give the same.
        implied = self.client.embeddings.create(model="embed", input=["one", "two words"], dimensions=8)
        explicit = self.client.embeddings.create(
            model="embed", input=["one", "two words"], dimensions=8, encoding_format="float"
        )
        formats = [request["body"].get("encoding_format") for request in self.simulator.requests()]
        self.assertEqual(formats, ["base64", "float"])
        self.assertEqual(len(implied.data), 2)
        for one, other in zip(implied.data, explicit.data):
            self.assertEqual(len(one.embedding), 8)
            for left, right in zip(one.embedding, other.embedding):
                self.assertAlmostEqual(left, right, places=6)
        self.assertEqual(implied.usage.prompt_tokens, 3)

    def test_a_wrong_key(self):
        with self.assertRaises(openai.AuthenticationError) as caught:
            self.with_key("wrong").chat.completions.create(model="chat", messages=HELLO)
        self.assertEqual((caught.exception.status_code, caught.exception.code), (401, "invalid_api_key"))
        self.assertEqual(self.simulator.requests(), [])

    def test_a_model_that_is_not_there(self):
        with self.assertRaises(openai.NotFoundError) as caught:
            self.client.chat.completions.create(model="none", messages=HELLO)
        self.assertEqual((caught.exception.code, caught.exception.param), ("model_not_found", "model"))

    def test_a_rate_limit(self):
        self.fail_with(429, headers={"retry-after": "3"})
        # A model of its own, since nobody asks it again for as long as that.
        with self.assertRaises(openai.RateLimitError) as caught:
            self.client.chat.completions.create(model="limited", messages=HELLO)
        self.assertEqual(caught.exception.code, "rate_limit_exceeded")
        self.assertEqual(caught.exception.response.headers["retry-after"], "3")

    def test_a_bad_request(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.chat([])
        self.assertEqual(caught.exception.param, "messages")
        error = {"message": "too hot", "type": "invalid_request_error", "param": "temperature", "code": None}
        self.fail_with(400, body={"error": error})
        with self.assertRaises(openai.BadRequestError) as caught:
            self.chat(temperature=9)
        self.assertEqual((caught.exception.param, caught.exception.body["message"]), ("temperature", "too hot"))

    def test_a_vendor_that_is_down(self):
        self.fail_with(500)
        with self.assertRaises(openai.InternalServerError) as caught:
            self.chat()
        self.assertEqual((caught.exception.status_code, caught.exception.code), (502, "internal_error"))

    def test_a_stream_that_is_cut(self):
        self.simulator.rules({"then": {"reply": {"tokens": 10}, "cut_after": 4}})
        text = ""
        with self.assertRaises(openai.APIError) as caught:
            for chunk in self.chat(stream=True):
                text += chunk.choices[0].delta.content or ""
        self.assertEqual(text, "token-0 token-1 token-2 token-3")
        self.assertEqual(caught.exception.code, "network_error")


if __name__ == "__main__":
    unittest.main()
