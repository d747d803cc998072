"""Preprocesses images with Pillow, as the peers of the preprocess benchmark.

Applies the EXIF orientation, converts to grayscale, crops to a square, resizes with Lanczos, and writes
PNG files to an uncompressed zip archive. With several processes, these share the images. With one, it
does as StyleGAN3's dataset_tool: one image after the other, and PNG files without compression. Prints one
line of JSON: images, seconds, peak resident memory of all processes.
"""

import io
import json
import multiprocessing
import os
import resource
import sys
import time
import zipfile

import numpy
from PIL import Image, ImageOps, __version__

source, out, resolution, processes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
COMPRESSION = 6 if processes > 1 else 0


def process(path):
    with Image.open(path) as image:
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I;16"):
            image = Image.fromarray((numpy.asarray(image) >> 8).astype(numpy.uint8))
        image = image.convert("L")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side)).resize((resolution, resolution), Image.LANCZOS)
        buffer = io.BytesIO()
        image.save(buffer, "PNG", compress_level=COMPRESSION)
        return buffer.getvalue()


def write(archive, results):
    for index, png in enumerate(results):
        archive.writestr(f"00000/img{index:08d}.png", png)


def peak(who):
    return resource.getrusage(who).ru_maxrss * 1024


if __name__ == "__main__":
    files = sorted(os.path.join(folder, name) for folder, _, names in os.walk(source) for name in names)
    start = time.perf_counter()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        if processes == 1:
            write(archive, map(process, files))
        else:
            with multiprocessing.Pool(processes) as pool:
                write(archive, pool.imap(process, files, chunksize=4))
    seconds = time.perf_counter() - start
    memory = peak(resource.RUSAGE_SELF)
    if processes > 1:
        memory += processes * peak(resource.RUSAGE_CHILDREN)
    print(json.dumps(dict(images=len(files), seconds=seconds, peakBytes=memory, version=__version__)))
