"""Times ONNX Runtime on one thread, in float and quantised to int8 (static QDQ, per channel), when asked to.

usage: peer.py NET.onnx CROPS.f32

CROPS.f32 holds little-endian floats [photo][channel][height][width], preprocessed as the network wants them: the
quantiser is calibrated on all, the first is what is timed. Each line `float N` or `int8 N` on standard input is answered
by the milliseconds of the fastest of N runs.
"""

import os
import sys
import tempfile
import time

import numpy as np
import onnx
import onnx.version_converter
import onnxruntime as ort
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quant_pre_process,
    quantize_static,
)


class Crops(CalibrationDataReader):
    """Feeds one crop after another to the quantiser's calibration."""

    def __init__(self, name, crops):
        self.feeds = iter([{name: crop[None]} for crop in crops])

    def get_next(self):
        return next(self.feeds, None)


def session(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def quantised(path, name, crops, folder):
    current, prepared, result = (os.path.join(folder, f"{step}.onnx") for step in ("current", "prepared", "int8"))
    # Scales of single channels exist from operator set 13 on.
    network = onnx.load(path)
    if max(entry.version for entry in network.opset_import if entry.domain in ("", "ai.onnx")) < 13:
        network = onnx.version_converter.convert_version(network, 13)
    onnx.save(network, current)
    quant_pre_process(current, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        result,
        Crops(name, crops),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    return result


def main():
    path, crops_path = sys.argv[1:]
    graph = onnx.load(path).graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    name = inputs[0].name
    shape = [dimension.dim_value for dimension in inputs[0].type.tensor_type.shape.dim][1:]
    crops = np.fromfile(crops_path, "<f4").reshape([-1, *shape])
    with tempfile.TemporaryDirectory() as folder:
        sessions = {"float": session(path), "int8": session(quantised(path, name, crops, folder))}
    print("ready", ort.__version__, flush=True)
    feed = {name: crops[:1]}
    for line in sys.stdin:
        kind, runs = line.split()
        times = []
        for _ in range(int(runs)):
            start = time.perf_counter()
            sessions[kind].run(None, feed)
            times.append(time.perf_counter() - start)
        print(min(times) * 1e3, flush=True)


if __name__ == "__main__":
    main()
