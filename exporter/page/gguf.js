// Reads the header of a GGUF file and makes a small one of it: same metadata and tensors, but a
// long array (the vocabulary, its scores, its merges) becomes as many zero bytes. Sizes depend on
// how many there are, never on what they are. Format: ggml/docs/gguf.md of llama.cpp.

const CHUNK = 4 << 20;
const MOST = 64 << 20;  // larger than any published header
const KEPT = 4096;      // elements of an array that is copied as it is
const UINT8 = 0;
const STRING = 8;
const ARRAY = 9;
const WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8};

class Reader {
  constructor(file) {
    this.file = file;
    this.bytes = new Uint8Array(0);
    this.at = 0;
  }

  // Makes `count` bytes from here on available.
  async need(count) {
    const end = this.at + count;
    if (end <= this.bytes.length) return;
    if (end > this.file.size) throw new Error(`${this.file.name}: the file ends within its header`);
    if (end > MOST) throw new Error(`${this.file.name}: the header is larger than 64 MiB`);
    const from = this.bytes.length;
    const to = Math.min(this.file.size, Math.max(end, from + CHUNK));
    const more = new Uint8Array(await this.file.slice(from, to).arrayBuffer());
    const grown = new Uint8Array(to);
    grown.set(this.bytes);
    grown.set(more, from);
    this.bytes = grown;
  }

  view(count) {
    return new DataView(this.bytes.buffer, this.at, count);
  }

  async u32() {
    await this.need(4);
    const value = this.view(4).getUint32(0, true);
    this.at += 4;
    return value;
  }

  async u64() {
    await this.need(8);
    const value = this.view(8).getBigUint64(0, true);
    this.at += 8;
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new Error(`${this.file.name}: a length of ${value} cannot be right`);
    }
    return Number(value);
  }

  async skip(count) {
    await this.need(count);
    this.at += count;
  }

  async skipString() {
    await this.skip(await this.u64());
  }
}

async function skipArray(reader) {
  const type = await reader.u32();
  const count = await reader.u64();
  if (type === STRING) {
    for (let i = 0; i < count; ++i) await reader.skipString();
  } else if (WIDTHS[type] !== undefined) {
    await reader.skip(count * WIDTHS[type]);
  } else {
    throw new Error(`${reader.file.name}: an array of type ${type} is unknown`);
  }
  return {type, count};
}

function zeros(count) {
  const made = new Uint8Array(12 + count);
  const view = new DataView(made.buffer);
  view.setUint32(0, UINT8, true);
  view.setBigUint64(4, BigInt(count), true);
  return made;
}

// Skips one value; returns what stands for it in the small header, or undefined for itself.
async function skipValue(reader, type) {
  if (type === ARRAY) {
    const array = await skipArray(reader);
    return array.count > KEPT ? zeros(array.count) : undefined;
  }
  if (type === STRING) {
    await reader.skipString();
  } else if (WIDTHS[type] !== undefined) {
    await reader.skip(WIDTHS[type]);
  } else {
    throw new Error(`${reader.file.name}: a value of type ${type} is unknown`);
  }
  return undefined;
}

async function skipTensor(reader) {
  await reader.skipString();
  const dimensions = await reader.u32();
  if (dimensions > 4) throw new Error(`${reader.file.name}: a tensor of ${dimensions} dimensions`);
  await reader.skip(8 * dimensions + 4 + 8);
}

export async function smallHeader(file) {
  const reader = new Reader(file);
  await reader.need(24);
  if (String.fromCharCode(...reader.bytes.subarray(0, 4)) !== 'GGUF') {
    throw new Error(`${file.name}: this is no GGUF file`);
  }
  reader.at = 8;
  const tensors = await reader.u64();
  const values = await reader.u64();
  const pieces = [];
  let copied = 0;
  for (let i = 0; i < values; ++i) {
    await reader.skipString();
    const type = await reader.u32();
    const start = reader.at;
    const instead = await skipValue(reader, type);
    if (instead) {
      pieces.push(reader.bytes.slice(copied, start), instead);
      copied = reader.at;
    }
  }
  for (let i = 0; i < tensors; ++i) await skipTensor(reader);
  pieces.push(reader.bytes.slice(copied, reader.at));
  return new Blob(pieces);
}
