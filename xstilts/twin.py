"""Train float32 weights by the arithmetic of a bfloat16 copy.

Small models on a processor with bfloat16 instructions learn about one and a half times as fast
that way. Only pretraining uses it: fine-tuning is measured against others' figures and computes
in the precision that its setting names.
"""

import copy

import torch
from torch import Tensor
from transformers import AttentionInterface

from xstilts.encoder import Encoder


class Twin:
    """The optimizers of `encoder` and the copy, `twin`, on which losses are computed.

    Where the processor has no bfloat16 instructions the copy is the encoder itself. Attention
    runs in float32 in either case: its bfloat16 gradient is slow on processors. `plan` gives
    `lr`, `warmup`, `decay` and `clip`.
    """

    def __init__(self, encoder: Encoder, plan):
        self.plan = plan
        self.half = torch.cpu._is_avx512_bf16_supported()
        self.twin = encoder
        if self.half:
            self.twin = Encoder(copy.deepcopy(encoder.lm).bfloat16(), encoder.tokenizer)
            self.twin.lm.set_attn_implementation("sdpa_float32")
        self.full, self.fast = list(encoder.parameters()), list(self.twin.parameters())
        self.optimizers = _optimizers(encoder, plan)

    def step(self, loss: Tensor, used: float) -> None:
        """One update after `loss`; `used` is the fraction of the budget that is gone."""
        loss.backward()
        if self.half:
            for full, fast in zip(self.full, self.fast, strict=True):
                full.grad = fast.grad.float()
                fast.grad = None
        torch.nn.utils.clip_grad_norm_(self.full, self.plan.clip)
        rise = self.plan.warmup
        lr = self.plan.lr * min((used + 1e-4) / rise, (1 - used) / (1 - rise))
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = lr
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if self.half:
            with torch.no_grad():
                torch._foreach_copy_(self.fast, self.full)


def _optimizers(encoder: Encoder, plan) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices, at AdamW's step size, and AdamW for all the rest.

    With so few updates AdamW alone stays for long at guessing by frequency alone.
    """
    layers = [p for p in encoder.body.encoder.parameters() if p.ndim == 2]
    inside = {id(p) for p in layers}
    rest = [p for p in encoder.parameters() if id(p) not in inside]
    return [
        torch.optim.Muon(
            layers, lr=plan.lr, weight_decay=plan.decay, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(
            rest, lr=plan.lr, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.0, fused=True
        ),
    ]


def _float32_attention(module, query, key, value, attention_mask, scaling=None, **_):
    out = torch.nn.functional.scaled_dot_product_attention(
        query.float(), key.float(), value.float(), attention_mask, scale=scaling
    )
    return out.transpose(1, 2).to(query.dtype).contiguous(), None


AttentionInterface.register("sdpa_float32", _float32_attention)
