// Draws a dashboard of the chart from its own JSON and from Prometheus' answers to its queries: the
// panel types, units, mappings and thresholds that those dashboards use. No Grafana is to be had as
// a package; this is for the pictures of the documentation.
'use strict';

const PALETTE = ['#73bf69', '#5794f2', '#ff9830', '#b877d9', '#f2cc0c', '#f2495c', '#37872d',
                 '#1f60c4', '#8f3bb8', '#c4162a'];
const NAMED = {green: '#73bf69', orange: '#ff9830', red: '#f2495c', yellow: '#f2cc0c',
               blue: '#5794f2', text: '#ccccdc'};
const GRID = '#2c2f36', DIM = '#9a9fa8';

Chart.defaults.font = {family: 'DejaVu Sans, sans-serif', size: 11};
Chart.defaults.color = DIM;
Chart.defaults.animation = false;

// --- numbers -------------------------------------------------------------------------------------

const short = (v) => Math.abs(v) >= 1000 ? (v / 1000).toFixed(1) + ' K' : String(+v.toPrecision(3));

function scaled(value, step, names) {
  let at = 0;
  for (; Math.abs(value) >= step && at < names.length - 1; at++) value /= step;
  return +value.toPrecision(3) + ' ' + names[at];
}

function seconds(v) {
  const size = Math.abs(v);
  if (size >= 172800) return short(v / 86400) + ' days';
  if (size >= 7200) return short(v / 3600) + ' h';
  if (size >= 120) return short(v / 60) + ' min';
  if (size >= 1 || v === 0) return short(v) + ' s';
  return size >= 1e-3 ? short(v * 1e3) + ' ms' : short(v * 1e6) + ' µs';
}

