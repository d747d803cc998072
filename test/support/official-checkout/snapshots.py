"""Snapshots as the official trainer pickles them, from the tensors of a safetensors file, without PyTorch.

The pickle names what theirs names; the classes here are stand-ins, of which nothing but names and state gets into the file.
`../official_snapshots.py` makes such files with PyTorch itself: the fixtures of weights are its.
"""

import array
import collections
import io
import json
import pickle
import struct
import sys
import types

SOURCE = "raise RuntimeError('the source of a snapshot was run')\n"


def publish(module, **members):
    """Makes members importable under the module's name, which is all that a pickle says of them."""
    published = types.ModuleType(module)
    for name, member in members.items():
        member.__module__, member.__qualname__, member.__name__ = module, name, name
        setattr(published, name, member)
    sys.modules[module] = published


def never(*_):
    raise RuntimeError('snapshots are not read here')


def function():
    return lambda *_: never()


class EasyDict(dict):
    """A dictionary of that name, as settings are held in."""


class FloatStorage:
    """Named as the type of a storage."""


rebuild_tensor, rebuild_parameter, load_from_bytes, reconstruct = (function() for _ in range(4))
publish('torch', FloatStorage=FloatStorage)
publish('torch._utils', _rebuild_tensor_v2=rebuild_tensor, _rebuild_parameter=rebuild_parameter)
publish('torch.storage', _load_from_bytes=load_from_bytes)
publish('torch_utils')
publish('torch_utils.persistence', _reconstruct_persistent_obj=reconstruct)
publish('dnnlib')
publish('dnnlib.util', EasyDict=EasyDict)


class StoragePickler(pickle.Pickler):
    def persistent_id(self, obj):
        return obj.identity if isinstance(obj, Storage) else None


class Storage:
    """Pickled as the bytes of a file of `torch.save` in the format before version 1.6."""

    def __init__(self, values):
        self.values = values
        self.identity = ('storage', FloatStorage, '0', 'cpu', len(values), None)

    def __reduce__(self):
        out = io.BytesIO()
        system = dict(protocol_version=1001, little_endian=True, type_sizes=dict(short=2, int=4, long=4))
        for value in (0x1950A86A20F9469CFC6C, 1001, system):
            pickle.dump(value, out, protocol=2)
        StoragePickler(out, protocol=2).dump(self)
        pickle.dump(['0'], out, protocol=2)
        out.write(struct.pack('<q', len(self.values)) + self.values.tobytes())
        return load_from_bytes, (out.getvalue(),)


class Tensor:
    def __init__(self, shape, values):
        self.shape, self.values = shape, values

    def __reduce__(self):
        strides, step = [], 1
        for side in reversed(self.shape):
            strides.insert(0, step)
            step *= side
        return rebuild_tensor, (Storage(self.values), 0, tuple(self.shape), tuple(strides), False, collections.OrderedDict())


class Parameter(Tensor):
    def __reduce__(self):
        return rebuild_parameter, (Tensor(self.shape, self.values), False, collections.OrderedDict())


class Persistent:
    """A module: pickled by the name of its class, its source and its state."""

    def __init__(self, class_name, **settings):
        self.class_name = class_name
        self.settings = EasyDict(settings)
        self.own = {}
        self.parameters, self.buffers, self.modules = (collections.OrderedDict() for _ in range(3))

    def __reduce__(self):
        state = dict(self.own, training=False, _parameters=self.parameters, _buffers=self.buffers, _modules=self.modules,
                     _non_persistent_buffers_set=set(), _init_args=(), _init_kwargs=self.settings)
        meta = EasyDict(type='class', version=6, module_src=SOURCE, class_name=self.class_name, state=state)
        return reconstruct, (meta,), None


def read_safetensors(path):
    """`[shape, values]` by name."""
    with open(path, 'rb') as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), 'little')))
        body = file.read()
    header.pop('__metadata__', None)
    tensors = {}
    for name, entry in header.items():
        first, end = entry['data_offsets']
        tensors[name] = [entry['shape'], array.array('f', body[first:end])]
    return tensors


def is_layer(path, last):
    return path[0] == 'synthesis' and path[-1] != 'affine' and last == 'weight'


def network(class_name, tensors, fp32):
    # The clamp of 256 is the networks' own; train.py names it only to switch it off.
    root = Persistent(class_name, z_dim=512, **(dict(num_fp16_res=0, conv_clamp=None) if fp32 else {}))
    for name, (shape, values) in tensors.items():
        *path, last = name.split('.')
        module = root
        for part in path:
            module = module.modules.setdefault(part, Persistent('Part'))
        if is_layer(path, last):
            module.own['conv_clamp'] = None if fp32 else 256
        if last in ('resample_filter', 'noise_const', 'w_avg', 'magnitude_ema'):
            module.buffers[last] = Tensor(shape, values)
        else:
            module.parameters[last] = Parameter(shape, values)
    return root


def write_snapshot(path, tensors, fp32=False):
    def of(prefix, class_name):
        own = {name[len(prefix):]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        return network(class_name, own, fp32)

    snapshot = dict(
        training_set_kwargs=EasyDict(resolution=16),
        G=of('G.', 'Generator'),
        D=of('D.', 'Discriminator'),
        G_ema=of('G_ema.', 'Generator'),
        augment_pipe=None,
    )
    with open(path, 'wb') as file:
        pickle.dump(snapshot, file)
