// A strategy in JavaScript, `sticky-caller`: every caller keeps to one candidate, so that a vendor finds its prompts
// in a cache. Callers are dealt out by weighted rendezvous hashing: when a candidate goes, only its callers move.
//
// wit/0.1.0/strategy.wit documents what is exported; adapter.js says what becomes of its names and types here.

const settings = {
  type: 'object',
  properties: { seed: { type: 'string', description: 'Another text deals the callers out anew. Default: nothing.' } },
  additionalProperties: false,
};

let places = []; // a hash for each candidate of the pool: hashing its name again at every request would take longer

// The last steps of MurmurHash3, which leave nothing to be seen of what was similar.
function mix(bits) {
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

const fnv1a = (text) => [...text].reduce((bits, c) => Math.imul(bits ^ c.codePointAt(0), 0x01000193), 0x811c9dc5);

export const strategy = {
  describe: () => ({ version: '0.1.0', settingsSchema: JSON.stringify(settings), facts: ['weight'] }),
  configure(text, pool) {
    const { seed = '' } = JSON.parse(text);
    places = pool.map(({ vendor, account, model }) => mix(fnv1a(`${seed} ${vendor}/${account}/${model}`)));
  },
  rank({ caller }, candidates, facts) {
    const own = fnv1a(caller);
    const score = (index, row) => facts[row] / -Math.log((mix(own ^ places[index]) + 0.5) / 2 ** 32);
    const ranked = Array.from(candidates, (index, row) => ({ index, score: score(index, row) }));
    ranked.sort((one, other) => other.score - one.score);
    return { order: ranked.map(({ index }) => index), note: `the place of ${caller}` };
  },
};
