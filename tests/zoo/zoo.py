#!/usr/bin/env python3
"""Writes small embedding networks as exporters write them, and what ONNX Runtime computes on them.

    zoo.py FOLDER

Each network is NAME.onnx with random weights, 64 x 64 photos in, 64 numbers out. Beside it: NAME.input, photos as f32 in the
network's own layout, and NAME.output, the embeddings of ONNX Runtime's float kernels; for one exporter a kind also NAME.int8, those of
its int8 network (quantize_static, a scale a channel, calibrated on other photos of the same sort). index.json names them all.
Kinds are networks that people have; exporters differ in how they spell the same thing.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

SIDE = 64
PHOTOS = 24
CALIBRATION = 16


def photos(count, seed):
    """Smooth pictures with edges, as faces have, [-1, 1]: [count][3][side][side]."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    pictures = np.zeros((count, 3, SIDE, SIDE), np.float32)
    for picture in pictures:
        for channel in picture:
            channel += random.normal(0, 0.3)
        for _ in range(12):
            cx, cy, radius = random.uniform(0, 1, 2).tolist() + [random.uniform(0.05, 0.4)]
            inside = ((x - cx) ** 2 + (y - cy) ** 2 < radius**2).astype(np.float32)
            picture += inside * random.normal(0, 0.5, (3, 1, 1)).astype(np.float32)
        picture += random.normal(0, 0.05, picture.shape).astype(np.float32)
    # Whole bytes, as --mean 127.5 --scale 128 reads them.
    return ((np.round(np.clip(pictures, -0.99, 0.99) * 128 + 127.5) - 127.5) / 128).astype(np.float32)


