"""What every training shares: its log, its progress, its silence, and a loss that is no number."""

import pytest
import torch
from transformers import TrainingArguments

from rmkit.errors import DataError
from rmkit.lm.training.arguments import training_arguments
from rmkit.lm.training.pretrain import Architecture, pretrain

ARCHITECTURE = Architecture(hidden=16, layers=1, heads=2, inner=24, context=64)


def trained(causal, texts, folder, **changed):
    _, tokenizer = causal
    return pretrain(texts, tokenizer, ARCHITECTURE, folder, **{"learning_rate": 1e-2, "seed": 0, **changed})


def test_a_training_prints_nothing_and_leaves_no_checkpoint(causal, texts, tmp_path, capfd):
    trained(causal, texts, tmp_path)
    assert "".join(capfd.readouterr()) == ""
    assert {path.name for path in tmp_path.iterdir()} == {
        "config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip


def test_the_log_has_the_first_step_and_a_row_every_ten(causal, texts, tmp_path):
    log = trained(causal, texts * 2, tmp_path)  # 300 texts, 8 a step: 38 steps
    assert log["step"].tolist() == [1, 10, 20, 30]
    assert {"step", "loss", "learning_rate", "epoch"} <= set(log)


@pytest.mark.parametrize("steps", [5, 40])
def test_a_loss_that_is_no_number_is_one_line(causal, texts, tmp_path, steps):
    read = (texts * 5)[: 16 * steps]
    with pytest.raises(DataError, match=r"^training: the loss is no number at step \d+; lower the learning rate$"):
        trained(causal, read, tmp_path, learning_rate=1e30)


def test_arguments_are_what_transformers_is_given(tmp_path):
    given = training_arguments(
        str(tmp_path), epochs=2.5, batch_size=3, learning_rate=1e-4, seed=7, warmup=0.1, schedule="cosine",
        gradient_accumulation=4, weight_decay=0.2, adam_beta2=0.9,
    )  # fmt: skip
    arguments = TrainingArguments(**given)
    assert arguments.num_train_epochs == 2.5
    assert (arguments.per_device_train_batch_size, arguments.gradient_accumulation_steps) == (3, 4)
    assert (arguments.learning_rate, arguments.weight_decay, arguments.adam_beta2) == (1e-4, 0.2, 0.9)
    assert (arguments.seed, arguments.data_seed) == (7, 7)
    assert arguments.get_warmup_steps(200) == 20
    assert arguments.lr_scheduler_type == "cosine"
    assert (arguments.bf16, arguments.fp16) == (False, False)
    assert arguments.save_strategy == "no"
    assert arguments.use_cpu == (not torch.cuda.is_available())
    bf16 = training_arguments(str(tmp_path), epochs=1, batch_size=1, learning_rate=1, seed=0, dtype="bfloat16")
    assert TrainingArguments(**bf16).bf16
