"""Making shards: workers that render and write them, and what happens when one dies.

`giving` gives shards out and takes back what becomes of them; who makes them is a backend: processes of this machine
(`processes`), threads of this process (`threads`), or the workers of a cluster (`clusters`), be it Dask's or Ray's.
All of them do the same (`job`), so that the bytes are the same.

joblib drives processes and threads. It does not drive clusters: its Dask backend waits for ever for a task whose
workers have died too often (joblib 1.6), its Ray backend ends all tasks with the first worker that dies, and both
do everything in this process where the cluster has one worker. The clusters' own futures tell each shard's fate.
"""

from chipgen.workers.giving import Losses, do_shards
from chipgen.workers.job import Job, ShardDone

__all__ = ["Job", "Losses", "ShardDone", "do_shards"]
