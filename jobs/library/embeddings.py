"""Vectors of texts as answers like any other: counted, capped, kept in the journal, sent again where they failed.

Data Designer's embedding columns send their requests beside `acompletion`, the one way that all others go.
"""

import asyncio
import contextlib
import functools
import json
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from data_designer.config.models import GenerationType
from data_designer.engine.models.clients.errors import ProviderError, ProviderErrorKind
from data_designer.engine.models.clients.types import ChatCompletionResponse
from data_designer.engine.models.errors import acatch_llm_exceptions
from data_designer.engine.models.facade import ModelFacade
from data_designer.engine.models.utils import ChatMessage

from jobs.library.answers import build_response

KEPT_LISTS = 64  # of texts with their vectors: one that every row asks for never is the oldest
MOST_TEXTS = 32  # of one request; some providers take no more than 50
DECIMALS = 7  # of a vector's numbers; more tell no two texts apart, and fill the journal

Vectors = list[list[float]]


@dataclass
class _Texts:
    """A list of texts and, once a provider gave them, their vectors; who asks for the same meanwhile waits."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    vectors: Vectors | None = None


@contextlib.contextmanager
def embed_as_answers() -> Iterator[None]:
    """Let requests for vectors go the way of all others while the context is open; a list of texts is asked for once.

    The texts are the request's messages, its answer's content the vectors as JSON.
    """
    embed, complete = ModelFacade.agenerate_text_embeddings, ModelFacade.acompletion
    kept: OrderedDict[tuple[str, ...], _Texts] = OrderedDict()

    async def embed_once(self: Any, input_texts: list[str], **kwargs: Any) -> Vectors:
        key = (self.model_alias, *input_texts)
        texts = kept.setdefault(key, _Texts())
        kept.move_to_end(key)
        if len(kept) > KEPT_LISTS:
            kept.popitem(last=False)
        async with texts.lock:
            if texts.vectors is None:
                vectors: Vectors = []
                for start in range(0, len(input_texts), MOST_TEXTS):
                    part = [ChatMessage.as_user(text) for text in input_texts[start : start + MOST_TEXTS]]
                    response = await self.acompletion(part, **kwargs)
                    vectors += json.loads(response.message.content)
                texts.vectors = vectors
        return texts.vectors

    @functools.wraps(complete)
    async def complete_or_embed(self: Any, messages: Sequence[ChatMessage], *args: Any, **kwargs: Any) -> Any:
        if self.model_generation_type == GenerationType.EMBEDDING:
            return await _ask_for_vectors(self, [str(message.content) for message in messages], kwargs)
        return await complete(self, messages, *args, **kwargs)

    ModelFacade.agenerate_text_embeddings = acatch_llm_exceptions(embed_once)
    ModelFacade.acompletion = complete_or_embed
    try:
        yield
    finally:
        ModelFacade.agenerate_text_embeddings, ModelFacade.acompletion = embed, complete


async def _ask_for_vectors(facade: Any, texts: list[str], kwargs: dict[str, Any]) -> ChatCompletionResponse:
    """Ask a provider for the vectors of texts.

    Raises:
        ProviderError: It gave others than one of the same length for each.
    """
    given = await facade._client.aembeddings(
        facade._build_embedding_request(texts, facade.consolidate_kwargs(**kwargs))
    )
    lengths = {len(vector) for vector in given.vectors}
    if len(given.vectors) != len(texts) or len(lengths) != 1 or 0 in lengths:
        found = f"{len(given.vectors)} of {' and '.join(map(str, sorted(lengths))) or 'no'} numbers"
        words = f"HTTP 200 without a vector for each of {len(texts)} texts, all of one length: {found}"
        raise ProviderError(
            ProviderErrorKind.INTERNAL_SERVER, words, 200, facade.model_provider_name, facade.model_name
        )
    content = json.dumps(np.round(given.vectors, DECIMALS).tolist())
    tokens = None if given.usage is None else given.usage.input_tokens
    return build_response(
        {"content": content, "reasoning": None, "finish_reason": "stop", "usage": [tokens, 0, tokens]}
    )
