import pytest

from rmkit.worlds.human_preferences.computed_features import make_stored
from tests.worlds.human_preferences.dialogues import made_up, written


@pytest.fixture(scope="session")
def dialogues(tmp_path_factory):
    """A file of the dialogues that were made up for these tests."""
    return written(tmp_path_factory.mktemp("dialogues") / "pairs.jsonl.gz", made_up())


@pytest.fixture(scope="session")
def tiny_encoder(dialogues, tmp_path_factory):
    """The folder of a BERT of one layer that has read nothing, with the words of the dialogues; do not change it."""
    import gzip

    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.Whitespace()
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(gzip.decompress(dialogues.read_bytes()).decode().splitlines(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("encoder") / "tiny"
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=64, **sizes)
    BertModel(config).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]").save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def stored(dialogues, tiny_encoder, tmp_path_factory):
    """A folder of what was computed from the dialogues; copy it, do not change it."""
    folder = tmp_path_factory.mktemp("stored") / "made-up"
    make_stored(dialogues, str(tiny_encoder), folder)
    return folder
