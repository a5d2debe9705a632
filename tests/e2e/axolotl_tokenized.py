"""Run in Axolotl's environment: its tokenized rows, and its packing of given lengths, as JSON."""

import json
import os
import sys
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import numpy as np
from axolotl.utils.samplers.multipack import pack_parallel
from datasets import load_from_disk

folder, capacity = Path(sys.argv[1]), int(sys.argv[2])
rows = [
    {"input_ids": row["input_ids"], "labels": row["labels"]}
    for info in folder.rglob("dataset_info.json")
    for row in load_from_disk(str(info.parent))
]
lengths = np.array([len(row["input_ids"]) for row in rows], dtype=np.int32)
draws = np.random.default_rng(7).integers(1, capacity, 500).astype(np.int32)
packed = [
    [[int(i) for i in row] for row in pack_parallel(some, capacity, 100_000, 200, 1)]
    for some in (lengths, draws)
]
print("JSON" + json.dumps({"rows": rows, "packed": packed, "draws": draws.tolist()}))
