"""Stands in for the official train.py in tests: takes its options, leaves its files, and can fail as it does.

It trains nothing, and needs Python's standard library only. What it is to do beside that is said by environment variables:

    STAND_IN_WEIGHTS       safetensors file with the networks that every snapshot holds
    STAND_IN_REPORT        folder in which it leaves a file named by its process id: what it was given, and its helper's id
    STAND_IN_TICK_SECONDS  time that a tick takes
    STAND_IN_FAIL          crash, kill, terminate, hang, memory or module ...
    STAND_IN_FAIL_AT       ... once so many kimg are shown
"""

import datetime
import hashlib
import json
import os
import signal
import struct
import subprocess
import sys
import time
import zipfile

from snapshots import read_safetensors, write_snapshot

OPTIONS = """outdir cfg data gpus batch gamma cond mirror aug resume freezed p target batch-gpu cbase cmax glr dlr map-depth
mbstd-group desc metrics kimg tick snap seed fp32 nobench workers""".split()
REQUIRED = 'outdir cfg data gpus batch gamma'.split()


def refuse(message):
    print("Usage: train.py [OPTIONS]\nTry 'train.py --help' for help.\n\nError: " + message, file=sys.stderr)
    sys.exit(2)


def read_options(arguments):
    options = dict(cond='false', kimg='25000', tick='4', snap='50', desc='', resume=None, workers='3')
    for argument in arguments:
        name, equals, value = argument.removeprefix('--').partition('=')
        if not argument.startswith('--') or not equals or name not in OPTIONS:
            refuse(f'No such option: {argument.partition("=")[0]}')
        options[name] = value
    for name in REQUIRED:
        if name not in options:
            refuse(f"Missing option '--{name}'.")
    for name in ('gpus', 'batch', 'kimg', 'tick', 'snap'):
        if not options[name].isdigit() or int(options[name]) < 1:
            refuse(f"Invalid value for '--{name}': {options[name]}")
    if int(options['batch']) % int(options['gpus']) != 0:
        refuse('--batch must be a multiple of --gpus')
    return options


def read_data(options):
    """Images as the official reader wants them: stored PNG files of one size, and labels by name in dataset.json."""
    with zipfile.ZipFile(options['data']) as archive:
        images = [entry for entry in archive.infolist() if entry.filename.endswith('.png')]
        sizes = set()
        for entry in images:
            assert entry.compress_type == zipfile.ZIP_STORED
            sizes.add(struct.unpack('>II', archive.read(entry)[16:24]))
        assert len(sizes) == 1, sizes
        labels = json.loads(archive.read('dataset.json'))['labels']
    if options['cond'] == 'true' and labels is None:
        refuse('--cond=True requires labels specified in dataset.json')
    if labels is not None:
        assert sorted(name for name, _ in labels) == sorted(entry.filename for entry in images)
    return dict(images=len(images), resolution=sizes.pop()[0], labelled=labels is not None)


def sha256_of(path):
    if path is None:
        return None
    with open(path, 'rb') as file:
        return hashlib.sha256(file.read()).hexdigest()


def report(options, data, helper):
    folder = os.environ.get('STAND_IN_REPORT')
    if folder is None:
        return
    given = dict(options=options, data=data, resumed=sha256_of(options['resume']), helper=helper, env=sorted(os.environ))
    path = os.path.join(folder, f'{os.getpid()}.json')
    with open(path + '.part', 'w') as file:
        json.dump(given, file)
    os.rename(path + '.part', path)


def fail(how):
    if how == 'crash':
        raise RuntimeError('the stand-in was told to crash near ' + os.path.abspath(__file__))
    if how == 'kill':
        os.kill(os.getpid(), signal.SIGKILL)
    if how == 'terminate':
        os.kill(os.getpid(), signal.SIGTERM)
    if how == 'hang':
        time.sleep(3600)
    if how == 'memory':
        raise RuntimeError('CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 7.79 GiB total capacity)')
    if how == 'module':
        raise ModuleNotFoundError("No module named 'torch'")


def statistics(tick, images, started):
    def of(mean, num=1, std=0.0):
        return dict(num=num, mean=mean, std=std)

    elapsed = time.time() - started
    return {
        'Loss/scores/fake': of(-0.5, 8, 0.1),
        'Loss/G/loss': of(0.9, 8, 0.2),
        'Loss/D/loss': of(float('nan') if tick == 0 else 1.2, 8, 0.3),
        'Progress/tick': of(tick),
        'Progress/kimg': of(images / 1e3),
        'Timing/total_sec': of(elapsed),
        'Timing/sec_per_tick': of(elapsed / (tick + 1)),
        'Timing/sec_per_kimg': of(elapsed / (images / 1e3)),
        'Progress/augment': of(0.01 * tick),
        'timestamp': time.time(),
    }


def train(options, folder):
    batch, total, per_tick = int(options['batch']), 1000 * int(options['kimg']), 1000 * int(options['tick'])
    tensors = read_safetensors(os.environ['STAND_IN_WEIGHTS'])
    how, at = os.environ.get('STAND_IN_FAIL'), 1000 * float(os.environ.get('STAND_IN_FAIL_AT', '0'))
    images = tick = tick_start = 0
    started = time.time()
    while True:
        images += batch
        done = images >= total
        # A tick ends after its images; the very first one after a single step.
        if not done and tick > 0 and images < tick_start + per_tick:
            continue
        time.sleep(float(os.environ.get('STAND_IN_TICK_SECONDS', '0')))
        line = f'tick {tick:<5d} kimg {images / 1e3:<8.1f} time {time.time() - started:.0f}s'
        print(line)
        with open(os.path.join(folder, 'log.txt'), 'a') as file:
            file.write(line + '\n')
        if how and images >= at:
            fail(how)
        if done or tick % int(options['snap']) == 0:
            # So that one can tell from a snapshot when it was taken.
            tensors['G_ema.mapping.w_avg'][1][0] = images / 1e3
            name = f'network-snapshot-{images // 1000:06d}.pkl'
            write_snapshot(os.path.join(folder, name), tensors, fp32=options['fp32'] == 'true')
            open(os.path.join(folder, f'fakes{images // 1000:06d}.png'), 'wb').close()
        with open(os.path.join(folder, 'stats.jsonl'), 'a') as file:
            file.write(json.dumps(statistics(tick, images, started)) + '\n')
        tick += 1
        tick_start = images
        if done:
            return


def main():
    options = read_options(sys.argv[1:])
    data = read_data(options)
    name = os.path.splitext(os.path.basename(options['data']))[0]
    number = len(os.listdir(options['outdir']))
    folder = os.path.join(options['outdir'], f'{number:05d}-{options["cfg"]}-{name}-gpus{options["gpus"]}-{options["desc"]}')
    os.makedirs(folder)
    with open(os.path.join(folder, 'training_options.json'), 'w') as file:
        json.dump(dict(options, started=datetime.datetime.now().isoformat()), file)
    print('Training options:\n' + json.dumps(options, indent=2) + f'\nOutput directory: {folder}')
    # As the processes that read images do, it knows nothing of the end of this one.
    helper = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)  # helper of the stand-in'])
    report(options, data, helper.pid)
    train(options, folder)
    print('Exiting...')


if __name__ == '__main__':
    main()
