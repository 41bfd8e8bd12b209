"""A bandit: a language model that says a word or two, a reward for each text, and its best policy in closed form."""

import numpy as np
import pandas as pd
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from rmkit.lm.loading import Origin, load_causal
from rmkit.lm.policy_training.optimisers import GRPO, PPO, RLOO

WORDS = {"a": 1.0, "b": 0.0, "c": -1.0, "d": 0.6, "e": -0.4, "f": -0.2}
SILENCE = 0.2  # the reward of special tokens, which say nothing
PROMPTS = pd.DataFrame({"prompt_id": [4, 9], "prompt": ["a", "f b"]})
ONE = PROMPTS.head(1)
END = 2
SMALL = {  # a few steps of every optimiser, with several updates a step
    "ppo": PPO(
        steps=6, rollout_batch_size=8, train_batch_size=4, max_epochs=2, generate_max_len=3, actor_learning_rate=1e-2
    ),
    "rloo": RLOO(
        steps=6, rollout_batch_size=2, train_batch_size=4, max_epochs=2, generate_max_len=3, actor_learning_rate=1e-2
    ),
    "grpo": GRPO(
        steps=6, rollout_batch_size=2, train_batch_size=4, max_epochs=2, generate_max_len=3, actor_learning_rate=1e-2
    ),
}


def reward(prompts, answers):
    """The sum over words, and half as much again for saying the same word twice."""
    return [said(answer.split()) for answer in answers]


def said(words):
    return sum(map(WORDS.__getitem__, words)) + 0.5 * (len(set(words)) < len(words)) if words else SILENCE


def make_bandit(folder):
    """A Llama of one layer that knows six words and three special tokens, all of uneven probability."""
    words = ["<pad>", "<s>", "</s>", *WORDS]
    bare = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="<pad>"))
    bare.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bare, pad_token="<pad>", bos_token="<s>", eos_token="</s>", padding_side="left"
    )
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=32, initializer_range=0.3, pad_token_id=0, bos_token_id=1, eos_token_id=END,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(3)
        LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Origin("bandit", str(folder))


def distribution(origin, prompt, n_tokens):
    """{tokens: probability} of each response of at most one or two tokens, by asking the model for each."""
    model, tokenizer = load_causal(origin)

    def after(tokens):
        ids = torch.tensor([[*tokenizer(prompt)["input_ids"], *tokens]])
        with torch.no_grad():
            return model(ids).logits[0, -1].double().softmax(dim=-1).tolist()

    first = {(token,): p for token, p in enumerate(after([]))}
    if n_tokens == 1:
        return first
    longer = {
        (*tokens, token): p * q
        for tokens, p in first.items()
        if tokens != (END,)
        for token, q in enumerate(after(tokens))
    }
    return {(END,): first[(END,)], **longer}


def best_policy(origin, prompt, n_tokens, beta):
    """The maximum of mean reward minus beta KL, softmax(log pi_0 + r / beta); beta 0: all on the best response."""
    _, tokenizer = load_causal(origin)
    start = distribution(origin, prompt, n_tokens)
    reward_y = np.array(reward(None, [tokenizer.decode(y, skip_special_tokens=True) for y in start]))
    if not beta:
        return dict(zip(start, (reward_y == reward_y.max()).astype(float), strict=True))
    weight_y = np.array(list(start.values())) * np.exp((reward_y - reward_y.max()) / beta)
    return dict(zip(start, weight_y / weight_y.sum(), strict=True))


def total_variation(p, q):
    return sum(abs(p[y] - q[y]) for y in p) / 2