class Exporter:
    """Builds a network in one exporter's spelling. Maps are [1, c, h, w] for all but the TensorFlow family."""

    name = "pytorch"
    opset = 17
    nhwc = False
    weights_as_nodes = False
    initialisers_as_inputs = False
    batch = "batch"

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.initializers, self.counter = [], [], 0

    def value(self, prefix="v"):
        self.counter += 1
        return f"{prefix}_{self.counter}"

    def const(self, array, prefix="w"):
        array = np.asarray(array)
        name = self.value(prefix)
        if self.weights_as_nodes:
            tensor = numpy_helper.from_array(array, name)
            self.nodes.append(helper.make_node("Constant", [], [name], name=name + "_node", value=tensor))
        else:
            self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def node(self, op, inputs, **attributes):
        out = self.value(op)
        self.nodes.append(helper.make_node(op, inputs, [out], name=out + "_node", **attributes))
        return out

    def ints(self, *values):
        return self.const(np.array(values, np.int64), "i")

    # --- layers ---

    def begin(self):
        return "input"

    def conv(self, x, c_in, c_out, k=3, stride=1, pad=None, groups=1, dilation=1):
        pad = (k // 2) * dilation if pad is None else pad
        taps = c_in // groups * k * k
        weights = self.random.normal(0, np.sqrt(2 / taps), (c_out, c_in // groups, k, k)).astype(np.float32)
        return self.conv_node(x, weights, k, stride, pad, groups, dilation)

    def conv_node(self, x, weights, k, stride, pad, groups, dilation):
        return self.node(
            "Conv", [x, self.const(weights)], kernel_shape=[k, k], strides=[stride] * 2,
            pads=[pad] * 4, group=groups, dilations=[dilation] * 2,
        )

    def bn_values(self, c):
        r = self.random
        return [a.astype(np.float32) for a in (r.uniform(0.7, 1.3, c), r.normal(0, 0.2, c), r.normal(0, 0.2, c), r.uniform(0.7, 1.3, c))]

    def bn(self, x, c):
        gamma, beta, mean, variance = [self.const(v) for v in self.bn_values(c)]
        return self.node("BatchNormalization", [x, gamma, beta, mean, variance], epsilon=1e-5)

    def slopes(self, c):
        return self.random.uniform(0.1, 0.4, c).astype(np.float32)

    def prelu(self, x, c):
        return self.node("PRelu", [x, self.const(self.slopes(c).reshape(c, 1, 1))])

    def relu6(self, x):
        return self.node("Clip", [x, self.const(np.float32(0)), self.const(np.float32(6))])

    def hard_sigmoid(self, x):
        return self.node("HardSigmoid", [x], alpha=1 / 6, beta=0.5)

    def hard_swish(self, x):
        return self.node("HardSwish", [x])

    def silu(self, x):
        return self.node("Mul", [x, self.node("Sigmoid", [x])])

    def scalar(self, value):
        return self.const(np.float32(value))

    def biased(self, x, c):
        return self.bn(x, c)

    def half(self, x, gate):
        """x * gate / 2."""
        return self.node("Mul", [self.node("Mul", [x, gate]), self.scalar(0.5)])

    def cube(self, x):
        return self.node("Pow", [x, self.scalar(3)])

    def gelu(self, x):
        erf = self.node("Erf", [self.node("Div", [x, self.scalar(np.sqrt(2))])])
        return self.half(x, self.node("Add", [erf, self.scalar(1)]))

    def tanh_gelu(self, x):
        inner = self.node("Add", [x, self.node("Mul", [self.cube(x), self.scalar(0.044715)])])
        inner = self.node("Tanh", [self.node("Mul", [inner, self.scalar(np.sqrt(2 / np.pi))])])
        return self.half(x, self.node("Add", [inner, self.scalar(1)]))

    def mish(self, x):
        return self.node("Mul", [x, self.node("Tanh", [self.node("Softplus", [x])])])

    def quick_gelu(self, x):
        return self.node("Mul", [x, self.node("Sigmoid", [self.node("Mul", [x, self.scalar(1.702)])])])

    def chosen_prelu(self, x, c):
        """PReLU as torch.where writes it."""
        below = self.node("Mul", [x, self.const(self.slopes(c).reshape(c, 1, 1))])
        return self.node("Where", [self.node("Greater", [x, self.scalar(0)]), x, below])

    def add(self, a, b):
        return self.node("Add", [a, b])

    def mean(self, x):
        return self.node("GlobalAveragePool", [x])

    def flatten(self, x):
        return self.node("Flatten", [x], axis=1)

    def dense(self, x, c_in, c_out):
        weights = self.random.normal(0, np.sqrt(1 / c_in), (c_out, c_in)).astype(np.float32)
        bias = self.random.normal(0, 0.1, c_out).astype(np.float32)
        return self.node("Gemm", [x, self.const(weights), self.const(bias)], transB=1)

    def concat(self, parts):
        return self.node("Concat", parts, axis=3 if self.nhwc else 1)

    def max_pool(self, x):
        return self.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)

    def average_pool(self, x):
        """Padding is left out of the count, as in Inception."""
        return self.node("AveragePool", [x], kernel_shape=[3, 3], strides=[1, 1], pads=[1] * 4, count_include_pad=0, ceil_mode=0)

    def normalise(self, x):
        length = self.node("ReduceL2", [x], axes=[1], keepdims=1)
        length = self.node("Clip", [length, self.const(np.float32(1e-12))])
        shape = self.node("Shape", [x])
        return self.node("Div", [x, self.node("Expand", [length, shape])])

    def finish(self, x):
        shape = [self.batch, 3, SIDE, SIDE] if not self.nhwc else [self.batch, SIDE, SIDE, 3]
        inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)]
        if self.initialisers_as_inputs:
            for tensor in self.initializers:
                inputs.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
        output = helper.make_tensor_value_info(x, TensorProto.FLOAT, [self.batch, 64])
        graph = helper.make_graph(self.nodes, self.name, inputs, [output], self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], producer_name=self.name)
        model.ir_version = 8
        return model


class Dynamo(Exporter):
    """torch.onnx.export since 2.9: axes as inputs, weights beside the file, inner shapes with the open batch."""

    name = "pytorch-dynamo"
    opset = 18

    def flatten(self, x):
        return self.node("Reshape", [x, self.ints(0, -1)], allowzero=0)

    def cube(self, x):
        return self.node("Mul", [x, self.node("Mul", [x, x])])

    def mish(self, x):
        """As people wrote it before PyTorch had it."""
        softplus = self.node("Log", [self.node("Add", [self.node("Exp", [x]), self.scalar(1)])])
        return self.node("Mul", [self.node("Tanh", [softplus]), x])

    def chosen_prelu(self, x, c):
        below = self.node("Mul", [self.const(self.slopes(c).reshape(1, c, 1, 1)), x])
        return self.node("Where", [self.node("LessOrEqual", [x, self.scalar(0)]), below, x])

    def normalise(self, x):
        length = self.node("ReduceL2", [x, self.ints(1)], keepdims=1)
        length = self.node("Clip", [length, self.const(np.float32(1e-12))])
        shape = self.node("Shape", [x], start=0)
        return self.node("Div", [x, self.node("Expand", [length, shape])])

    def finish(self, x):
        model = super().finish(x)
        return onnx.shape_inference.infer_shapes(model)


