"""Reads the header of a GGUF file, and writes it back with other metadata and tensors."""
import os
import struct

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
# ggml type: elements and bytes of a block
BLOCKS = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
          10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
          24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 30: (1, 2)}


class Header:
    """metadata: {key: (type, value)}, arrays as (ARRAY, (element type, list));
    tensors: [(name, dims, type)]."""

    def __init__(self, metadata, tensors):
        self.metadata, self.tensors = metadata, tensors

    @property
    def architecture(self):
        return self.metadata["general.architecture"][1]

    def value(self, key):
        """Number, string or list; None if absent."""
        found = self.metadata.get(key)
        if found is None:
            return None
        return found[1][1] if found[0] == ARRAY else found[1]


def read(path):
    with open(path, "rb") as file:
        return _Reader(file).header()


class _Reader:
    def __init__(self, file):
        self.file = file

    def scalar(self, type):
        code = "<" + SCALARS[type]
        return struct.unpack(code, self.file.read(struct.calcsize(code)))[0]

    def string(self):
        return self.file.read(self.scalar(10)).decode("utf-8", "replace")

    def value(self, type):
        if type == STRING:
            return self.string()
        if type != ARRAY:
            return self.scalar(type)
        element, count = self.scalar(4), self.scalar(10)
        if element == STRING:
            return element, [self.string() for _ in range(count)]
        code = "<%d%s" % (count, SCALARS[element])
        return element, list(struct.unpack(code, self.file.read(struct.calcsize(code))))

    def header(self):
        if self.file.read(4) != b"GGUF":
            raise ValueError("not a GGUF file")
        self.scalar(4)
        tensor_count, key_count = self.scalar(10), self.scalar(10)
        metadata, tensors = {}, []
        for _ in range(key_count):
            key, type = self.string(), self.scalar(4)
            metadata[key] = (type, self.value(type))
        for _ in range(tensor_count):
            name = self.string()
            dims = [self.scalar(10) for _ in range(self.scalar(4))]
            tensors.append((name, dims, self.scalar(4)))
            self.scalar(10)
        return Header(metadata, tensors)


def _string(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _value(type, value):
    if type == STRING:
        return _string(value)
    if type != ARRAY:
        return struct.pack("<" + SCALARS[type], value)
    element, items = value
    head = struct.pack("<IQ", element, len(items))
    if element == STRING:
        return head + b"".join(map(_string, items))
    return head + struct.pack("<%d%s" % (len(items), SCALARS[element]), *items)


def write(header, path):
    """The file has the size of the whole model but no data (it is sparse)."""
    out = [struct.pack("<4sIQQ", b"GGUF", 3, len(header.tensors), len(header.metadata))]
    for key, (type, value) in header.metadata.items():
        out += [_string(key), struct.pack("<I", type), _value(type, value)]
    offset = 0
    for name, dims, type in header.tensors:
        out += [_string(name), struct.pack("<I%dQIQ" % len(dims), len(dims), *dims, type, offset)]
        elements, size = BLOCKS[type]
        nbytes = dims[0] // elements * size
        for d in dims[1:]:
            nbytes *= d
        offset += -(-nbytes // 32) * 32
    raw = b"".join(out)
    with open(path, "wb") as file:
        file.write(raw)
        file.truncate(-(-len(raw) // 32) * 32 + offset)
    return os.path.getsize(path)
