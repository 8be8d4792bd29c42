"""A multilingual encoder: load it or begin a new one, run it, save it.

Wraps the masked-language model of `transformers`, so that whatever is saved here opens there,
with or without the language-model head. It adds no head of its own (a task's form does that)
and reads safetensors only: no pickled weights, no remote code.
"""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import (
    AttentionInterface,
    AttentionMaskInterface,
    AutoConfig,
    AutoModelForMaskedLM,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from xstilts.batches import Block
from xstilts.paths import BadInput, MissingData, UserError

FAMILIES = {
    "xlm-roberta": (XLMRobertaConfig, XLMRobertaForMaskedLM),
    "bert": (BertConfig, BertForMaskedLM),
}
SPARE_ROWS = 1024  # embedding matrices may be padded up to a round size, never beyond this


def attention(module, query, key, value, mask, dropout=0.0, scaling=None, blocks=None, **more):
    """torch's attention over [B, heads, T, size], or within the rows of blocks end to end.

    With `blocks`, B is 1 and T the pieces of all of them. What `transformers` asks of an attention
    function: returns [B, T, heads, size] and no weights.
    """
    if blocks is None:
        return sdpa_attention_forward(
            module, query, key, value, mask, dropout=dropout, scaling=scaling, **more
        )
    made, sizes = [], [block.ids.numel() for block in blocks]
    parts = zip(blocks, *(x[0].split(sizes, 1) for x in (query, key, value)), strict=True)
    for block, *own in parts:
        own = [x.unflatten(1, block.ids.shape).transpose(0, 1) for x in own]
        mask = None if block.even else block.mask[:, None, None]
        out = scaled_dot_product_attention(*own, attn_mask=mask, dropout_p=dropout, scale=scaling)
        made.append(out.transpose(1, 2).flatten(0, 1))
    return torch.cat(made)[None], None


ATTENTION = "xstilts"
AttentionInterface.register(ATTENTION, attention)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)


class Encoder(nn.Module):
    """The body of a masked-language model with its tokenizer; the head stays within reach.

    `lm` is the whole `transformers` model, `body` the part without the head, `tokenizer` the
    fast tokenizer, `width` and `layers` its size, `family` "xlm-roberta" or "bert".
    `fresh` names the weights that the files did not hold and that were drawn at random.
    """

    def __init__(self, lm: nn.Module, tokenizer, fresh: tuple[str, ...] = ()):
        super().__init__()
        self.lm, self.tokenizer, self.fresh = lm, tokenizer, fresh
        self.width, self.layers = lm.config.hidden_size, lm.config.num_hidden_layers
        self.family = lm.config.model_type
        lm.config._attn_implementation = ATTENTION

    @property
    def body(self) -> nn.Module:
        return self.lm.base_model

    @classmethod
    def load(cls, where: str | Path) -> "Encoder":
        """Open a folder in `save_pretrained` layout or a hub id, as float32.

        Raises MissingData when it is not there (or the hub cannot be reached), UserError when
        its weights are pickled, BadInput when it is no encoder that can be used here.
        """
        _look(where)
        config = _open(where, "configuration", AutoConfig)
        if config.model_type not in FAMILIES:
            known = " or ".join(FAMILIES)
            raise BadInput(f"{where}: a '{config.model_type}' model; choose one that is {known}")
        lm, info = _open(
            where,
            "weights",
            AutoModelForMaskedLM,
            dtype=torch.float32,
            use_safetensors=True,
            output_loading_info=True,
        )
        _check_weights(where, lm, info)
        tokenizer = _tokenizer(where, lm.get_input_embeddings().num_embeddings)
        return cls(lm.eval(), tokenizer, tuple(sorted(info["missing_keys"])))

    def forward(self, input_ids, attention_mask=None, token_type_ids=None) -> Tensor:
        """The last layer's vectors, [B, T, width]; `token_type_ids` matter to BERT only."""
        segments = {"token_type_ids": token_type_ids} if self.family == "bert" else {}
        return self.body(input_ids, attention_mask=attention_mask, **segments).last_hidden_state

    def read(self, blocks: Sequence[Block]) -> list[Tensor]:
        """The last layer's vectors of every block, [B, T, width] each."""
        return deque(self.layer_by_layer(blocks), maxlen=1).pop()

    def layer_by_layer(self, blocks: Sequence[Block]) -> Iterator[list[Tensor]]:
        """Embeddings, then every layer's vectors: each time one tensor [B, T, width] a block.

        The blocks go end to end as one long text, [1, pieces, width], so that all there is but
        attention runs once over everything; attention keeps to its rows.
        """
        bert = self.family == "bert"
        first = 0 if bert else self.tokenizer.pad_token_id + 1
        device = blocks[0].ids.device
        places = [torch.arange(first, first + b.ids.shape[1], device=device) for b in blocks]
        places = [own.expand_as(b.ids) for own, b in zip(places, blocks, strict=True)]
        vectors = self.body.embeddings(
            input_ids=_end_to_end(b.ids for b in blocks),
            token_type_ids=_end_to_end(b.types for b in blocks) if bert else None,
            position_ids=_end_to_end(places),
        )
        yield _apart(vectors, blocks)
        for layer in self.body.encoder.layer:
            vectors = layer(vectors, None, blocks=blocks)
            yield _apart(vectors, blocks)

    def logits(self, vectors: Tensor) -> Tensor:
        """The language-model head on some last-layer vectors [N, width]: [N, vocabulary]."""
        return (self.lm.cls if self.family == "bert" else self.lm.lm_head)(vectors)

    @torch.inference_mode()
    def guess(self, sentence: str, top: int = 3) -> dict[str, str]:
        """Hide the middle piece of `sentence`: what it was, and the head's `top` fillings."""
        inputs = self.tokenizer(sentence, return_tensors="pt", truncation=True)
        ids, names = inputs["input_ids"][0], self.tokenizer.convert_ids_to_tokens
        place = len(ids) // 2
        hidden, ids[place] = ids[place].item(), self.tokenizer.mask_token_id
        best = self.logits(self(**inputs)[0, place]).softmax(-1).topk(top)
        likely = zip(names(best.indices.tolist()), best.values.tolist(), strict=True)
        return {
            "sentence": self.tokenizer.decode(ids[1:-1]),
            "hidden": names(hidden),
            "fillings": "  ".join(f"{name} {share:.0%}" for name, share in likely),
        }

    def save(self, folder: str | Path) -> Path:
        """Write weights (safetensors), configuration and tokenizer into `folder`."""
        self.lm.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        return Path(folder)