class Fixed(Exporter):
    """PyTorch's older exporter with a fixed batch: view() as Shape, Gather, Concat, Reshape; hard-swish written out."""

    name = "pytorch-1.x"
    opset = 11
    batch = 1

    def flatten(self, x):
        batch = self.node("Gather", [self.node("Shape", [x]), self.const(np.int64(0))], axis=0)
        batch = self.node("Unsqueeze", [batch], axes=[0])
        return self.node("Reshape", [x, self.node("Concat", [batch, self.ints(-1)], axis=0)])

    def hard_sigmoid(self, x):
        x = self.node("Add", [x, self.const(np.float32(3))])
        return self.node("Div", [self.relu6(x), self.const(np.float32(6))])

    def hard_swish(self, x):
        return self.node("Mul", [x, self.hard_sigmoid(x)])

    def quick_gelu(self, x):
        sigmoid = self.node("Exp", [self.node("Neg", [self.node("Mul", [self.scalar(1.702), x])])])
        return self.node("Div", [x, self.node("Add", [self.scalar(1), sigmoid])])

    def chosen_prelu(self, x, c):
        below = self.node("Mul", [self.const(self.slopes(c).reshape(c, 1, 1)), x])
        is_below = self.node("Not", [self.node("Less", [self.scalar(0), x])])
        return self.node("Where", [is_below, below, x])

    def normalise(self, x):
        squares = self.node("Pow", [x, self.const(np.float32(2))])
        total = self.node("ReduceSum", [squares], axes=[1], keepdims=1)
        return self.node("Div", [x, self.node("Sqrt", [total])])


class Tf2Onnx(Exporter):
    """tf2onnx: rows first, a transposition before each map operator is folded into the first and the last; Keras's PReLU."""

    name = "tf2onnx"
    opset = 13
    nhwc = True
    batch = "unk__1"

    def begin(self):
        self.nhwc_inside = False
        return self.node("Transpose", ["input"], perm=[0, 3, 1, 2])

    def concat(self, parts):
        return self.node("Concat", parts, axis=1)

    def biased(self, x, c):
        """A bias of its own, as BiasAdd."""
        return self.node("Add", [self.bn(x, c), self.const(self.random.normal(0, 0.3, (1, c, 1, 1)).astype(np.float32))])

    def half(self, x, gate):
        return self.node("Mul", [self.node("Mul", [self.scalar(0.5), x]), gate])

    def chosen_prelu(self, x, c):
        """By a mask of numbers."""
        above = self.node("Max", [x, self.scalar(0)])
        below = self.node("Mul", [self.node("Min", [x, self.scalar(0)]), self.const(self.slopes(c).reshape(1, c, 1, 1))])
        return self.node("Add", [above, below])

    def conv_node(self, x, weights, k, stride, pad, groups, dilation):
        if stride > 1 and pad:
            x = self.node("Pad", [x, self.ints(0, 0, pad, pad, 0, 0, pad, pad), self.const(np.float32(0))])
            pad = 0
        bias = self.const(np.zeros(weights.shape[0], np.float32))
        return self.node(
            "Conv", [x, self.const(weights), bias], kernel_shape=list(weights.shape[2:]), strides=[stride] * 2,
            pads=[pad] * 4, group=groups, dilations=[dilation] * 2,
        )

    def average_pool(self, x):
        return self.node("AveragePool", [x], kernel_shape=[3, 3], strides=[1, 1], auto_pad="SAME_UPPER")

    def prelu(self, x, c):
        slopes = self.const(-self.slopes(c).reshape(1, c, 1, 1))
        below = self.node("Mul", [self.node("Relu", [self.node("Neg", [x])]), slopes])
        return self.node("Add", [self.node("Relu", [x]), below])

    def relu6(self, x):
        return self.node("Min", [self.node("Relu", [x]), self.const(np.float32(6))])

    def hard_sigmoid(self, x):
        x = self.node("Add", [x, self.const(np.float32(3))])
        return self.node("Mul", [self.relu6(x), self.const(np.float32(1 / 6))])

    def hard_swish(self, x):
        return self.node("Mul", [x, self.hard_sigmoid(x)])

    def mean(self, x):
        return self.node("ReduceMean", [x], axes=[2, 3], keepdims=1)

    def flatten(self, x):
        x = self.node("Transpose", [x], perm=[0, 2, 3, 1])
        self.flat_order = True
        return self.node("Reshape", [x, self.ints(-1, self.flat)])

    def dense(self, x, c_in, c_out):
        weights = self.random.normal(0, np.sqrt(1 / c_in), (c_in, c_out)).astype(np.float32)
        bias = self.random.normal(0, 0.1, c_out).astype(np.float32)
        return self.node("Add", [self.node("MatMul", [x, self.const(weights)]), self.const(bias)])

    def normalise(self, x):
        total = self.node("ReduceSum", [self.node("Mul", [x, x]), self.ints(1)], keepdims=1)
        total = self.node("Max", [total, self.const(np.float32(1e-12))])
        root = self.node("Reciprocal", [self.node("Sqrt", [total])])
        return self.node("Mul", [x, root])


