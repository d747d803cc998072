"""Measures the time of each operation in the signatures of a SavedModel, from TensorFlow traces.

Calls the C API of the library that GIST uses, so TensorFlow for Python is not required.

    python profile_graph.py JOB.json        # prints one line of JSON

The job contains the folder of the libraries, the folder of the SavedModel, a file with the values of
the variables (float32, concatenated in the order of the signature `restore`), and the feeds of each
signature.
"""

import array
import ctypes
import json
import math
import random
import statistics
import sys
import time

FLOAT, INT32 = 1, 3
# RunOptions { trace_level: FULL_TRACE }
FULL_TRACE = b'\x08\x03'
WARM_UPS, RUNS, TRACES = 3, 11, 7

Pointer = ctypes.c_void_p


class Buffer(ctypes.Structure):
    _fields_ = [('data', Pointer), ('length', ctypes.c_size_t), ('free', Pointer)]


class Output(ctypes.Structure):
    _fields_ = [('operation', Pointer), ('index', ctypes.c_int)]


def load(folder):
    ctypes.CDLL(f'{folder}/libtensorflow_framework.so.2', mode=ctypes.RTLD_GLOBAL)
    library = ctypes.CDLL(f'{folder}/libtensorflow_cc.so.2', mode=ctypes.RTLD_GLOBAL)
    for name in (
        'TF_NewGraph', 'TF_NewStatus', 'TF_NewSessionOptions', 'TF_LoadSessionFromSavedModel', 'TF_GraphOperationByName',
        'TF_AllocateTensor', 'TF_TensorData', 'TF_NewBuffer', 'TF_NewBufferFromString',
    ):
        getattr(library, name).restype = Pointer
    library.TF_Message.restype = ctypes.c_char_p
    return library


class Session:
    def __init__(self, library, folder):
        self.library = library
        self.graph, self.status = Pointer(library.TF_NewGraph()), Pointer(library.TF_NewStatus())
        tags = (ctypes.c_char_p * 1)(b'serve')
        options = Pointer(library.TF_NewSessionOptions())
        self.session = Pointer(
            library.TF_LoadSessionFromSavedModel(options, None, folder.encode(), tags, 1, self.graph, None, self.status)
        )
        self.check()

    def check(self):
        if self.library.TF_GetCode(self.status):
            sys.exit(self.library.TF_Message(self.status).decode())

    def endpoint(self, node):
        operation = self.library.TF_GraphOperationByName(self.graph, node.encode())
        return Output(operation, 0) if operation else sys.exit(f'the graph has no node {node}')

    def tensor(self, dtype, shape, values):
        sides = (ctypes.c_int64 * len(shape))(*shape)
        body = values.tobytes()
        tensor = Pointer(self.library.TF_AllocateTensor(dtype, sides, len(shape), ctypes.c_size_t(len(body))))
        ctypes.memmove(self.library.TF_TensorData(tensor), body, len(body))
        return tensor

    def run(self, feeds, fetch, traced=False):
        """Returns the bytes of the RunMetadata if `traced`, otherwise empty bytes."""
        nodes = (Output * len(feeds))(*(self.endpoint(node) for node, _ in feeds))
        values = (Pointer * len(feeds))(*(tensor for _, tensor in feeds))
        fetches, results = (Output * 1)(self.endpoint(fetch)), (Pointer * 1)()
        options = Pointer(self.library.TF_NewBufferFromString(FULL_TRACE, ctypes.c_size_t(2))) if traced else None
        metadata = Pointer(self.library.TF_NewBuffer()) if traced else None
        self.library.TF_SessionRun(
            self.session, options, nodes, values, len(feeds), fetches, results, 1, None, 0, metadata, self.status
        )
        self.check()
        self.library.TF_DeleteTensor(Pointer(results[0]))
        if traced:
            buffer = ctypes.cast(metadata, ctypes.POINTER(Buffer))[0]
            return ctypes.string_at(buffer.data, buffer.length)
        return b''


def fields(message):
    """Yields the numbers and contents of the fields of a protocol buffer message."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        length = varint() if key & 7 == 2 else {1: 8, 5: 4}[key & 7]
        yield key >> 3, message[at:at + length]
        at += length


def within(message, number):
    return (content for found, content in fields(message) if found == number)


def operations(metadata):
    """Yields node, label and microseconds of RunMetadata.step_stats.dev_stats.node_stats."""
    for step in within(metadata, 1):
        for device in within(step, 1):
            for stats in within(device, 2):
                node = dict(fields(stats))
                label = node.get(8, b'').decode()
                yield node.get(1, b'').decode(), label, node.get(4, 0) - node.get(3, 0)


def kind(node, label):
    """`[mklcpu 1.0MB 1.0MB] scope/y = Conv2D(scope/x)` -> `Conv2D`"""
    return label.split(' = ')[-1].split('(')[0] if ' = ' in label else label.split(':')[-1] or node


def profile(session, feeds, fetch):
    for _ in range(WARM_UPS):
        session.run(feeds, fetch)
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        session.run(feeds, fetch)
        times.append((time.perf_counter() - started) * 1000)
    seen = {}
    for _ in range(TRACES):
        for node, label, microseconds in operations(session.run(feeds, fetch, traced=True)):
            seen.setdefault((node, kind(node, label)), []).append(microseconds)
    found = [dict(node=node, op=op, ms=statistics.median(us) / 1000) for (node, op), us in seen.items()]
    return dict(ms=statistics.median(times), minMs=min(times), operations=found)


def values_of(feed):
    size = math.prod(feed['shape'])
    if feed['dtype'] == 'int32':
        return array.array('i', [1] * size)
    return array.array('f', [random.uniform(0, 1) for _ in range(size)])


def restore(session, job):
    feeds = []
    with open(job['values'], 'rb') as file:
        for variable in job['variables']:
            values = array.array('f')
            values.fromfile(file, math.prod(variable['shape']))
            feeds.append((variable['node'], session.tensor(FLOAT, variable['shape'], values)))
    session.run(feeds, job['restored'])


def main():
    with open(sys.argv[1]) as file:
        job = json.load(file)
    session = Session(load(job['libraries']), job['model'])
    restore(session, job)
    phases = {}
    for name, signature in job['phases'].items():
        feeds = [
            (feed['node'], session.tensor(INT32 if feed['dtype'] == 'int32' else FLOAT, feed['shape'], values_of(feed)))
            for feed in signature['feeds']
        ]
        phases[name] = profile(session, feeds, signature['done'])
    print(json.dumps(phases))


main()
