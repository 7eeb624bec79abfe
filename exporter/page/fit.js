// "Will it fit?": the form, the dropped file, and the exporter's answer.
import {byId, element} from '/dom.js';
import {smallHeader} from '/gguf.js';

const FIELDS = ['context', 'parallel', 'prompt_cache_mib', 'cache_type_k', 'cache_type_v'];

function options(form) {
  const query = new URLSearchParams();
  for (const name of FIELDS) {
    const value = form.elements[name].value.trim();
    if (value) query.set(name, value);
  }
  return query;
}

async function askAbout(file, query) {
  query.set('file_bytes', file.size);
  query.set('name', file.name);
  return fetch(`/v1/fit?${query}`, {method: 'POST', body: await smallHeader(file)});
}

function list(id, lines) {
  byId(id).replaceChildren(...lines.map((line) => element('li', {}, line)));
}

function answer(kind, summary, {context = '', warnings = [], suggestions = [], text = ''} = {}) {
  byId('answer').hidden = false;
  byId('answer').className = `answer ${kind}`;
  byId('answer-summary').textContent = summary;
  byId('answer-context').textContent = context;
  list('answer-warnings', warnings);
  byId('answer-suggestions').hidden = suggestions.length === 0;
  list('answer-suggested', suggestions);
  byId('answer-text').textContent = text;
  byId('answer-text').hidden = text === '';
}

function show(result) {
  const largest = result.largestContext;
  answer(result.allowed ? 'yes' : 'no', `${result.allowed ? 'Yes' : 'No'}: ${result.summary}`, {
    context: largest === null ? 'No context is small enough.' :
      `Largest context with these options: ${largest.toLocaleString('en')} tokens.`,
    warnings: result.warnings,
    suggestions: result.verdict.suggestions.map((one) => one.text),
    text: result.text,
  });
}

async function check(form, file) {
  const query = options(form);
  const source = form.elements.source.value.trim();
  if (!file && !source) return answer('no', 'Give an address or a file.');
  answer('', file ? `Reading the header of ${file.name} …` : `Reading the header of ${source} …`);
  try {
    if (!file) query.set('source', source);
    const response = file ? await askAbout(file, query) : await fetch(`/v1/fit?${query}`);
    if (!response.ok) return answer('no', (await response.text()).trim());
    show(await response.json());
  } catch (error) {
    answer('no', error.message);
  }
}

export function watchForm() {
  const form = byId('fit-form');
  const drop = byId('drop');
  const input = byId('file');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    check(form, input.files[0]);
  });
  input.addEventListener('change', () => {
    if (input.files[0]) form.elements.source.value = '';
  });
  form.elements.source.addEventListener('input', () => { input.value = ''; });
  for (const name of ['dragover', 'dragleave', 'drop']) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle('over-drop', name === 'dragover');
    });
  }
  drop.addEventListener('drop', (event) => {
    const file = event.dataTransfer.files[0];
    if (!file) return;
    input.files = event.dataTransfer.files;
    form.elements.source.value = '';
    check(form, file);
  });
}
