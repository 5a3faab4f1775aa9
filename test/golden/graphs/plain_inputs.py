"""Models of transformers with tensors alone as inputs and outputs, and masks made of plain arithmetic: what transformers makes
its masks with cannot be traced. The model itself is changed, not wrapped, so that its modules keep their names in the graph."""

import types

import torch
from transformers import PreTrainedModel
from transformers.cache_utils import DynamicCache

HIDDEN = torch.finfo(torch.float32).min


def with_cache(model: PreTrainedModel) -> PreTrainedModel:
    """A causal language model: input_ids [batch, tokens], attention_mask [batch, past + tokens], position_ids [batch, tokens],
    past: per block key and value [batch, heads, past, head size] -> logits, and per block key and value of past and present."""
    inner = model.forward

    def forward(self, input_ids, attention_mask, position_ids, past):
        cache = DynamicCache()
        for block, (key, value) in enumerate(past):
            cache.update(key, value, block)
        masks = causal_masks(self.config, attention_mask, input_ids, past[0][0])
        found = inner(
            input_ids=input_ids,
            attention_mask=masks,
            position_ids=position_ids,
            past_key_values=cache,
            use_cache=True,
            return_dict=True,
        )
        present = [tensor for layer in found.past_key_values.layers for tensor in (layer.keys, layer.values)]
        return found.logits, *present

    model.forward = types.MethodType(forward, model)
    return model.eval()


def without_cache(model: PreTrainedModel) -> PreTrainedModel:
    """A causal language model: input_ids, attention_mask [batch, tokens] -> logits."""
    inner = model.forward

    def forward(self, input_ids, attention_mask):
        masks = causal_masks(self.config, attention_mask, input_ids)
        return inner(input_ids=input_ids, attention_mask=masks, use_cache=False, return_dict=True).logits

    model.forward = types.MethodType(forward, model)
    return model.eval()


def encoder(model: PreTrainedModel) -> PreTrainedModel:
    """An encoder: input_ids, attention_mask and, where the model has them, token_type_ids [batch, tokens] ->
    last_hidden_state."""
    inner = model.forward

    def forward(self, input_ids, attention_mask, token_type_ids=None):
        types_of = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        masks = encoder_masks(self.config, attention_mask)
        return inner(input_ids=input_ids, attention_mask=masks, return_dict=True, **types_of).last_hidden_state

    model.forward = types.MethodType(forward, model)
    return model.eval()


def causal_masks(config, attention_mask, input_ids, past_key=None):
    """What is added to the scores, [batch, 1, tokens, past + tokens]; for models with local attention one for each type of
    block."""
    rows = torch.arange(input_ids.shape[1])[:, None]
    if past_key is not None:
        rows = rows + past_key.shape[2]
    columns = torch.arange(attention_mask.shape[1])[None]
    seen = (columns <= rows)[None, None] & attention_mask[:, None, None].bool()
    full = torch.where(seen, 0.0, HIDDEN)
    if "sliding_attention" not in (getattr(config, "layer_types", None) or []):
        return full
    near = (columns > rows - config.sliding_window)[None, None] & seen
    return {"full_attention": full, "sliding_attention": torch.where(near, 0.0, HIDDEN)}


def encoder_masks(config, attention_mask):
    if config.model_type == "deberta-v2":
        return attention_mask
    # As transformers 4 made it, the shape that ONNX Runtime's optimizer knows.
    batch, tokens = attention_mask.shape
    padding = 1.0 - attention_mask.unsqueeze(1).unsqueeze(2).expand(batch, 1, tokens, tokens).to(torch.float32)
    full = padding.masked_fill(padding.to(torch.bool), HIDDEN)
    if "sliding_attention" not in (getattr(config, "layer_types", None) or []):
        return full
    places = torch.arange(attention_mask.shape[1])
    near = ((places[:, None] - places[None]).abs() <= config.sliding_window)[None, None] & attention_mask[:, None, None].bool()
    return {"full_attention": full, "sliding_attention": torch.where(near, 0.0, HIDDEN)}
