"""Extracts Inception features with torch-fidelity, as the peer of the features benchmark.

Takes a folder of images of one size, a .safetensors file of weights and a number of threads. Decodes in worker
processes, as torch-fidelity's own loop does. Prints one line of JSON: images, seconds, peak resident memory,
and the sum of the features of the first image.
"""

import json
import os
import resource
import struct
import sys
import tempfile
import time

import numpy
import torch
import torch_fidelity
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

folder, weights, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)


def read_weights(path):
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + size]).items():
        if name == "__metadata__":
            continue
        first, end = (8 + size + offset for offset in entry["data_offsets"])
        values = numpy.frombuffer(data[first:end], dtype="<f4").reshape(entry["shape"])
        tensors[name] = torch.from_numpy(values.copy())
    tensors.setdefault("fc.bias", torch.zeros(1008))
    return tensors


class Images(Dataset):
    def __init__(self, paths):
        self.paths = paths

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        with Image.open(self.paths[index]) as image:
            return torch.from_numpy(numpy.array(image.convert("RGB"))).permute(2, 0, 1)


with tempfile.NamedTemporaryFile(suffix=".pth") as file:
    torch.save(read_weights(weights), file.name)
    extractor = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=file.name)
extractor.eval()
paths = sorted(
    os.path.join(root, name) for root, _, names in os.walk(folder) for name in names if name.endswith((".png", ".jpg"))
)
with torch.no_grad():
    first = extractor(Images(paths)[0][None])[0]
    loader = DataLoader(Images(paths), batch_size=64, num_workers=min(8, 2 * threads))
    start = time.perf_counter()
    count = sum(extractor(batch)[0].shape[0] for batch in loader)
    seconds = time.perf_counter() - start
peak = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) * 1024
version = torch_fidelity.__version__
result = {"images": count, "seconds": seconds, "peakBytes": peak, "sum": float(first.sum()), "version": version}
print(json.dumps(result))
