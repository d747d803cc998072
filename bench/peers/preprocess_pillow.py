"""Preprocesses images with Pillow, as the peer of the preprocess benchmark.

Applies the EXIF orientation, converts to grayscale, crops to a square, resizes with Lanczos, and writes
PNG files to an uncompressed zip archive. One process with the same number of threads as GIST. Prints one
line of JSON: images, seconds, peak resident memory.
"""

import io
import json
import os
import resource
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

from PIL import Image, ImageOps, __version__

source, out, resolution, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


def process(path):
    with Image.open(path) as image:
        image = ImageOps.exif_transpose(image).convert("L")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side)).resize((resolution, resolution), Image.LANCZOS)
        buffer = io.BytesIO()
        image.save(buffer, "PNG", compress_level=6)
        return buffer.getvalue()


files = sorted(os.path.join(folder, name) for folder, _, names in os.walk(source) for name in names)
start = time.perf_counter()
with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive, ThreadPoolExecutor(threads) as pool:
    for index, png in enumerate(pool.map(process, files)):
        archive.writestr(f"00000/img{index:08d}.png", png)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps(dict(images=len(files), seconds=seconds, peakBytes=peak, version=__version__)))
