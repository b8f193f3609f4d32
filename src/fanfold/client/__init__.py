"""A search on a KFP backend: submit it, watch it, get what it found. Needs the extra `kfp`.

>>> kfp = connect("http://localhost:8080")
>>> run = submit(kfp, {"data": "s3://tables/posts.csv", "text_column": "post"})
>>> ended = wait(kfp, run)
>>> result_of(kfp, ended).download("found")
"""

from fanfold.client.access import connect
from fanfold.client.connection import Kfp
from fanfold.client.errors import Gone, NotAnswering, NotMoving, Refused, RunFailed
from fanfold.client.logs import logs
from fanfold.client.result import Result, result_of
from fanfold.client.runs import Run, Task, get_run, latest_run
from fanfold.client.submission import retry, submit
from fanfold.client.waiting import wait

__all__ = [
    "Gone",
    "Kfp",
    "NotAnswering",
    "NotMoving",
    "Refused",
    "Result",
    "Run",
    "RunFailed",
    "Task",
    "connect",
    "get_run",
    "latest_run",
    "logs",
    "result_of",
    "retry",
    "submit",
    "wait",
]
