// The recent decisions, asked for again and again; drawn only when something changed, so that what
// is selected or focused stays.
import {byId, element, number} from '/dom.js';

const POLL_MS = 2000;

let shown = '';

function row(one) {
  const name = `${one.namespace}/${one.name}`;
  const decision = one.dryRun ? `${one.decision} (dry run)` : one.decision;
  return element('tr', {'data-object': name},
    element('td', {}, element('time', {datetime: one.time}, new Date(one.time).toLocaleString())),
    element('th', {scope: 'row'}, `${one.operation} ${one.kind} ${name}`),
    element('td', {class: one.decision}, decision),
    element('td', {}, one.rule ?? '–'),
    number(one.footprintBytes),
    element('td', {}, one.node ?? '–'),
    element('td', {class: 'number'}, `${one.milliseconds.toFixed(2)} ms`));
}

function draw(state, deniedOnly) {
  const made = JSON.stringify([state, deniedOnly]);
  if (made === shown) return;
  shown = made;
  byId('version').textContent = state.version;
  byId('summary').textContent =
    `${state.allowed} allowed, ${state.denied} denied, ${state.passed} passed without being judged.`;
  const rows = state.decisions
    .filter((one) => !deniedOnly || one.decision === 'denied').map(row);
  if (rows.length === 0) rows.push(element('tr', {}, element('td', {colspan: 7}, 'None yet.')));
  byId('decisions').replaceChildren(...rows);
}

let last = null;

function redraw() {
  if (last) draw(last, byId('denied-only').checked);
}

async function poll() {
  try {
    const response = await fetch('/v1/decisions');
    if (!response.ok) throw new Error((await response.text()).trim());
    last = await response.json();
    redraw();
    byId('link').textContent = '';
  } catch (error) {
    byId('link').textContent = `not reachable: ${error.message}`;
  }
  setTimeout(poll, POLL_MS);
}

byId('denied-only').addEventListener('change', redraw);
poll();
