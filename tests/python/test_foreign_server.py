"""A server that somebody else wrote, behind the smallest configuration there is and three more lines."""

import os
import unittest

import openai

from programs import ROOT, ForeignServer, Gateway

# To stream, this server looks up its answer once more, so the answer has to be its own answer.
RESPONSES = """
responses:
  "who wrote you?": "Somebody else did."
  "Somebody else did.": "Somebody else did."
defaults:
  unknown_response: "I do not know."
settings:
  lag_enabled: false
"""


class AnyCompatibleServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = ForeignServer(RESPONSES)
        cls.addClassCleanup(cls.server.stop)
        three_lines = f'base_url = "{cls.server.url}/v1"\napi_key = "any"\nmodels = ["some-model"]\n'
        config = (ROOT / "examples/minimal.toml").read_text() + three_lines
        # The example stands in its own folder and on a port that may be taken.
        for example, here in [("127.0.0.1:8080", "127.0.0.1:0"), ("../target", f"{ROOT}/target")]:
            assert example in config, example
            config = config.replace(example, here)
        os.environ["PATCHBAY_KEY"] = "a-callers-key"
        cls.gateway = Gateway(config)
        cls.addClassCleanup(cls.gateway.stop)
        cls.client = openai.OpenAI(base_url=f"{cls.gateway.url}/v1", api_key="a-callers-key", max_retries=0, timeout=10)
        cls.addClassCleanup(cls.client.close)

    def ask(self, **members):
        messages = [{"role": "user", "content": "who wrote you?"}]
        return self.client.chat.completions.create(model="some-model", messages=messages, **members)

    def test_whole(self):
        answer = self.ask()
        self.assertEqual(answer.choices[0].message.content, "Somebody else did.")
        self.assertGreater(answer.usage.total_tokens, 0)

    def test_streamed(self):
        chunks = list(self.ask(stream=True))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        self.assertEqual((text, chunks[-1].choices[0].finish_reason), ("Somebody else did.", "stop"))


if __name__ == "__main__":
    unittest.main()
