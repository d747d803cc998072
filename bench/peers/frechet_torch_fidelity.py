"""Computes the Fréchet distance of two sets of features with torch-fidelity, as the peer of the algebra benchmark.

Takes two files of float32 features, the number of features and a number of threads. Prints one line of JSON: seconds
of the statistics and of the distance, CPU seconds, peak resident memory, and the distance.
"""

import json
import resource
import sys
import time

import numpy
import torch
import torch_fidelity
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

first, second, columns, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
sets = [torch.from_numpy(numpy.fromfile(path, dtype="<f4").reshape(-1, columns)) for path in (first, second)]
numpy.linalg.eigvals(numpy.eye(8))
start = time.perf_counter()
statistics = [fid_features_to_statistics(features) for features in sets]
middle = time.perf_counter()
value = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
end = time.perf_counter()
usage = resource.getrusage(resource.RUSAGE_SELF)
result = {
    "statisticsSeconds": middle - start,
    "distanceSeconds": end - middle,
    "cpuSeconds": usage.ru_utime + usage.ru_stime,
    "peakBytes": usage.ru_maxrss * 1024,
    "value": value,
    "version": torch_fidelity.__version__,
}
print(json.dumps(result))
