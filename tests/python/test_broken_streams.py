"""Everything that can happen to an answer on its way, as OpenAI's client reports it: what is not the complete answer
is raised, and never handed out as a shorter one."""

import unittest

import openai

from asking import WAYS, ask_all, counted, streamed, whole
from broken import ANTHROPIC, CASES, BrokenOff, Complete, Refused, said
from programs import Simulator, serving

# Of the client's errors for a status; from 500 on it is `InternalServerError`.
CLASSES = {400: openai.BadRequestError, 404: openai.NotFoundError, 429: openai.RateLimitError}

CONFIG = """
[timeouts]
first_byte = "700ms"
first_token = "1s"
idle = "1s"
stream = "3s"
total = "3s"

[failover]
retry_delay = "10ms"

[vendors.broken]
adapter = "{adapter}"
base_url = "{simulator}/broken/v1"
api_key = "any"
models = {cases}

[vendors.spare]
adapter = "{adapter}"
base_url = "{simulator}/spare/v1"
api_key = "any"
models = ["spare"]
"""
MODELS = """
[models."{case}"]
targets = ["broken/{case}"]

[models."{case}+spare"]
targets = ["broken/{case}", "spare/spare"]
"""


class BrokenStreams(unittest.TestCase):
    adapter, cases = "openai", CASES

    @classmethod
    def setUpClass(cls):
        cls.simulator = Simulator()
        cls.addClassCleanup(cls.simulator.stop)
        # With a pause between tokens, so that each is there before the next thing happens.
        spoken = {"then": {"reply": {"tokens": 10}, "interval_ms": 5}}
        faults = [{"when": {"vendor": "broken", "model": name}, "then": case.then} for name, case in cls.cases.items()]
        cls.simulator.rules(spoken, *faults)
        config = CONFIG.format(simulator=cls.simulator.url, adapter=cls.adapter, cases=list(CASES))
        cls.gateway = serving(config + "".join(MODELS.format(case=case) for case in CASES))
        cls.addClassCleanup(cls.gateway.stop)

    def test_alone(self):
        for way, name, heard in ask_all(self.gateway.url, [(way, name) for name in CASES for way in WAYS]):
            with self.subTest(case=name, way=way.__name__):
                self.check(heard, self.expected(way, name), way)

    def test_with_a_spare(self):
        for way, name, heard in ask_all(self.gateway.url, [(way, f"{name}+spare") for name in CASES for way in WAYS]):
            with self.subTest(case=name, way=way.__name__):
                expected = self.expected(way, name.removesuffix("+spare"))
                rescued = isinstance(expected, Refused) and expected.spared
                self.check(heard, Complete() if rescued else expected, way)

    def expected(self, way, name):
        case = self.cases[name]
        return case.whole if way is whole else case.stream

    def check(self, heard, expected, way):
        match expected:
            case Complete(text):
                self.assertIsNone(heard.error)
                self.assertEqual((heard.text, heard.finish), (text, "stop"))
                if way in (counted, whole):
                    self.assertGreaterEqual(heard.usage.completion_tokens, 10)
            case Refused(code, message, status):
                kind = CLASSES.get(status, openai.InternalServerError)
                self.assertIs(type(heard.error), kind, heard.error)
                self.assertEqual((heard.error.status_code, heard.text), (status, ""))
                self.check_error(heard.error, code, message)
            case BrokenOff(code, message, text, exact):
                # Not one of its subclasses, which are for statuses and for the way to the gateway.
                self.assertIs(type(heard.error), openai.APIError, heard.error)
                self.assertIsNone(heard.finish)
                if exact:
                    self.assertEqual(heard.text, text)
                else:
                    self.assertTrue(heard.text and text.startswith(heard.text), heard.text)
                self.check_error(heard.error, code, message)

    def check_error(self, error, code, message):
        self.assertEqual((error.code, error.body["code"]), (code, code))
        self.assertRegex(error.body["message"], message)
        self.assertIn(error.body["message"], error.message)

class BrokenTranslatedStreams(BrokenStreams):
    """The same from a vendor whose stream is translated."""

    adapter, cases = "anthropic", ANTHROPIC


class WithoutAserving(unittest.TestCase):
    def test_the_client_takes_a_short_answer_for_a_whole_one(self):
        """Or the others would only show how careful the client is."""
        simulator = Simulator()
        self.addCleanup(simulator.stop)
        simulator.rules({"then": {"reply": {"tokens": 10}, **CASES["ended"].then}})
        [(_, _, heard)] = ask_all(simulator.url, [(streamed, "any")])
        self.assertEqual((heard.text, heard.error), (said(4), None))


if __name__ == "__main__":
    unittest.main()