const UNITS = {
  bytes: (v) => scaled(v, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']),
  percentunit: (v) => short(v * 100) + ' %',
  s: seconds,
  reqps: (v) => short(v) + ' req/s',
  ops: (v) => short(v) + ' ops/s',
  pps: (v) => short(v) + ' p/s',
  short,
};

// Ticks of time fall on round seconds or minutes.
const clockStep = ([from, to]) => [5, 10, 15, 30, 60, 120, 300, 900].find((s) => s >= (to - from) / 6);

// Those of bytes on powers of two.
function byteStep(most) {
  return 2 ** Math.ceil(Math.log2(most / 5));
}

const clock = (s) => new Date(s * 1000).toISOString().slice(11, 19);

// --- what a panel's JSON says --------------------------------------------------------------------

const nameOf = (target, labels) =>
  target.legendFormat.replace(/{{(\w+)}}/g, (_, label) => labels[label] ?? '');

// The panel's field settings, with what it overrides for this series or column.
function fieldOf(panel, name) {
  const field = {...panel.fieldConfig.defaults};
  for (const {matcher, properties} of panel.fieldConfig.overrides) {
    if (matcher.options !== name) continue;
    for (const {id, value} of properties) field[id] = value;
  }
  return field;
}

// Text and colour of a value by mappings and thresholds.
function look(field, value) {
  for (const {options} of field.mappings ?? []) {
    const hit = options[String(value)];
    if (hit) return {text: hit.text, color: NAMED[hit.color] ?? hit.color};
  }
  const steps = field.thresholds?.steps ?? [];
  const step = steps.filter((s) => s.value === null || value >= s.value).pop();
  const text = field.decimals === 0 ? value.toFixed(0) : UNITS[field.unit](value);
  return {text, color: NAMED[step?.color ?? 'green'] ?? step.color};
}

// Fixed by the panel, else the next of the palette.
function colorOf(panel, series, at) {
  const fixed = fieldOf(panel, series.name).color;
  return fixed?.fixedColor ?? PALETTE[at % PALETTE.length];
}

// All series of a panel: {name, points: [[time, value]]}, without what is no number.
const seriesOf = (panel, answers) => answers.flatMap((answer, at) => answer.map((one) => ({
  name: nameOf(panel.targets[at], one.metric),
  labels: one.metric,
  points: (one.values ?? [one.value]).map(([t, v]) => [t, Number(v)])
    .filter(([, v]) => Number.isFinite(v)),
})).filter((one) => one.points.length > 0));

const last = (series) => series.points.at(-1)[1];

function add(parent, tag, text = '', style = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  Object.assign(element.style, style);
  return parent.appendChild(element);
}

// --- panel types ---------------------------------------------------------------------------------

function stat(body, panel, series) {
  const {text, color} = look(panel.fieldConfig.defaults, last(series[0]));
  add(body, 'div', text, {color}).className = 'stat';
}

function table(body, panel, _, answers) {
  const columns = panel.targets.map((target) => target.legendFormat);
  const rows = new Map();
  answers.forEach((answer, at) => answer.forEach(({metric, value}) => {
    const row = rows.get(metric.instance) ?? rows.set(metric.instance, {}).get(metric.instance);
    row[columns[at]] = Number(value[1]);
  }));
  const out = add(body, 'table');
  out.className = 'wide';
  const names = panel.transformations.find((t) => t.id === 'organize').options.renameByName;
  const head = add(out, 'tr');
  for (const column of [names.instance, ...columns]) add(head, 'th', column);
  for (const [instance, row] of [...rows].sort()) {
    const line = add(out, 'tr');
    add(line, 'td', instance);
    for (const column of columns) {
      const field = fieldOf(panel, column);
      const {text, color} = look(field, row[column]);
      add(line, 'td', text, field.mappings ? {color} : {});
    }
  }
}

function legend(body, panel, series, format) {
  const {placement, calcs = []} = panel.options.legend;
  if (placement !== 'right') throw new Error(`${panel.title}: legend at ${placement}`);
  const out = add(body, 'table');
  const head = add(out, 'tr');
  for (const name of ['Name', ...calcs.map((c) => ({lastNotNull: 'Last', max: 'Max'})[c])]) {
    add(head, 'th', name);
  }
  series.forEach((one, at) => {
    const line = add(out, 'tr');
    const name = add(line, 'td');
    add(name, 'i', '', {background: colorOf(panel, one, at)});
    name.append(one.name);
    const figures = {lastNotNull: last(one), max: Math.max(...one.points.map((p) => p[1]))};
    for (const calc of calcs) add(line, 'td', format(figures[calc]));
  });
}

// A null where points are missing: the line ends there and begins again.
function withGaps(points) {
  const step = Math.min(...points.slice(1).map(([t], i) => t - points[i][0]));
  return points.flatMap(([t, v], i) =>
    i > 0 && t - points[i - 1][0] > 1.5 * step ? [[t - step, null], [t, v]] : [[t, v]]);
}

function timeseries(body, panel, series, _, range) {
  const {unit, min, max, custom} = panel.fieldConfig.defaults;
  const format = UNITS[unit], stacked = custom.stacking.mode === 'normal';
  const tops = series.map((one) => Math.max(...one.points.map((p) => p[1])));
  const top = stacked ? tops.reduce((a, b) => a + b) : Math.max(...tops);
  const stepSize = unit === 'bytes' ? byteStep(top) : undefined;
  const box = add(body, 'div');
  box.className = 'chart';
  legend(body, panel, series, format);
  new Chart(add(box, 'canvas'), {
    type: 'line',
    data: {
      datasets: series.map((one, at) => {
        const color = colorOf(panel, one, at);
        const opacity = Math.round(custom.fillOpacity * 2.55).toString(16).padStart(2, '0');
        return {
          data: withGaps(one.points).map(([x, y]) => ({x, y})),
          borderColor: color, borderWidth: custom.lineWidth + 0.5, pointRadius: 0,
          backgroundColor: color + opacity, fill: stacked && at > 0 ? '-1' : 'origin',
        };
      }),
    },
    options: {
      maintainAspectRatio: false,
      plugins: {legend: {display: false}},
      scales: {
        x: {type: 'linear', min: range[0], max: range[1], grid: {color: GRID},
            ticks: {callback: clock, stepSize: clockStep(range), includeBounds: false, maxRotation: 0}},
        y: {stacked, min, max, beginAtZero: min === undefined, grace: '5%', grid: {color: GRID},
            ticks: {callback: format, maxTicksLimit: 8, stepSize}},
      },
    },
  });
}

// Neighbours of one value become one piece; times as shares of the range.
function pieces(points, [from, to]) {
  const share = (t) => (t - from) / (to - from);
  const merged = [];
  points.forEach(([t, value], at) => {
    const end = share(points[at + 1]?.[0] ?? t);
    if (merged.at(-1)?.value === value) merged.at(-1).end = end;
    else merged.push({value, begin: share(t), end});
  });
  return merged;
}

function timeline(body, panel, series, _, range) {
  const states = add(body, 'div');
  states.className = 'states';
  for (const one of series) {
    add(states, 'span', one.name);
    const bar = add(states, 'div');
    bar.className = 'bar';
    for (const {value, begin, end} of pieces(one.points, range)) {
      const {text, color} = look(panel.fieldConfig.defaults, value);
      add(bar, 'div', end - begin > 0.13 ? text : '',
          {background: color, left: `${begin * 100}%`, width: `${(end - begin) * 100}%`});
    }
  }
}

// Prometheus' buckets hold all smaller ones, too.
function heatmap(body, panel, series) {
  const buckets = [...series].sort((a, b) => Number(a.labels.le.replace('+Inf', 'Infinity')) -
                                             Number(b.labels.le.replace('+Inf', 'Infinity')));
  const every = Math.ceil(buckets[0].points.length / 48);
  const rows = buckets.map((bucket, at) => bucket.points.filter((_, i) => i % every === 0).map(
    ([, v], i) => v - (at ? buckets[at - 1].points[i * every][1] : 0)));
  const most = Math.max(...rows.flat());
  const heat = add(body, 'div');
  heat.className = 'heat';
  heat.style.gridTemplateColumns = `max-content repeat(${rows[0].length}, 1fr)`;
  [...rows].reverse().forEach((row, at) => {
    const {le} = buckets[rows.length - 1 - at].labels;
    add(heat, 'span', le === '+Inf' ? 'more' : UNITS.s(Number(le)));
    for (const value of row) {
      const share = Math.max(0, value) / most;
      add(heat, 'div', '', share < 1e-6 ? {} : {background: `rgba(255, 152, 48, ${0.15 + 0.85 * Math.sqrt(share)})`});
    }
  });
}

const TYPES = {stat, table, timeseries, 'state-timeline': timeline, heatmap};

// `board` is {title, range: [from, to], panels: [{panel, answers}]}; answers are Prometheus' results,
// one for each target of the panel.
function draw(board) {
  document.querySelector('h1').textContent = board.title;
  for (const {panel, answers} of board.panels) {
    const box = add(document.querySelector('#board'), 'div');
    box.className = 'panel';
    box.style.gridColumn = `span ${panel.gridPos.w}`;
    box.style.gridRow = `span ${panel.gridPos.h}`;
    add(box, 'h2', panel.title);
    const body = add(box, 'div');
    body.className = 'body';
    const series = seriesOf(panel, answers);
    if (series.length === 0) add(body, 'div', 'No data').className = 'empty';
    else TYPES[panel.type](body, panel, series, answers, board.range);
  }
}
