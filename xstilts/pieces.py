"""Train a tokenizer the way the encoder's original was trained, on any text.

XLM-R: a Unigram vocabulary over SentencePiece's marked spaces; mBERT: cased WordPiece that sets
Chinese characters apart. Both come back as fast `transformers` tokenizers with their family's
special tokens at their ids. Languages are smoothed as XLM-R did; nothing else is tuned. Of the
characters, the commonest are covered, single ones taking at most half of a vocabulary.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import numpy as np
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import BertTokenizer, PreTrainedTokenizerFast

XLMR_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
MARKS = ".,;:!?…)]}»”\"'。，、；：？！）」』।؟،؛۔"  # what a word may end on in running text
BERT_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def smoothed(amounts: Mapping[str, float], alpha: float) -> dict[str, float]:
    """Language shares proportional to amount ** alpha (XLM-R: 0.3); they sum to 1."""
    powers = {lang: amount**alpha for lang, amount in amounts.items() if amount}
    total = sum(powers.values())
    return {lang: power / total for lang, power in powers.items()}


def sample(
    texts: Mapping[str, list[str]], sizes: Mapping[str, float], chars: int, seed: int
) -> list[str]:
    """About `chars` characters of sentences in the languages' shares `sizes`."""
    rng, chosen = np.random.default_rng(seed), []
    for lang, sentences in texts.items():
        chosen += take(sentences, chars * sizes.get(lang, 0.0), rng)
    return chosen


def take(items: Sequence, room: float, rng, size=len) -> list:
    """Items in random order until their sizes fill the room."""
    taken = []
    for place in rng.permutation(len(items)):
        if room <= 0:
            break
        taken.append(items[place])
        room -= size(items[place])
    return taken


def train_tokenizer(sentences: Iterable[str], family: str, size: int, longest: int):
    """A fast tokenizer with at most `size` pieces; sequences are cut at `longest` pieces."""
    make = _wordpiece if family == "bert" else _unigram
    return make(sentences, size, model_max_length=longest)


def _covered(sentences: Iterable[str], normalizer, room: int) -> list[str]:
    """The sentences with a space for whatever is not among their `room` commonest characters.

    With more characters than pieces the Unigram trainer gives up, and WordPiece's exceeds its size.
    """
    sentences = list(sentences)
    plain = [normalizer.normalize_str(line) for line in sentences]
    common = Counter(char for line in plain for char in line).most_common()
    rare = {ord(char): " " for char, _ in common[room:]}
    return [line.translate(rare) for line in plain] if rare else sentences


def _unigram(sentences, size, **more) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    sentences = _covered(sentences, tokenizer.normalizer, size // 2)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    trainer = trainers.UnigramTrainer(
        vocab_size=size * 5 // 8,
        special_tokens=XLMR_SPECIAL,
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences, trainer)
    vocab = [tuple(entry) for entry in json.loads(tokenizer.to_str())["model"]["vocab"]]
    vocab += _whole_words(sentences, {piece for piece, _ in vocab}, size - 1 - len(vocab))
    vocab.append(("<mask>", 0.0))  # the last id, as in XLM-R
    tokenizer.model = models.Unigram(vocab, unk_id=XLMR_SPECIAL.index("<unk>"))
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    names = dict(bos="<s>", cls="<s>", eos="</s>", sep="</s>", pad="<pad>", unk="<unk>")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        mask_token=AddedToken("<mask>", lstrip=True, special=True),
        model_input_names=["input_ids", "attention_mask"],
        **{f"{kind}_token": token for kind, token in names.items()},
        **more,
    )


def _whole_words(sentences, known: set[str], room: int) -> list[tuple[str, float]]:
    """The commonest words that the trainer missed, scored by their frequency.

    The Unigram trainer proposes pieces that recur in *different* words, and so overlooks a
    frequent word that is part of no other, "that" or "is" in a small vocabulary.
    """
    counts = Counter(word.rstrip(MARKS) for line in sentences for word in line.split())
    total = sum(counts.values())
    missed = ((f"▁{word}", n) for word, n in counts.most_common() if word and n > 1)
    chosen = islice(((word, n) for word, n in missed if word not in known), room)
    return [(word, math.log(n / total)) for word, n in chosen]


def _wordpiece(sentences, size, **more) -> BertTokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    sentences = _covered(sentences, tokenizer.normalizer, size // 2 - len(BERT_SPECIAL))
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        special_tokens=BERT_SPECIAL,
        continuing_subword_prefix="##",
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences, trainer)
    cased = {"do_lower_case": False, "strip_accents": False}
    return BertTokenizer(vocab=tokenizer.get_vocab(), **cased, **more)


def fertility(tokenizer, texts: Mapping[str, list[str]]) -> dict[str, float]:
    """Pieces a word by language, of some 300 sentences; a word is what stands between spaces."""
    table = {}
    for lang, sentences in texts.items():
        some = sentences[:: max(1, len(sentences) // 300)]
        pieces = sum(map(len, tokenizer(some, add_special_tokens=False, verbose=False).input_ids))
        table[lang] = round(pieces / sum(len(s.split()) for s in some), 2)
    return table
