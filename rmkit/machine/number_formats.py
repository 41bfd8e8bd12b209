"""Which number formats this processor or card multiplies fast: asked of oneDNN and CUDA, never timed.

Apart from `hardware`, which every run reads, because it loads torch.
"""

import torch


def multiplies_bfloat16_fast(device: str) -> bool:
    """Whether products of bfloat16 matrices are faster there than float32's.

    Where the processor has no instruction for them they are many times slower.
    """
    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
