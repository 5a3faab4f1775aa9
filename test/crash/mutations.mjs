// Ways to damage an index. Each takes the bytes of a file and gives other ones; null: it is missing; 'folder': it is one.

const flip = (bytes, random) => {
  const damaged = Buffer.from(bytes);
  for (let flips = 1 + random(random(4) === 0 ? 8 : 1); flips > 0 && bytes.length > 0; flips -= 1) {
    const at = random(bytes.length);
    damaged[at] ^= 1 << random(8);
  }
  return damaged;
};

const overwrite = (fill) => (bytes, random, others) => {
  const damaged = Buffer.from(bytes);
  const at = random(bytes.length);
  const length = Math.min(1 + random(random(3) === 0 ? 5000 : 64), bytes.length - at);
  fill(damaged.subarray(at, at + length), random, bytes, others);
  return damaged;
};

const noise = (length, random) => Buffer.from(Array.from({ length }, () => random(256)));

const insert = (bytes, random) => {
  const at = random(bytes.length + 1);
  const added = noise(1 + random(random(3) === 0 ? 5000 : 16), random);
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at)]);
};

const cutOut = (bytes, random) => {
  const at = random(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(random(3) === 0 ? 5000 : 16))]);
};

export const mutations = {
  'bits flipped': flip,
  'zeros written': overwrite((part) => part.fill(0)),
  'ones written': overwrite((part) => part.fill(255)),
  'noise written': overwrite((part, random) => part.set(noise(part.length, random))),
  'a part written over another': overwrite((part, random, bytes) => {
    const from = random(bytes.length - part.length + 1);
    part.set(bytes.subarray(from, from + part.length));
  }),
  'cut short': (bytes, random) => bytes.subarray(0, random(bytes.length)),
  'bytes inserted': insert,
  'bytes cut out': cutOut,
  'made longer': (bytes, random) =>
    Buffer.concat([bytes, random(2) ? noise(random(5000), random) : Buffer.alloc(random(5000))]),
  'another file of the index in its place': (_, random, { own }) => own[random(own.length)],
  'the file of another index in its place': (bytes, _, { foreign }) => foreign ?? bytes,
  missing: () => null,
  'a folder in its place': () => 'folder',
};

const catalogs = ['catalog.sqlite-wal', 'catalog.sqlite'];

/** Damages one of some files in one way. Rare ways are those that have little to vary. */
export function mutate(files, foreignFiles, random) {
  const names = [...files.keys()];
  // What is large, and of many parts, has more ways to go wrong.
  const name =
    random(3) > 0
      ? names[random(names.length)]
      : (catalogs.find((catalog) => files.has(catalog) && random(2)) ?? catalogs[1]);
  const kinds = Object.keys(mutations);
  const common = kinds.slice(0, -4);
  const kind = random(12) === 0 ? kinds[random(kinds.length)] : common[random(common.length)];
  const own = [...files].filter(([other]) => other !== name).map(([, bytes]) => bytes);
  const foreign = foreignFiles.get(name);
  return { name, kind, bytes: mutations[kind](files.get(name), random, { own, foreign }) };
}
