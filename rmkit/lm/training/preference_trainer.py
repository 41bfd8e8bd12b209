"""TRL's RewardTrainer with weights of pairs and with either form of the score regulariser; and the epoch that is kept.

    loss = mean over pairs of  weight (-log sigmoid(r_chosen - r_rejected) + coefficient penalty(r_chosen, r_rejected))

`sum_of_squares`, r_chosen^2 + r_rejected^2, also bounds the scale: a pair that can be told apart settles at a finite
margin (annotation/label_flips.settled_margin). `centre`, (r_chosen + r_rejected)^2, is TRL's option
`center_rewards_coefficient`; it holds scores about zero and leaves their scale alone. Sources: Hou et al. 2024, arXiv
2404.00934 (ChatGLM-RLHF), for the former, as arXiv 2410.05584 takes it, whose text does not write it out; Eisenstein et
al. 2023, arXiv 2312.09244, for the latter.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Penalty = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]
# By the names of preference_options.REGULARISERS; (B,) rewards of chosen and of rejected responses to (B,).
PENALTIES: Mapping[str, Penalty] = {
    "sum_of_squares": lambda chosen_b, rejected_b: chosen_b**2 + rejected_b**2,
    "centre": lambda chosen_b, rejected_b: (chosen_b + rejected_b) ** 2,
}


def preference_trainer(regulariser: str = "sum_of_squares", coefficient: float = 0.0) -> Any:
    """TRL's RewardTrainer, as a class, with this penalty; where a batch has weights in place of margins, they count.

    Without weights and with a coefficient of 0 the loss is TRL's own, bit for bit.
    """
    from torch.nn.functional import softplus
    from trl import RewardTrainer

    penalty = PENALTIES[regulariser]

    class PreferenceTrainer(RewardTrainer):
        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            weight_b = inputs.pop("margin", None)
            loss, outputs = super().compute_loss(model, inputs, True, num_items_in_batch)
            if weight_b is not None or coefficient:
                chosen_b, rejected_b = outputs.logits.squeeze(-1).chunk(2)
                loss_b = softplus(rejected_b - chosen_b)
                if coefficient:
                    loss_b = loss_b + coefficient * penalty(chosen_b, rejected_b)
                loss = (loss_b if weight_b is None else weight_b * loss_b).mean()
            return (loss, outputs) if return_outputs else loss

    return PreferenceTrainer


def best_epoch(loss_of: Callable[[Any], float]) -> Any:
    """A callback that keeps the trained weights of the epoch with the least loss, in memory.

    It has `loss_e`, after each epoch, and `restore(model)`.
    """
    import torch
    from transformers import TrainerCallback

    class BestEpoch(TrainerCallback):
        loss_e: list[float] = []  # noqa: RUF012 - one of each class, and the class is made for one training

        def on_epoch_end(self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any) -> None:
            self.loss_e.append(loss_of(model))
            if self.loss_e[-1] <= min(self.loss_e):
                self.kept = {
                    name: weight.detach().cpu().clone()
                    for name, weight in model.named_parameters()
                    if weight.requires_grad
                }

        def restore(self, model: Any) -> None:
            with torch.no_grad():
                for name, weight in model.named_parameters():
                    if name in self.kept:
                        weight.copy_(self.kept[name])

    return BestEpoch()
