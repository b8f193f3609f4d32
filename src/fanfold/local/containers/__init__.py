"""Docker, for a pipeline that runs in containers on this machine. Never imports kfp."""

from fanfold.local.containers.images import pinned, usable_image
from fanfold.local.containers.running import outgrew_memory, remove, remove_later, run_arguments

__all__ = [
    "outgrew_memory",
    "pinned",
    "remove",
    "remove_later",
    "run_arguments",
    "usable_image",
]
