"""RLOO and GRPO by TRL's trainers, with our reward, our order of prompts, our tracking and our checkpoints.

Knows a policy, where it started, prompts and a reward; not the losses, which are TRL's. A trainer's checkpoint has its
generators' states, so a run that goes on from one draws what it would have drawn.
"""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rmkit.lm.libraries import quiet_libraries
from rmkit.lm.policy_training.checkpoints import Checkpoints
from rmkit.lm.policy_training.optimisers import GRPO, RLOO
from rmkit.lm.policy_training.rewards import rewards
from rmkit.lm.policy_training.rollouts import answer_text
from rmkit.lm.policy_training.tracking import Tracker
from rmkit.lm.sampling.transformers import end_tokens
from rmkit.lm.training.arguments import seeded, training_arguments
from rmkit.progress import Progress


def optimise_by_trl(
    tracker: Tracker,
    prompts: Sequence[str],
    options: RLOO | GRPO,
    *,
    seed: int,
    checkpoints: Checkpoints | None,
    progress: Progress | None,
) -> None:
    """Change the tracker's policy. prompts: of all steps, one after another, each as often as it is answered.

    GRPO subtracts the mean of a prompt's rewards, the response's own included, which makes its steps (n - 1) / n of
    RLOO's; its KL coefficient is made smaller by as much, so that init_kl_coef means the same.
    """
    import trl
    from datasets import Dataset
    from transformers import PrinterCallback

    is_grpo = isinstance(options, GRPO)
    config, trainer = (trl.GRPOConfig, trl.GRPOTrainer) if is_grpo else (trl.RLOOConfig, trl.RLOOTrainer)
    n, tokenizer = options.n_samples_per_prompt, tracker.tokenizer
    ends = sorted(end_tokens(tracker.policy, tokenizer))

    def proxy(prompts: list[str], completion_ids: list[list[int]], **kwargs: Any) -> list[float]:
        answers = [answer_text(tokenizer, ids, ends) for ids in completion_ids]
        return [float(reward) for reward in rewards(tracker.proxy, prompts, answers, "reward")]

    with ExitStack() as stack:
        beside = Path(stack.enter_context(tempfile.TemporaryDirectory())) if checkpoints is None else checkpoints.folder
        arguments = training_arguments(
            str(beside / "trainer"), epochs=1, batch_size=options.train_batch_size,
            learning_rate=options.actor_learning_rate, seed=seed, adam_beta2=0.95,
        )  # fmt: skip
        if checkpoints:
            arguments |= {"save_strategy": "steps", "save_steps": checkpoints.every * options.updates}
        stack.enter_context(quiet_libraries())
        stack.enter_context(seeded(seed))
        made = _without_card(trainer)(
            tracker.policy,
            proxy,
            config(
                **arguments,
                max_steps=options.steps * options.updates,
                max_grad_norm=options.max_norm,
                num_generations=n,
                generation_batch_size=options.responses,
                num_iterations=options.max_epochs,
                max_completion_length=options.generate_max_len,
                epsilon=options.eps_clip,
                beta=0.0,  # set below: with another one TRL would load the starting policy once more
                shuffle_dataset=False,
                disable_dropout=True,
                **({"scale_rewards": options.scale_rewards} if isinstance(options, GRPO) else {}),
            ),
            train_dataset=Dataset.from_dict({"prompt": list(prompts[::n])}),
            processing_class=tokenizer,
            callbacks=[_follower(tracker, options, checkpoints, progress)],
        )
        made.remove_callback(PrinterCallback)
        made.beta = options.init_kl_coef * ((n - 1) / n if is_grpo else 1)
        made.ref_model = tracker.start if made.beta else None
        done, state = checkpoints.last() if checkpoints else (0, None)
        if state is None:
            tracker.look(0)
        else:
            tracker.recall(done)
        made.train(resume_from_checkpoint=str(state) if state else None)


def _without_card(trainer: Any) -> Any:
    """The trainer, but its checkpoints come without a page about TRL."""
    return type("Quiet", (trainer,), {"create_model_card": lambda self, *args, **kwargs: None})


def _follower(
    tracker: Tracker, options: RLOO | GRPO, checkpoints: Checkpoints | None, progress: Progress | None
) -> Any:
    """A callback that looks at the policy after each step, and takes the trainer's checkpoints for ours."""
    from transformers import TrainerCallback

    class Follow(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            step, left = divmod(state.global_step, options.updates)
            tracker.check_numbers(step + (left > 0))
            if not left:
                tracker.look(step)
                if progress:
                    progress(step, options.steps)

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if checkpoints:
                made = Path(args.output_dir) / f"checkpoint-{state.global_step}"
                checkpoints.keep(state.global_step // options.updates, made.rename)

    return Follow()
