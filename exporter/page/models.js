// The table of models: state, footprint against estimate, and what happened to each.
import {byId, element, number, size} from '/dom.js';

function explained(reason) {
  const [first, ...rest] = reason.split('\n');
  if (rest.join('').trim() === '') return element('div', {class: 'reason'}, first);
  return element('details', {}, element('summary', {class: 'reason'}, first),
    element('pre', {class: 'reason'}, rest.join('\n').trim()));
}

function eventItem(event) {
  const item = element('li', {class: event.warning ? 'trouble' : ''},
    element('time', {datetime: event.time}, new Date(event.time).toLocaleTimeString()),
    ` ${event.reason}`);
  if (event.count > 1) item.append(` (${event.count} times)`);
  if (event.message) item.append(`: ${event.message}`);
  return item;
}

// The newest first.
function happened(events) {
  const count = events.length === 1 ? '1 event' : `${events.length} events`;
  return element('details', {class: 'events'},
    element('summary', {}, `${count}, the last: ${events.at(-1).reason}`),
    element('ol', {}, ...events.toReversed().map(eventItem)));
}

function modelRow(model) {
  const state = element('td', {}, element('strong', {}, model.state));
  if (model.downloadPercent !== undefined) state.append(` ${model.downloadPercent} %`);
  if (model.reason) state.append(explained(model.reason));
  if (model.events.length > 0) state.append(happened(model.events));
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

// What was open in the row that `row` replaces is open in it, too.
function likeBefore(row, before) {
  for (const details of before?.querySelectorAll('details[open]') ?? []) {
    const same = row.querySelector(details.className ? '.events' : 'details:not(.events)');
    if (same) same.open = true;
  }
  return row;
}

// What a row was made of. A row stays while that is the same, and with it what is open and focused.
const shown = new Map();

export function drawModels(list, memory) {
  const key = (model) => `${model.namespace}/${model.name}`;
  const known = new Map(memory.models.map((model) => [key(model), model]));
  const rows = list.models.map((model) => {
    const made = JSON.stringify(model);
    const old = shown.get(key(model));
    const row = old?.made === made ? old.row : likeBefore(modelRow(model), old?.row);
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
