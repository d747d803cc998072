"""Writes DICOM files for the DICOM benchmark, and preprocesses them with pydicom and Pillow, as its peer.

`write FOLDER COUNT KIND`: radiograph-like images of 12 bits, 1,200 to 2,000 px, uncompressed (native) or
as lossless JPEG 2000 (jpeg2000). `run FOLDER OUT RESOLUTION PROCESSES`: reads, applies the window, crops to
a square, resizes with Lanczos, and writes PNG files to an uncompressed zip archive. Prints one line of JSON:
images, seconds, peak resident memory of the largest process.
"""

import io
import json
import os
import resource
import sys
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, generate_uid


def write(folder, count, kind):
    os.makedirs(folder, exist_ok=True)
    random = np.random.default_rng(1)
    for index in range(count):
        height, width = random.integers(1200, 2000, 2)
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        image = 600 + 2400 * np.exp(-3 * (x * x + y * y)) + random.normal(0, 20, (height, width))
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
        meta.MediaStorageSOPInstanceUID = generate_uid()
        path = os.path.join(folder, f"{index:05d}.dcm")
        ds = FileDataset(path, Dataset(), file_meta=meta, preamble=b"\0" * 128)
        ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
        ds.Rows, ds.Columns, ds.SamplesPerPixel = int(height), int(width), 1
        ds.PhotometricInterpretation = "MONOCHROME1" if index % 2 else "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
        ds.WindowCenter, ds.WindowWidth = 1800, 2400
        ds.PixelData = image.clip(0, 4095).astype("<u2").tobytes()
        if kind == "jpeg2000":
            ds.compress(JPEG2000Lossless)
        ds.save_as(path, enforce_file_format=True)


def process(task):
    path, resolution = task
    ds = pydicom.dcmread(path)
    shown = apply_voi_lut(apply_modality_lut(ds.pixel_array, ds), ds)
    low, high = shown.min(), shown.max()
    shown = (shown - low) / (high - low) * 255
    if ds.PhotometricInterpretation == "MONOCHROME1":
        shown = 255 - shown
    image = Image.fromarray(shown.astype("uint8"))
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.crop((left, top, left + side, top + side)).resize((resolution, resolution), Image.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def run(source, out, resolution, processes):
    files = sorted(os.path.join(source, name) for name in os.listdir(source))
    start = time.perf_counter()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive, ProcessPoolExecutor(processes) as pool:
        for index, png in enumerate(pool.map(process, [(path, resolution) for path in files])):
            archive.writestr(f"00000/img{index:08d}.png", png)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(json.dumps(dict(images=len(files), seconds=seconds, peakBytes=peak, version=pydicom.__version__)))


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    else:
        run(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
