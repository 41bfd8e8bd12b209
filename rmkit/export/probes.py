"""Three dialogues on which an exported reward model, read back, must score as it did before."""

from rmkit.lm.templates import ASSISTANT, HUMAN

PROBES = (  # prompts, and their responses
    (
        f"{HUMAN} How do I bake bread?{ASSISTANT}",
        f"{HUMAN} Why?{ASSISTANT}",
        f"{HUMAN} Tell me a story.{ASSISTANT} Which?{HUMAN} A long one.{ASSISTANT}",
    ),
    ("Mix flour and water, and wait.", "No.", "Once upon a time. " * 9),
)
OFF = 1e-4  # of the spread of the probes' scores: how far a score may be off