class TfLite(Tf2Onnx):
    """TFLite to ONNX: weights behind a transposition, PReLU by absolute values, padding SAME."""

    name = "tflite2onnx"
    opset = 11
    batch = 1

    def conv_node(self, x, weights, k, stride, pad, groups, dilation):
        kept = self.const(weights.transpose(2, 3, 1, 0))
        weights_name = self.node("Transpose", [kept], perm=[3, 2, 0, 1])
        same = {"auto_pad": "SAME_UPPER"} if pad else {"auto_pad": "VALID"}
        if dilation > 1:
            same = {"pads": [pad] * 4}
        return self.node(
            "Conv", [x, weights_name], kernel_shape=list(weights.shape[2:]), strides=[stride] * 2, group=groups,
            dilations=[dilation] * 2, **same,
        )

    def prelu(self, x, c):
        half = self.const(0.5 * self.slopes(c).reshape(c, 1, 1))
        below = self.node("Mul", [self.node("Sub", [x, self.node("Abs", [x])]), half])
        return self.node("Add", [self.node("Relu", [x]), below])

    def normalise(self, x):
        return self.node("LpNormalization", [x], axis=-1, p=2)


class Paddle(Exporter):
    """paddle2onnx: constants are nodes, biases are added behind, the norm by absolute values and powers."""

    name = "paddle2onnx"
    opset = 11
    weights_as_nodes = True
    batch = -1

    def dense(self, x, c_in, c_out):
        weights = self.random.normal(0, np.sqrt(1 / c_in), (c_in, c_out)).astype(np.float32)
        bias = self.random.normal(0, 0.1, c_out).astype(np.float32)
        return self.node("Add", [self.node("MatMul", [x, self.const(weights)]), self.const(bias)])

    def flatten(self, x):
        return self.node("Flatten", [self.node("Identity", [x])], axis=1)

    def biased(self, x, c):
        return self.node("Add", [self.bn(x, c), self.const(self.random.normal(0, 0.3, (1, c, 1, 1)).astype(np.float32))])

    def half(self, x, gate):
        return self.node("Mul", [x, self.node("Mul", [gate, self.scalar(0.5)])])

    def hard_swish(self, x):
        return self.node("Div", [self.node("Mul", [x, self.relu6(self.node("Add", [x, self.const(np.float32(3))]))]), self.const(np.float32(6))])

    def normalise(self, x):
        powers = self.node("Pow", [self.node("Abs", [x]), self.const(np.float32(2))])
        total = self.node("ReduceSum", [powers], axes=[-1], keepdims=1)
        length = self.node("Pow", [total, self.const(np.float32(0.5))])
        return self.node("Div", [x, self.node("Max", [length, self.const(np.float32(1e-12))])])


class MxNet(Exporter):
    """mxnet2onnx: weights are inputs as well, pixels are normalised inside, batch norm behind the last layer."""

    name = "mxnet"
    opset = 11
    initialisers_as_inputs = True
    batch = "None"

    def begin(self):
        x = self.node("Sub", ["input", self.const(np.float32(0.05))])
        return self.node("Mul", [x, self.const(np.float32(1.1))])

    def bn(self, x, c):
        gamma, beta, mean, variance = [self.const(v) for v in self.bn_values(c)]
        return self.node("BatchNormalization", [x, gamma, beta, mean, variance], epsilon=2e-5, momentum=0.9)

    def dense(self, x, c_in, c_out):
        return self.bn(self.node("Dropout", [super().dense(x, c_in, c_out)]), c_out)

    def hard_swish(self, x):
        return self.node("Mul", [x, self.hard_sigmoid(x)])

    def normalise(self, x):
        return x


EXPORTERS = [Exporter, Dynamo, Fixed, Tf2Onnx, TfLite, Paddle, MxNet]


