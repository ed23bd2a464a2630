"""
A language model that answers from what it is given, the same way every time: no key, no network, no cost.

It stands where a provider's client would stand, takes the time that tokens take, and reports its usage as providers do.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass

from tocsin.demo.chance import Chance

MODEL = "stub-small-1"
PROVIDER = "stub"
FIRST_TOKEN_S = 0.06
SECONDS_PER_TOKEN = 0.002
OUTPUT_TOKENS_MAX = 120

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back: the text, why it ended (`stop`, `length`), and the tokens that are billed."""

    id: str
    text: str
    finish_reason: str
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class StubModel:
    """The model; `chance` decides how long it takes."""

    chance: Chance

    async def complete(self, question: str, passages: list[str]) -> Completion:
        """Answer the question with the sentences of the passages that share most words with it."""
        wanted = {word.lower() for word in _WORD.findall(question)}
        sentences = [sentence for passage in passages for sentence in re.split(r"(?<=\.) ", passage)]
        ranked = sorted(sentences, key=lambda sentence: -len(wanted & {word.lower() for word in _WORD.findall(sentence)}))
        text = " ".join(ranked[:2]) or "I have nothing on that. Please ask our staff."
        words = text.split()
        cut = len(words) > OUTPUT_TOKENS_MAX * 3 // 4
        text = " ".join(words[: OUTPUT_TOKENS_MAX * 3 // 4])
        fingerprint = hashlib.blake2b("\0".join([question, *passages]).encode(), digest_size=8).hexdigest()
        completion = Completion(
            id=f"stub-{fingerprint}",
            text=text,
            finish_reason="length" if cut else "stop",
            input_tokens=count_tokens(question, *passages),
            output_tokens=count_tokens(text),
        )
        await asyncio.sleep(self.chance.latency_s(FIRST_TOKEN_S + SECONDS_PER_TOKEN * completion.output_tokens, "model", fingerprint))
        return completion


def count_tokens(*texts: str) -> int:
    """Four tokens to three words, as English comes out of the usual tokenizers."""
    return -(-sum(len(text.split()) for text in texts) * 4 // 3)
