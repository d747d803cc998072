"""Writes a snapshot as StyleGAN2-ADA and StyleGAN3 leave them, from the tensors of a safetensors file.

The pickle names what theirs name: `torch_utils.persistence._reconstruct_persistent_obj` with a dictionary of class name, source
and state, `dnnlib.util.EasyDict`, parameters and buffers of `torch.nn.Module`. The classes here are stand-ins: only their
state gets into the file.

    python official_snapshots.py TENSORS.safetensors SNAPSHOT.pkl PROTOCOL [float16 [TRAINER]]

TRAINER is one of those whose settings are in SETTINGS.
"""

import json
import pickle
import sys
import types

import numpy
import torch

# What each trainer hands to the generator beside its sizes. StyleGAN3's leaves the clamp to its networks, which have 256, and
# names it only to switch it off.
SETTINGS = {
    'stylegan2-ada': dict(synthesis_kwargs=dict(conv_clamp=256)),
    'stylegan3': dict(),
    'stylegan3-fp32': dict(num_fp16_res=0, conv_clamp=None),
}
SOURCE = "raise RuntimeError('the source of a snapshot was run')\n"


class EasyDict(dict):
    """A dictionary of that name, as settings are held in."""


def reconstruct(meta):
    raise RuntimeError('snapshots are not read here')


def publish(module, **members):
    """Makes members importable under the module's name, which is all that a pickle says of them."""
    published = types.ModuleType(module)
    for name, member in members.items():
        member.__module__, member.__qualname__, member.__name__ = module, name, name
        setattr(published, name, member)
    sys.modules[module] = published


publish('torch_utils')
publish('dnnlib')
publish('torch_utils.persistence', _reconstruct_persistent_obj=reconstruct)
publish('dnnlib.util', EasyDict=EasyDict)


class Persistent(torch.nn.Module):
    """Pickled by the name of its class, its source and its state."""

    def __init__(self, class_name, **settings):
        super().__init__()
        self.class_name = class_name
        self._init_args = ()
        self._init_kwargs = EasyDict(settings)
        # Newer layers keep sizes as NumPy does.
        self.in_size = numpy.asarray([4, 4])
        self.cutoff = numpy.float64(2.0)
        self.register_buffer('passing', torch.zeros([3]), persistent=False)

    def __reduce__(self):
        state = {key: value for key, value in self.__dict__.items() if key != 'class_name'}
        meta = EasyDict(type='class', version=6, module_src=SOURCE, class_name=self.class_name, state=state)
        return reconstruct, (meta,), None


def read_safetensors(path):
    with open(path, 'rb') as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), 'little')))
        body = file.read()
    header.pop('__metadata__', None)
    for name, entry in header.items():
        first, end = entry['data_offsets']
        values = numpy.frombuffer(body[first:end], dtype=numpy.float32).reshape(entry['shape'])
        yield name, torch.from_numpy(values.copy())


def is_buffer(name):
    return name.rsplit('.', 1)[-1] in ('resample_filter', 'noise_const', 'w_avg', 'magnitude_ema')


def is_layer(path, last):
    return path[0] == 'synthesis' and path[-1] != 'affine' and last == 'weight'


def network(class_name, tensors, dtype, trainer):
    settings = {key: EasyDict(value) if isinstance(value, dict) else value for key, value in SETTINGS[trainer].items()}
    clamp = None if trainer == 'stylegan3-fp32' else 256
    root = Persistent(class_name, z_dim=4, c_dim=0, img_resolution=8, mapping_kwargs=EasyDict(num_layers=2), **settings)
    for name, tensor in tensors:
        *path, last = name.split('.')
        module = root
        for part in path:
            if part not in module._modules:
                module.add_module(part, Persistent('Part'))
            module = module._modules[part]
        if is_layer(path, last):
            module.conv_clamp = clamp
        if is_buffer(name):
            module.register_buffer(last, tensor.to(dtype))
        else:
            module.register_parameter(last, torch.nn.Parameter(tensor.to(dtype)))
    return root.eval().requires_grad_(False)


def main(source, target, protocol, dtype='float32', trainer='stylegan2-ada'):
    tensors = list(read_safetensors(source))

    def of(prefix, class_name):
        own = [(name[len(prefix) :], tensor) for name, tensor in tensors if name.startswith(prefix)]
        return network(class_name, own, getattr(torch, dtype), trainer)

    snapshot = dict(
        training_set_kwargs=EasyDict(path='/data/knee.zip', resolution=8),
        G=of('G.', 'Generator'),
        D=of('D.', 'Discriminator'),
        G_ema=of('G_ema.', 'Generator'),
        augment_pipe=None,
    )
    with open(target, 'wb') as file:
        pickle.dump(snapshot, file, protocol=int(protocol))


if __name__ == '__main__':
    main(*sys.argv[1:])