# --- kinds: from photos of 64 x 64 to a map of channels x side x side ---


def mobilefacenet(e, x, groups=None):
    x = e.prelu(e.bn(e.conv(x, 3, 16, 3, 2), 16), 16)
    x = e.prelu(e.bn(e.conv(x, 16, 16, 3, 1, groups=16), 16), 16)
    for c_in, c_out, stride in [(16, 24, 2), (24, 24, 1), (24, 24, 1), (24, 32, 2)]:
        wide = 2 * c_in
        y = e.prelu(e.bn(e.conv(x, c_in, wide, 1), wide), wide)
        y = e.prelu(e.bn(e.conv(y, wide, wide, 3, stride, groups=groups or wide), wide), wide)
        y = e.bn(e.conv(y, wide, c_out, 1), c_out)
        x = e.add(x, y) if stride == 1 and c_in == c_out else y
    x = e.bn(e.conv(x, 32, 32, 8, 1, pad=0, groups=32), 32)
    return x, 32, 1


def grouped(e, x):
    return mobilefacenet(e, x, groups=8)


def iresnet(e, x):
    x = e.prelu(e.bn(e.conv(x, 3, 16), 16), 16)
    for c_in, c_out, stride in [(16, 16, 2), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 48, 2)]:
        y = e.bn(x, c_in)
        y = e.prelu(e.bn(e.conv(y, c_in, c_out), c_out), c_out)
        y = e.bn(e.conv(y, c_out, c_out, 3, stride), c_out)
        shortcut = x if stride == 1 and c_in == c_out else e.bn(e.conv(x, c_in, c_out, 1, stride), c_out)
        x = e.add(y, shortcut)
    return e.bn(x, 48), 48, 8


def resnet18(e, x):
    x = e.node("Relu", [e.bn(e.conv(x, 3, 16, 7, 2), 16)])
    x = e.max_pool(x)
    for c_in, c_out, stride in [(16, 16, 1), (16, 32, 2), (32, 32, 1)]:
        y = e.node("Relu", [e.bn(e.conv(x, c_in, c_out, 3, stride), c_out)])
        y = e.bn(e.conv(y, c_out, c_out), c_out)
        shortcut = x if stride == 1 else e.bn(e.conv(x, c_in, c_out, 1, stride), c_out)
        x = e.node("Relu", [e.add(y, shortcut)])
    return x, 32, 8


