// The page: one stream of events feeds everything; without it the figures are polled.
import {byId, size} from '/dom.js';
import {drawMemory} from '/memory.js';
import {drawModels} from '/models.js';
import {watchForm} from '/fit.js';

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 720;
const HEIGHT = 120;
const MOST_POINTS = 720;
const FEW_POINTS = 60;
const POLL_MS = 5000;

const history = {step: 30, points: []};

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// The last six hours, right-aligned; a band for each step that was not normal. A short history is
// drawn wider.
function drawHistory(total) {
  const points = history.points.slice(-MOST_POINTS);
  const step = WIDTH / Math.max(points.length, FEW_POINTS);
  const from = WIDTH - points.length * step;
  const height = (available) => HEIGHT * (1 - (available ?? 0) / total);
  const line = points.flatMap(([, available], i) => [0, 1].map(
    (end) => `${(from + (i + end) * step).toFixed(2)},${height(available).toFixed(1)}`));
  const bands = points
    .map(([, , level], i) => [level, from + i * step])
    .filter(([level]) => level !== 'normal')
    .map(([level, x]) => shape('rect', {class: level, x, y: 0, width: step, height: 10}));
  const area = shape('polygon', {
    class: 'area', points: `${from},${HEIGHT} ${line.join(' ')} ${WIDTH},${HEIGHT}`});
  byId('history').replaceChildren(area, ...bands);
  summariseHistory(points);
}

function summariseHistory(points) {
  const known = points.map(([, available]) => available).filter((value) => value !== null);
  const minutes = Math.round((points.length * history.step) / 60);
  const count = (level) => points.filter(([, , one]) => one === level).length;
  const spent = (level) => `${Math.round((count(level) * history.step) / 60)} min ${level}`;
  byId('history-summary').textContent = known.length === 0 ? 'No sample yet.' :
    `Available memory of the last ${minutes} min: ${size(Math.min(...known))} to ` +
    `${size(Math.max(...known))}; ${spent('warning')}, ${spent('critical')}.`;
}

function addToHistory(memory) {
  const now = Math.floor(Date.parse(memory.takenAt) / 1000);
  const start = now - (now % history.step);
  const last = history.points.at(-1);
  if (last && last[0] === start) {
    last[1] = last[1] === null ? memory.available : Math.min(last[1], memory.available);
  } else {
    history.points.push([start, memory.available, memory.pressure]);
  }
}

function show({memory, models}) {
  drawMemory(memory);
  drawModels(models, memory);
  addToHistory(memory);
  drawHistory(memory.total);
  document.title = `Headroom – ${models.node}`;
}

function say(text) {
  byId('link').textContent = text;
}

async function json(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${(await response.text()).trim()}`);
  return response.json();
}

async function poll() {
  try {
    const [memory, models] = await Promise.all([json('/memstats'), json('/v1/models')]);
    show({memory, models});
    say('');
  } catch (error) {
    say(`not reachable: ${error.message}`);
  }
  setTimeout(poll, POLL_MS);
}

function follow() {
  const events = new EventSource('/v1/live');
  events.addEventListener('state', (event) => {
    show(JSON.parse(event.data));
    say('');
  });
  events.addEventListener('problem', (event) => say(JSON.parse(event.data)));
  events.addEventListener('error', () => {
    if (events.readyState === EventSource.CLOSED) {
      poll();
    } else {
      say('not reachable, trying again');
    }
  });
}

async function start() {
  watchForm();
  try {
    const {stepSeconds, points} = await json('/v1/history');
    history.step = stepSeconds;
    history.points = points;
  } catch (error) {
    say(error.message);
  }
  follow();
}

start();
