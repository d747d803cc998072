"""Writes the references of radiomics, of the radiomic distance and of standard errors.

python references.py   in this folder; needs numpy, scipy, SimpleITK, safetensors and pyradiomics 3.0.1.
"""

import base64
import json
import logging

import numpy as np
import SimpleITK as sitk
from radiomics import featureextractor
from safetensors.numpy import load_file
from scipy import linalg

logging.getLogger("radiomics").setLevel(logging.ERROR)

# The features and settings of FRD version 1, without filters, resampling and shapes.
GLCM = """Autocorrelation JointAverage ClusterProminence ClusterShade ClusterTendency Contrast Correlation
DifferenceAverage DifferenceEntropy DifferenceVariance JointEnergy JointEntropy Imc1 Imc2 Idm Idmn Id Idn
InverseVariance MaximumProbability SumEntropy SumSquares""".split()
SETTINGS = dict(normalize=False, force2D=True, force2Ddimension=0, binWidth=5, voxelArrayShift=300, label=1)


def picture(kind, side):
    r, c = np.mgrid[0:side, 0:side].astype(np.int64)
    if kind == "texture":
        return (((r * 7 + c * 13) * (r + 3)) % 61 + 3 * ((r + c) % 23)).astype(np.uint8)
    if kind == "disk":
        disk = (r - side // 2) ** 2 + (c - side // 3) ** 2 < (side // 4) ** 2
        return np.where(disk, 180 + (r * c) % 11, 20 + (r + 2 * c) % 5).astype(np.uint8)
    return ((r * 2 + c) % 256).astype(np.uint8)


def radiomics():
    extractor = featureextractor.RadiomicsFeatureExtractor(**SETTINGS)
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(glcm=GLCM)
    for name in ("firstorder", "glrlm", "glszm", "ngtdm"):
        extractor.enableFeatureClassByName(name)
    cases = []
    for kind, side in (("texture", 16), ("disk", 24), ("gradient", 33)):
        pixels = picture(kind, side)
        normalized = 100 * sitk.GetArrayFromImage(
            sitk.Normalize(sitk.GetImageFromArray(pixels.astype(np.float64)))
        )
        # pyradiomics wants pixels outside of the region: a border that no matrix counts.
        image = sitk.GetImageFromArray(np.pad(normalized, 1)[None])
        region = sitk.GetImageFromArray(np.pad(np.ones(pixels.shape, np.uint8), 1)[None])
        found = extractor.execute(image, region)
        features = {k[9:]: float(v) for k, v in found.items() if k.startswith("original_")}
        cases.append(
            dict(name=kind, side=side, pixels=base64.b64encode(pixels.tobytes()).decode(), features=features)
        )
    return dict(reference="pyradiomics 3.0.1", cases=cases)


def frechet(a, b):
    root = linalg.sqrtm(np.cov(a, rowvar=False) @ np.cov(b, rowvar=False)).real
    return (
        ((a.mean(0) - b.mean(0)) ** 2).sum()
        + np.trace(np.cov(a, rowvar=False))
        + np.trace(np.cov(b, rowvar=False))
        - 2 * np.trace(root)
    )


def kid(a, b):
    kernel = lambda x, y: (x @ y.T / x.shape[1] + 1) ** 3
    inside = lambda x: (kernel(x, x).sum() - np.trace(kernel(x, x))) / (len(x) * (len(x) - 1))
    return inside(a) + inside(b) - 2 * kernel(a, b).mean()


def distances(a, b):
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))


def manifold(fake, real, k):
    radii = lambda x: np.sort(distances(x, x), 1)[:, k]
    inside = distances(fake, real) <= radii(real)[None]
    recall = (distances(real, fake) <= radii(fake)[None]).any(1).mean()
    return dict(precision=inside.any(1).mean(), recall=recall, density=inside.sum() / (k * len(fake)),
                coverage=inside.any(0).mean())


def authenticity(fake, real):
    among = distances(real, real)
    np.fill_diagonal(among, np.inf)
    across = distances(fake, real)
    return (across.min(1) > among.min(1)[across.argmin(1)]).mean()


def jackknife(statistic, a, b):
    """Standard error by leaving out each row of both sets."""
    total = 0
    for which, rows in ((0, a), (1, b)):
        without = [np.delete(rows, i, 0) for i in range(len(rows))]
        values = np.array([statistic(w, b) if which == 0 else statistic(a, w) for w in without])
        n = len(rows)
        total += (n - 1) / n * ((values - values.mean()) ** 2).sum()
    return float(np.sqrt(total))


def errors():
    tensors = load_file("features.safetensors")
    real, fake = tensors["real"], tensors["fake"]
    few_real, few_fake = real[:70], fake[:50]
    mean, deviation = real.mean(0), real.std(0)
    scaled = lambda x: (x - mean) / deviation
    found = {"frd": float(frechet(scaled(fake), scaled(real))), "rows": [len(few_fake), len(few_real)]}
    found["kid"] = jackknife(kid, few_fake, few_real)
    # The influence function is a limit for many images: few features.
    found["fd"] = jackknife(frechet, fake[:200, :6], real[:300, :6])
    for name in ("precision", "recall"):
        found[name] = jackknife(lambda a, b: manifold(a, b, 3)[name], few_fake, few_real)
    for name in ("density", "coverage"):
        found[name] = jackknife(lambda a, b: manifold(a, b, 5)[name], few_fake, few_real)
    found["authenticity"] = jackknife(authenticity, few_fake, few_real)
    return found


for file, content in (("radiomics.expected.json", radiomics()), ("errors.expected.json", errors())):
    with open(file, "w") as out:
        json.dump(content, out, indent=1)
        out.write("\n")
