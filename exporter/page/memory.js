// Draws what /memstats says. Sizes are bytes throughout; element.dataset.bytes holds the exact
// number behind each text.

const PARTS = [
  ['wired', 'Wired (kernel, locked)'],
  ['models', 'Models'],
  ['other', 'Other programs'],
  ['compressed', 'Compressed'],
  ['reserved', 'Not accounted for'],
  ['reclaimable', 'Reclaimable (file cache)'],
  ['free', 'Free'],
];

export function size(bytes) {
  if (bytes === undefined || bytes === null) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    ++unit;
  }
  return `${value.toFixed(unit < 2 ? 0 : 1)} ${units[unit]}`;
}

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function byId(id) {
  return document.getElementById(id);
}

function percent(part, total) {
  return total > 0 ? (100 * part) / total : 0;
}

function segment(kind, bytes, total) {
  const made = element('span', {class: kind});
  made.style.width = `${percent(bytes, total)}%`;
  return made;
}

function number(bytes, text = size(bytes)) {
  return element('td', {class: 'number', 'data-bytes': bytes ?? ''}, text);
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

function explained(reason) {
  const [first, ...rest] = reason.split('\n');
  if (rest.join('').trim() === '') return element('div', {class: 'reason'}, first);
  return element('details', {}, element('summary', {class: 'reason'}, first),
    element('pre', {class: 'reason'}, rest.join('\n').trim()));
}

function modelRow(model) {
  const state = element('td', {}, element('strong', {}, model.state));
  if (model.downloadPercent !== undefined) state.append(` ${model.downloadPercent} %`);
  if (model.reason) state.append(explained(model.reason));
  const since = model.startedAt ? new Date(model.startedAt).toLocaleString() : '–';
  return element('tr', {'data-model': `${model.namespace}/${model.name}`},
    element('th', {scope: 'row'}, `${model.namespace}/${model.name}`), state,
    element('td', {class: 'number footprint'}), number(model.footprintBytes),
    element('td', {class: 'number'}, String(model.restarts)), element('td', {}, since));
}

function drawFootprint(cell, model, memory) {
  const footprint = memory?.footprint ?? memory?.resident;
  const estimate = model.footprintBytes;
  cell.dataset.bytes = footprint ?? '';
  cell.textContent = size(footprint);
  cell.classList.toggle('over', footprint !== undefined && footprint > estimate);
  if (footprint === undefined || !estimate) return;
  cell.append(element('meter', {min: 0, max: estimate, value: footprint,
    'aria-label': `${size(footprint)} of ${size(estimate)} estimated`}));
}

// What a row was made of. A row stays while that is the same, and with it what is open and focused.
const shown = new Map();

export function drawModels(list, memory) {
  const key = (model) => `${model.namespace}/${model.name}`;
  const known = new Map(memory.models.map((model) => [key(model), model]));
  const rows = list.models.map((model) => {
    const made = JSON.stringify(model);
    const old = shown.get(key(model));
    const row = old?.made === made ? old.row : modelRow(model);
    shown.set(key(model), {made, row});
    drawFootprint(row.querySelector('.footprint'), model, known.get(key(model)));
    return row;
  });
  if (rows.length === 0) {
    rows.push(element('tr', {}, element('td', {colspan: 6}, 'No model has been given to this node.')));
  }
  const body = byId('models');
  if (rows.length !== body.children.length || rows.some((row, i) => row !== body.children[i])) {
    body.replaceChildren(...rows);
  }
}