def excitation(e, x, c, gate):
    y = e.mean(x)
    y = e.node("Relu", [e.conv(y, c, c // 4, 1)])
    return e.node("Mul", [x, gate(e.conv(y, c // 4, c, 1))])


def se_iresnet(e, x):
    x = e.prelu(e.bn(e.conv(x, 3, 16, 3, 2), 16), 16)
    for c_in, c_out, stride in [(16, 16, 1), (16, 32, 2), (32, 32, 1)]:
        y = e.prelu(e.bn(e.conv(x, c_in, c_out), c_out), c_out)
        y = e.bn(e.conv(y, c_out, c_out, 3, stride), c_out)
        y = excitation(e, y, c_out, lambda v: e.node("Sigmoid", [v]))
        shortcut = x if stride == 1 else e.bn(e.conv(x, c_in, c_out, 1, stride), c_out)
        x = e.add(y, shortcut)
    return e.bn(e.conv(x, 32, 32, 3, 2), 32), 32, 8


def mobilenet_v2(e, x):
    x = e.relu6(e.bn(e.conv(x, 3, 16, 3, 2), 16))
    for c_in, c_out, stride in [(16, 24, 2), (24, 24, 1), (24, 32, 2), (32, 32, 1)]:
        wide = 3 * c_in
        y = e.relu6(e.bn(e.conv(x, c_in, wide, 1), wide))
        y = e.relu6(e.bn(e.conv(y, wide, wide, 3, stride, groups=wide), wide))
        y = e.bn(e.conv(y, wide, c_out, 1), c_out)
        x = e.add(x, y) if stride == 1 else y
    return x, 32, 8


def mobilenet_v3(e, x):
    x = e.hard_swish(e.bn(e.conv(x, 3, 16, 3, 2), 16))
    for c_in, c_out, stride in [(16, 24, 2), (24, 24, 1), (24, 32, 2)]:
        wide = 2 * c_in
        y = e.hard_swish(e.bn(e.conv(x, c_in, wide, 1), wide))
        y = e.hard_swish(e.bn(e.conv(y, wide, wide, 3, stride, groups=wide), wide))
        y = excitation(e, y, wide, e.hard_sigmoid)
        y = e.bn(e.conv(y, wide, c_out, 1), c_out)
        x = e.add(x, y) if stride == 1 else y
    return x, 32, 8


def silu(e, x):
    x = e.silu(e.bn(e.conv(x, 3, 16, 3, 2), 16))
    for c_in, c_out in [(16, 24), (24, 32)]:
        x = e.silu(e.bn(e.conv(x, c_in, c_out, 3, 2), c_out))
    return x, 32, 8


def smooth(e, x, activation):
    x = activation(e.biased(e.conv(x, 3, 16, 3, 2), 16))
    for c_in, c_out in [(16, 24), (24, 32)]:
        x = activation(e.biased(e.conv(x, c_in, c_out, 3, 2), c_out))
    return x, 32, 8


def gelu(e, x):
    return smooth(e, x, e.gelu)


def tanh_gelu(e, x):
    return smooth(e, x, e.tanh_gelu)


def mish(e, x):
    return smooth(e, x, e.mish)


def quick_gelu(e, x):
    return smooth(e, x, e.quick_gelu)


def chosen_prelu(e, x):
    for c_in, c_out in [(3, 16), (16, 24), (24, 32)]:
        x = e.chosen_prelu(e.biased(e.conv(x, c_in, c_out, 3, 2), c_out), c_out)
    return x, 32, 8


def inception(e, x):
    x = e.node("Relu", [e.bn(e.conv(x, 3, 16, 3, 2), 16)])
    for c in (16, 64):
        parts = [e.conv(x, c, 16, 1), e.conv(x, c, 16, 3), e.conv(x, c, 16, 3, dilation=2)]
        parts.append(e.conv(e.average_pool(x), c, 16, 1))
        x = e.concat([e.node("Relu", [e.bn(part, 16)]) for part in parts])
        x = e.max_pool(x)
    return x, 64, 8


KINDS = [mobilefacenet, grouped, iresnet, resnet18, se_iresnet, mobilenet_v2, mobilenet_v3, silu, inception, gelu, tanh_gelu, mish, quick_gelu, chosen_prelu]


def build(exporter, kind, seed):
    e = exporter(seed)
    x, channels, side = kind(e, e.begin())
    if side > 1 and kind is not iresnet:
        x, side = e.mean(x), 1
    e.flat = channels * side * side
    x = e.dense(e.flatten(x), e.flat, 64)
    return e, e.finish(e.normalise(x))


class Reader(CalibrationDataReader):
    def __init__(self, pictures):
        self.pictures = iter(pictures)

    def get_next(self):
        picture = next(self.pictures, None)
        return None if picture is None else {"input": picture[None]}


def run(path, pictures):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {"input": picture[None]})[0].reshape(1, -1) for picture in pictures])


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    seen, judged = photos(CALIBRATION, 1), photos(PHOTOS, 2)
    index = []
    for number, kind in enumerate(KINDS):
        for exporter in EXPORTERS:
            e, model = build(exporter, kind, 100 + number)
            name = f"{kind.__name__}-{e.name}"
            path = folder / f"{name}.onnx"
            beside = {}
            if exporter is Dynamo:
                beside = dict(save_as_external_data=True, location=f"{name}.onnx.data", size_threshold=1024)
            onnx.save(model, path, **beside)
            layout = (lambda p: p.transpose(0, 2, 3, 1)) if e.nhwc else (lambda p: p)
            outputs = run(path, np.ascontiguousarray(layout(judged)))
            np.ascontiguousarray(judged.transpose(0, 2, 3, 1)).astype("<f4").tofile(folder / "photos.judged")
            np.ascontiguousarray(seen.transpose(0, 2, 3, 1)).astype("<f4").tofile(folder / "photos.seen")
            outputs.astype("<f4").tofile(folder / f"{name}.output")
            entry = {"name": name, "kind": kind.__name__, "exporter": e.name, "int8": None}
            if exporter is Exporter:
                quantised = folder / f"{name}.int8.onnx"
                quantize_static(
                    path, quantised, Reader(layout(seen)), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QInt8, weight_type=QuantType.QInt8,
                )
                ours = run(quantised, layout(judged))
                cosines = (ours * outputs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(outputs, axis=1)
                entry["int8"] = float(cosines.mean())
                quantised.unlink()
            index.append(entry)
    (folder / "index.json").write_text(json.dumps({"side": SIDE, "photos": PHOTOS, "seen": CALIBRATION, "networks": index}, indent=1))


main()
