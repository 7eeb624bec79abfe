// Draws what /memstats says. Sizes are bytes throughout; element.dataset.bytes holds the exact
// number behind each text.
import {byId, element, number, size} from '/dom.js';

const PARTS = [
  ['wired', 'Wired (kernel, locked)'],
  ['models', 'Models'],
  ['other', 'Other programs'],
  ['compressed', 'Compressed'],
  ['reserved', 'Not accounted for'],
  ['reclaimable', 'Reclaimable (file cache)'],
  ['free', 'Free'],
];

function percent(part, total) {
  return total > 0 ? (100 * part) / total : 0;
}

function segment(kind, bytes, total) {
  const made = element('span', {class: kind});
  made.style.width = `${percent(bytes, total)}%`;
  return made;
}

function partRow(kind, label, bytes, total) {
  const row = element('tr', {'data-part': kind},
    element('th', {scope: 'row'}, element('span', {class: `swatch ${kind}`}), label),
    number(bytes), element('td', {class: 'number'}, `${percent(bytes, total).toFixed(1)} %`));
  return row;
}

// The share of models in the picture, divided among them as they use it.
function modelSegments(memory) {
  const sizes = memory.models.map((model) => Math.max(model.footprint ?? 0, model.resident ?? 0));
  const sum = sizes.reduce((a, b) => a + b, 0);
  return sizes.filter((bytes) => bytes > 0)
    .map((bytes) => segment('models', (memory.parts.models * bytes) / sum, memory.total));
}

function drawParts(memory) {
  const drawn = PARTS.filter(([kind]) => memory.parts[kind] > 0);
  byId('bar').replaceChildren(...drawn.flatMap(([kind]) => (kind === 'models' ?
    modelSegments(memory) : [segment(kind, memory.parts[kind], memory.total)])));
  byId('parts').replaceChildren(
    ...PARTS.map(([kind, label]) => partRow(kind, label, memory.parts[kind], memory.total)));
  byId('total').textContent = size(memory.total);
  byId('total').dataset.bytes = memory.total;
}

function mark(bytes, total, label) {
  const at = percent(Math.min(bytes, total), total);
  const made = element('div', {class: at > 60 ? 'mark left' : 'mark'}, element('span', {}, label));
  made.style.left = `${at}%`;
  return made;
}

function drawPromises(memory) {
  const rows = [];
  const marks = [];
  const bars = [];
  const {budget, total} = memory;
  const limit = memory.gpu.workingSetLimit;
  if (budget) {
    rows.push(['budget', `Budget (${budget.source})`, budget.bytes]);
    rows.push(['committed', 'Committed', budget.committed]);
    rows.push(['headroom', 'Headroom for another model', budget.headroom]);
    bars.push(segment('committed', budget.committed, total), segment('headroom', budget.headroom, total));
    marks.push(mark(budget.bytes, total, 'budget'));
  }
  if (limit) {
    rows.push(['gpu', 'GPU working-set limit', limit]);
    if (!budget || limit !== budget.bytes) marks.push(mark(limit, total, 'GPU limit'));
  }
  if (memory.swapUsed !== undefined) rows.push(['swap', 'Swap in use', memory.swapUsed]);
  byId('promise').replaceChildren(...bars);
  byId('marks').replaceChildren(...marks);
  byId('promises').replaceChildren(...rows.map(([kind, label, bytes]) => element('tr', {'data-part': kind},
    element('th', {scope: 'row'}, element('span', {class: `swatch ${kind}`}), label), number(bytes))));
}

export function drawMemory(memory) {
  drawParts(memory);
  drawPromises(memory);
  const room = memory.budget ? ` A new model can take ${size(memory.budget.headroom)}.` : '';
  byId('memory-summary').textContent =
    `${size(memory.available)} of ${size(memory.total)} are available.${room}`;
  byId('pressure').textContent = `pressure ${memory.pressure}`;
  byId('pressure').className = `badge ${memory.pressure}`;
  const host = memory.host;
  byId('host').textContent = [host.chip || host.model, `${host.system} ${host.osVersion}`.trim()]
    .filter(Boolean).join(', ');
}
