"""Comments in a stream, for callers who wait: OpenAI's client does not notice them, and does notice what follows."""

import unittest

import openai

from asking import HELLO, KEY, STREAMING, ask_all
from broken import ASKED_FOR, FULL, TOKENS
from programs import Simulator, serving

CONFIG = """
[timeouts]
first_byte = "1s"
idle = "1s"

[vendors.slow]
adapter = "openai"
base_url = "{simulator}/slow/v1"
api_key = "any"
models = {models}

[vendors.spare]
adapter = "openai"
base_url = "{simulator}/spare/v1"
api_key = "any"
models = ["late-failure-and-a-spare"]
"""
# What is slow, and what the caller hears in the end: all of the text, or a piece of it and an error.
LATE = {"latency_ms": 350}
CASES = {
    "late": (LATE, FULL, None),
    "late-first-token": ({"first_token_ms": 350}, FULL, None),
    "slow-tokens": ({"reply": {"tokens": 3}, "interval_ms": 250}, "".join(TOKENS[:3]), None),
    "late-failure-and-a-spare": ({**LATE, "status": 500}, FULL, None),
    "late-failure": ({**LATE, "status": 500}, "", ("internal_error", ASKED_FOR)),
    "late-refusal": ({**LATE, "status": 429}, "", ("rate_limit_exceeded", ASKED_FOR)),
    "late-page": ({**LATE, "body": "<html>"}, "", ("malformed_reply", "neither")),
    "never": ({"never": True}, "", ("timeout", "timeouts.first_byte")),
    "slow-and-cut": (
        {"interval_ms": 250, "cut_after": 3},
        "".join(TOKENS[:3]),
        ("network_error", "broke off"),
    ),
    "slow-and-ended": (
        {"interval_ms": 250, "end_after": 3},
        "".join(TOKENS[:3]),
        ("malformed_reply", "ended before the answer was complete"),
    ),
    "stalled": ({"stall_after": 3}, "".join(TOKENS[:3]), ("timeout", "timeouts.idle")),
}


class KeepAlive(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = Simulator()
        cls.addClassCleanup(cls.simulator.stop)
        rules = [{"when": {"vendor": "slow", "model": name}, "then": then} for name, (then, _, _) in CASES.items()]
        cls.simulator.rules({"then": {"reply": {"tokens": 10}}}, *rules)
        cls.gateway = serving(
            CONFIG.format(simulator=cls.simulator.url, models=list(CASES)), 'keep_alive = "100ms"'
        )
        cls.addClassCleanup(cls.gateway.stop)

    def test_what_comes_after_comments(self):
        for way, name, heard in ask_all(self.gateway.url, [(way, name) for name in CASES for way in STREAMING]):
            _, text, error = CASES[name]
            with self.subTest(case=name, way=way.__name__):
                self.assertEqual((heard.text, heard.finish), (text, None if error else "stop"))
                if error is None:
                    self.assertIsNone(heard.error)
                    continue
                # The status was sent with the first comment.
                self.assertIs(type(heard.error), openai.APIError, heard.error)
                self.assertEqual(heard.error.code, error[0])
                self.assertIn(error[1], heard.error.message)

    def test_there_are_comments(self):
        """Or the other test would show nothing."""
        with openai.OpenAI(base_url=f"{self.gateway.url}/v1", api_key=KEY, max_retries=0, timeout=30) as client:
            for name in CASES:
                with self.subTest(case=name):
                    ask = client.chat.completions.with_streaming_response.create
                    with ask(model=name, messages=HELLO, stream=True) as answer:
                        lines = list(answer.iter_lines())
                    self.assertIn(": waiting", lines)


if __name__ == "__main__":
    unittest.main()