def fresh_encoder(
    family: str, tokenizer, width: int, layers: int, heads: int, longest: int
) -> Encoder:
    """An untrained encoder that reads up to `longest` pieces.

    Without dropout: an encoder this small is held back by what it can learn, not by learning its
    text by heart.
    """
    bert = family == "bert"
    config, model = FAMILIES[family]
    shape = config(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        max_position_embeddings=longest + (0 if bert else tokenizer.pad_token_id + 1),
        type_vocab_size=2 if bert else 1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
    )
    return Encoder(model(shape), tokenizer)


def _end_to_end(blocks: Iterable[Tensor]) -> Tensor:
    return torch.cat([block.flatten() for block in blocks])[None]


def _apart(vectors: Tensor, blocks: Sequence[Block]) -> list[Tensor]:
    parts = vectors[0].split([block.ids.numel() for block in blocks])
    return [part.unflatten(0, b.ids.shape) for part, b in zip(parts, blocks, strict=True)]


def stages(where: str | Path) -> list[dict]:
    """How an encoder that was made here was pretrained, stage by stage; nothing for others."""
    file = Path(where) / "provenance.json"
    record, found = json.loads(file.read_text("utf-8")) if file.is_file() else None, []
    while record:
        found, record = [record, *found], record.get("before")
    return found


def _look(where: str | Path) -> None:
    """Refuse a folder that cannot hold an encoder, before anything is read from it."""
    folder = Path(where)
    if not folder.is_dir():
        if isinstance(where, Path) or folder.is_absolute() or str(where).startswith("."):
            raise MissingData(f"no encoder at {where}: give a folder or a hub id that exists")
        return
    if not (folder / "config.json").is_file():
        raise MissingData(f"{where}: no config.json, so no encoder was saved there")
    if any(folder.glob("*.safetensors")):
        return
    if any(folder.glob("*.bin")):
        raise UserError(
            f"{where}: only pickled weights (*.bin), which are not read; "
            "open them with transformers where you trust them and save_pretrained again"
        )
    raise MissingData(f"{where}: no *.safetensors beside config.json, so the weights are missing")


def _check_weights(where: str | Path, lm: nn.Module, info) -> None:
    """The body is whole and made of numbers; only the language-model head may be new."""
    body = f"{lm.base_model_prefix}."
    if lost := sorted(name for name in info["missing_keys"] if name.startswith(body)):
        raise BadInput(f"{where}: the weights lack {len(lost)} parts of the encoder, such as "
                       f"{lost[0]}: the file is not whole, or of another model")  # fmt: skip
    if more := sorted(name for name in info["unexpected_keys"] if ".layer." in name):
        raise BadInput(f"{where}: config.json has fewer layers than the weights: {more[0]}")
    for name, weight in lm.named_parameters():
        if not torch.isfinite(weight.sum()):
            raise BadInput(f"{where}: the weights are not all numbers (NaN or infinite): {name}")


def _open(where: str | Path, what: str, kind, **more):
    try:
        return kind.from_pretrained(where, trust_remote_code=False, **more)
    except RuntimeError as error:  # sizes, of which transformers has told on stderr
        raise BadInput(f"{where}: the {what} do not fit its config.json: sizes differ") from error
    except (OSError, ValueError, SafetensorError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if not isinstance(error, OSError) or Path(where).is_dir():
            raise BadInput(f"{where}: cannot read the {what}: {reason}") from error
        if what == "weights" and "safetensors" in str(error):
            raise UserError(f"{where}: the hub has no safetensors weights of it") from error
        raise MissingData(
            f"{where}: the {what} cannot be had (no such hub id, or no network); "
            "check the name, or give a folder"
        ) from error


def _tokenizer(where: str | Path, rows: int):
    """The fast tokenizer, once it is sure that its ids fit the embedding matrix of `rows`."""
    if Path(where).is_dir() and not (Path(where) / "tokenizer.json").is_file():
        raise BadInput(f"{where}: no tokenizer.json; save the fast tokenizer beside the model")
    tokenizer = _open(where, "tokenizer", AutoTokenizer)
    if not tokenizer.is_fast:
        raise BadInput(f"{where}: its tokenizer is not a fast one, which offsets need")
    for name in ("pad", "cls", "sep", "mask", "unk"):
        if getattr(tokenizer, f"{name}_token_id") is None:
            raise BadInput(f"{where}: its tokenizer has no {name}_token: tokenizer_config.json")
    if not 0 <= rows - len(tokenizer) < SPARE_ROWS:
        raise BadInput(
            f"{where}: the tokenizer has {len(tokenizer):,} pieces, the model {rows:,} rows; "
            "they belong to different encoders"
        )
    return tokenizer
