import { renderDiscord } from './discord.js';
import { h, morph } from './dom.js';
import { renderHosts } from './hosts.js';
import { renderLogs } from './logs.js';
import { renderActivity, renderImages, renderLedger } from './records.js';
import { renderRun, tick } from './run.js';
import { renderServices } from './services.js';

/** Which section is drawn by what, and what of the picture it looks at. */
const SECTIONS = {
  run: { draw: renderRun, needs: ['runs', 'probe'] },
  services: { draw: renderServices, needs: ['services', 'tasks', 'balancers'] },
  hosts: { draw: renderHosts, needs: ['hosts'] },
  logs: { draw: renderLogs, needs: ['logs'] },
  discord: { draw: renderDiscord, needs: ['discord'] },
  ledger: { draw: renderLedger, needs: ['ledger'] },
  images: { draw: renderImages, needs: ['images'] },
  activity: { draw: renderActivity, needs: ['activity'] },
};

const view = {};
const link = document.getElementById('link');

function draw(changed) {
  for (const [name, { draw: render, needs }] of Object.entries(SECTIONS)) {
    if (!needs.some((key) => changed.includes(key))) continue;
    const place = document.querySelector(`[data-section="${name}"]`);
    const follow = [...place.querySelectorAll('[data-follow]')].filter(atEnd);
    const fresh = place.childElementCount === 0;
    morph(place, h('div', {}, render(view)));
    for (const box of fresh ? place.querySelectorAll('[data-follow]') : follow) box.scrollTop = box.scrollHeight;
  }
}

const atEnd = (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 40;

function connection(state, text) {
  if (link.dataset.state === state) return;
  link.dataset.state = state;
  link.textContent = text;
}

const events = new EventSource('/api/events');
events.addEventListener('open', () => connection('live', 'Live'));
events.addEventListener('error', () => connection('lost', 'Not connected; trying again'));
events.addEventListener('view', (event) => {
  const part = JSON.parse(event.data);
  Object.assign(view, part);
  draw(Object.keys(part));
});
document.addEventListener('redraw', (event) => draw(event.detail));
setInterval(() => tick(document), 1000);
